"""A placement that a setting asks for is a possibility: what the setting is by default decides what runs."""

from pathlib import Path

import pytest

from analyzers import analyze
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import codes, mode_of, project

HEAD = "import os\nimport torch\n\nnet = torch.jit.load('m.pt')\n"
TAIL = "\n\ndef handler(p):\n    return net(torch.tensor(p['x'])).tolist()\n"


WHAT_IS_OFF_BY_DEFAULT_IS = """\
if os.environ.get('USE_GPU') == '1':
    net = net.cuda()
# ---
if os.getenv('CARD', 'no').lower() == 'yes':
    net = net.cuda()
# ---
if os.environ.get('CARD', '0') in ('1', 'true'):
    net = net.cuda()
# ---
MODE = 'light'
if MODE == 'heavy':
    net = net.cuda()
# ---
LEVEL = int(os.environ.get('LEVEL', 0))
if LEVEL > 2:
    net = net.cuda()
# ---
def put(x, device='cpu'):
    if device == 'cuda':
        return x.cuda()
    return x
net = put(net)
# ---
def put(x, fast=False):
    if not fast:
        return x
    return x.cuda()
net = put(net)
# ---
class Service:
    def __init__(self, device='cpu'):
        self.net = net
        if device == 'cuda':
            self.net.cuda()
service = Service()
# ---
def put(x, where=None):
    if where is not None and where != 'cpu':
        x = x.cuda()
    return x
net = put(net)
# ---
net = net.cuda() if os.environ.get('CARD') == '1' else net
# ---
from pydantic import Field
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    device: str = Field('cpu', description='where it runs')
settings = Settings()
if settings.device == 'cuda':
    net = net.cuda()
# ---
from dataclasses import dataclass, field
@dataclass
class Settings:
    use_gpu: bool = field(default=False)
settings = Settings()
if settings.use_gpu:
    net = net.cuda()
# ---
import typer
def main(card: bool = typer.Option(False, '--card')):
    if card:
        net.cuda()
# ---
from cog import BasePredictor, Input
class Predictor(BasePredictor):
    def predict(self, where: str = Input(description='where', default='cpu')):
        if where == 'cuda':
            net.cuda()
# ---
import click
@click.command()
@click.option('--device', default='cpu')
def main(device):
    if device == 'cuda':
        net.cuda()
# ---
import click
@click.command()
@click.option('--card/--no-card', 'card', is_flag=True)
def main(card):
    if card:
        net.cuda()
# ---
from decouple import config
if config('CARD', default=False, cast=bool):
    net = net.cuda()
# ---
net = net.to('cuda' if os.getenv('GPU', 'false').lower() in ('1', 'true') else 'cpu')
# ---
place = 'cpu'
if os.environ.get('CARD') == '1':
    place = 'cuda'
net = net.to(place)
# ---
def pick():
    if os.environ.get('CARD') == '1':
        return 'cuda'
    return 'cpu'
net = net.to(pick())
# ---
def put(x, where='cpu'):
    match where:
        case 'cuda' | 'gpu':
            return x.cuda()
        case _:
            return x
net = put(net)
# ---
def load(where='cpu'):
    found = torch.jit.load('m.pt')
    return found.cuda() if where == 'cuda' else found
net = load()
# ---
from dataclasses import dataclass
@dataclass
class Config:
    device: str = 'cpu'
config = Config()
if config.device.startswith('cuda'):
    net = net.cuda()
# ---
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--gpu', action='store_true')
args = parser.parse_args()
if args.gpu:
    net = net.cuda()
# ---
import argparse
def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('-d', '--run-on', default='CPU')
    return parser.parse_args()
if arguments().run_on.lower() != 'cpu':
    net = net.cuda()
# ---
if os.environ.get('CARD') == '1' and torch.cuda.is_available():
    net = net.cuda()
# ---
if os.environ.get('NEEDS_CARD') == '1' and not torch.cuda.is_available():
    raise RuntimeError('no GPU')
if os.environ.get('CARD') == '1':
    net = net.cuda()
# ---
from distutils.util import strtobool
if strtobool(os.getenv('HEAVY', 'false')):
    net = net.cuda()
# ---
from decouple import config
if config('HEAVY', default=False, cast=bool):
    net = net.cuda()
# ---
from environs import Env
env = Env()
if env.bool('HEAVY', False):
    net = net.cuda()
# ---
if 'WITH_CARD' in os.environ:
    net = net.cuda()
# ---
HEAVY = os.getenv('HEAVY', 'no') == 'yes'
if HEAVY:
    net = net.cuda()
# ---
match os.getenv('BACKEND', 'light'):
    case 'heavy' | 'heavier':
        net = net.cuda()
    case _:
        pass
# ---
match os.getenv('BACKEND', 'light'):
    case 'light':
        pass
    case _:
        net = net.cuda()
"""


@pytest.mark.parametrize("code", codes(WHAT_IS_OFF_BY_DEFAULT_IS))
def test_what_is_off_by_default_is_a_possibility(tmp_path: Path, code: str) -> None:
    assert mode_of(tmp_path, HEAD + code + TAIL) is ExecutionMode.CPU_PREFERRED


WHAT_A_REQUEST_OR_A_FILE_SAYS = """\
def place(p):
    return net.cuda() if p.get('gpu') else net
# ---
def place(p):
    if p['device'] == 'cuda':
        net.cuda()
# ---
def place(p):
    wanted = p.get('use_gpu', False)
    if wanted:
        net.cuda()
# ---
import yaml
conf = yaml.safe_load(open('config.yaml'))
if conf['model']['device'] == 'cuda':
    net = net.cuda()
# ---
import json
conf = json.load(open('config.json'))
if conf.get('accelerator', 'cpu') == 'gpu':
    net = net.cuda()
"""


