"""Names as Python finds them: the project's own, packages before modules, and what a star imports."""

from pathlib import Path

import pytest

from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import analysis_of, codes, mode_of, project

OWN_NAMES = """\
import torch
def cuda():
    return {"available": torch.cuda.is_available()}
def handler(p):
    return cuda()
# ---
import torch
class Report:
    def cuda(self):
        return torch.cuda.is_available()
    def to(self, device):
        return f"{self.cuda()} {device}"
report = Report()
def handler(p):
    return report.cuda(), report.to("cuda")
# ---
import torch
class Report:
    @staticmethod
    def to_gpu():
        return torch.__version__
def handler(p):
    return Report.to_gpu()
# ---
import torch
def cuda(name):
    def inner():
        return name
    return inner()
handler = lambda p: cuda("x")
# ---
import torch
import tools
def handler(p):
    return tools.cuda()
"""


@pytest.mark.parametrize("code", codes(OWN_NAMES))
def test_the_projects_own_cuda_places_nothing(tmp_path: Path, code: str) -> None:
    tools = "import torch\ndef cuda():\n    return torch.cuda.is_available()\n"

    assert mode_of(tmp_path, code, tools_py=tools) is ExecutionMode.CPU_PREFERRED


PYTORCHS_NAMES = """\
import torch
class Net(torch.nn.Module):
    pass
net = Net().cuda()
def handler(p):
    return net(p)
# ---
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return x
def handler(p):
    return Net().to("cuda")(p)
# ---
from torch import *
def handler(p):
    card = device("cuda")
    return ones(4).to(card).tolist()
# ---
from torch import *
from math import *
def handler(p):
    return zeros(3).cuda().sum().item()
# ---
from names import *
def handler(p):
    return torch.ones(4).to(place).tolist()
# ---
from chain import *
def handler(p):
    return ones(4).to(device("cuda")).tolist()
# ---
from .names import *
def handler(p):
    return torch.ones(4, device=place).tolist()
"""


@pytest.mark.parametrize("code", codes(PYTORCHS_NAMES))
def test_what_is_pytorchs_stays_so_through_classes_and_stars(tmp_path: Path, code: str) -> None:
    names = 'import torch\nplace = "cuda"\n'
    mode = mode_of(tmp_path, code, names_py=names, chain_py="from link import *\n", link_py="from torch import *\n")

    assert mode is ExecutionMode.GPU


def test_a_star_does_not_hide_builtins_or_loop_for_ever(tmp_path: Path) -> None:
    code = "from torch import *\nfrom a import *\ndef handler(p):\n    return max(p['x']), len(p), unheard_of\n"
    analysis = analysis_of(tmp_path, code, a_py="from b import *\n", b_py="from a import *\n")

    assert analysis.mode is ExecutionMode.CPU_PREFERRED
    assert not analysis.failures


ON_GPU = "import torch\ndef load():\n    return torch.nn.Linear(3, 3).cuda()\n"
PLAIN = "def load():\n    return len\n"


@pytest.mark.parametrize(
    ("files", "mode"),
    [
        ({"models.py": ON_GPU, "models/__init__.py": PLAIN}, ExecutionMode.CPU),
        ({"models.py": PLAIN, "models/__init__.py": ON_GPU}, ExecutionMode.GPU),
        ({"src/models.py": ON_GPU, "src/models/__init__.py": PLAIN}, ExecutionMode.CPU),
        ({"models.py": ON_GPU, "models/notes.txt": ""}, ExecutionMode.GPU),
        (
            {"models/__init__.py": "from .net import load\n", "models/net.py": PLAIN, "net.py": ON_GPU},
            ExecutionMode.CPU,
        ),
    ],
)
def test_a_package_wins_over_a_module_of_its_name(tmp_path: Path, files: dict[str, str], mode: ExecutionMode) -> None:
    project(tmp_path, files)

    assert mode_of(tmp_path, "from models import load\ndef handler(p):\n    return load()(p['text'])\n") is mode


INDEXES = """\
net = torch.jit.load("m.pt").to(0)
# ---
net = torch.jit.load("m.pt").to(device=1)
# ---
CARD = 0
net = torch.jit.load("m.pt").to(CARD)
# ---
net = torch.jit.load("m.pt", map_location="cpu").to(torch.device(0))
# ---
net = torch.nn.Linear(2, 2).cuda(1)
# ---
net = torch.zeros(3, device=0)
"""


@pytest.mark.parametrize("line", codes(INDEXES))
def test_a_number_is_a_gpu(tmp_path: Path, line: str) -> None:
    assert mode_of(tmp_path, f"import torch\n{line}def handler(p):\n    return net(p)\n") is ExecutionMode.GPU
