"""A placement that a setting asks for is a possibility: what the setting is by default decides what runs."""

from pathlib import Path

import pytest

from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import codes, mode_of

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
"""


@pytest.mark.parametrize("code", codes(WHAT_IS_OFF_BY_DEFAULT_IS))
def test_what_is_off_by_default_is_a_possibility(tmp_path: Path, code: str) -> None:
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