@pytest.mark.parametrize("code", codes(WHAT_A_REQUEST_OR_A_FILE_SAYS))
def test_what_a_request_or_a_file_asks_for_is_a_possibility(tmp_path: Path, code: str) -> None:
    assert mode_of(tmp_path, HEAD + code + TAIL) is ExecutionMode.CPU_PREFERRED


WHAT_IS_ON_BY_DEFAULT_OR = """\
if os.environ.get('USE_GPU', '1') == '1':
    net = net.cuda()
# ---
MODE = 'heavy'
if MODE == 'heavy':
    net = net.cuda()
# ---
def put(x, device='cuda'):
    if device == 'cuda':
        return x.cuda()
    return x
net = put(net)
# ---
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--no-gpu', action='store_true')
if not parser.parse_args().no_gpu:
    net = net.cuda()
# ---
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--device', default='cuda:0')
args = parser.parse_args()
net = net.to(args.device)
# ---
def put(x, where='cuda'):
    match where:
        case 'cpu':
            return x
        case _:
            return x.cuda()
net = put(net)
# ---
model = None
def load():
    global model
    if model is None:
        model = torch.jit.load('n.pt').cuda()
    return model
# ---
class Service:
    net = None
    def run(self):
        if not self.net:
            self.net = torch.jit.load('n.pt').cuda()
        return self.net
service = Service()
# ---
seen = 0
def count():
    global seen
    seen += 1
    if seen > 3:
        net.cuda()
# ---
def put(x, level=0):
    if level > 2:
        return x.cuda()
    return x
net = put(net, 5)
"""


@pytest.mark.parametrize("code", codes(WHAT_IS_ON_BY_DEFAULT_OR))
def test_what_is_on_by_default_or_comes_to_pass_is_a_need(tmp_path: Path, code: str) -> None:
    assert mode_of(tmp_path, HEAD + code + TAIL) is ExecutionMode.GPU


WHAT_IS_MOVED_TO_THE_GPU = """\
def run(x):
    if not x.is_cuda:
        x = x.cuda()
    return x
# ---
def run(x):
    if x.device.type != 'cuda':
        x = x.to('cuda')
    return x
# ---
def run(x):
    if x.device.type == 'cpu':
        x = x.to('cuda')
    return x
# ---
def run(x):
    return x if x.is_cuda else x.cuda()
"""


@pytest.mark.parametrize("code", codes(WHAT_IS_MOVED_TO_THE_GPU))
def test_what_is_moved_to_the_gpu_because_it_is_not_there_needs_one(tmp_path: Path, code: str) -> None:
    assert mode_of(tmp_path, HEAD + code + TAIL) is ExecutionMode.GPU


WHAT_A_CALLER_OR_A_FILE = """\
import argparse
args = argparse.ArgumentParser().parse_args()
if not args.no_cuda:
    net.cuda()
# ---
def run(x, disable_gpu):
    if not disable_gpu:
        x = x.cuda()
    return x
# ---
def run(x, cfg):
    if cfg['device'] == 'cuda':
        x = x.cuda()
    return x
# ---
def run(x, cfg):
    if cfg.use_gpu:
        x = x.cuda()
    return x
# ---
def handler2(p):
    x = torch.tensor(p['x'])
    if p.get('device') == 'cuda':
        x = x.cuda()
    return x
"""


@pytest.mark.parametrize("code", codes(WHAT_A_CALLER_OR_A_FILE))
def test_what_a_caller_or_a_file_may_ask_for_is_a_choice(tmp_path: Path, code: str) -> None:
    assert mode_of(tmp_path, HEAD + code + TAIL) in (ExecutionMode.CPU_PREFERRED, ExecutionMode.GPU_PREFERRED)


def test_a_setting_of_another_module_is_what_it_is_there(tmp_path: Path) -> None:
    files = {
        "settings.py": "import os\nHEAVY = os.getenv('HEAVY', 'no') == 'yes'\n",
        "main.py": HEAD + "from settings import HEAVY\nif HEAVY:\n    net = net.cuda()\n" + TAIL,
    }

    assert analyze(project(tmp_path, files)).mode is ExecutionMode.CPU_PREFERRED


@pytest.mark.parametrize(
    "test",
    ["p.get('use_gpu')", "p.get('gpu', False)", "p['cuda']", "config['use_gpu']", "config.getboolean('x', 'gpu')"],
)
def test_a_setting_under_a_key_that_names_a_gpu_decides_whether_there_is_one(test: str, tmp_path: Path) -> None:
    config = "import yaml\nconfig = yaml.safe_load(open('c.yaml'))\n"
    code = f"{HEAD}{config}def handler(p):\n    if {test}:\n        net.cuda()\n    return 1\n"

    assert not mode_of(tmp_path, code).is_fixed


@pytest.mark.parametrize(
    "lines",
    ["again = again or failed", "again = not again", "again = other or failed\nother = again or failed"],
)
def test_a_test_that_rests_on_itself_has_no_default_and_no_end(tmp_path: Path, lines: str) -> None:
    code = f"import torch\nfailed = None\n{lines}\nif again:\n    x = torch.zeros(1).to('cuda')\n"

    assert analyze(project(tmp_path, None, func_py=code)).failures == ()
