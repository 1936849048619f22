"""How a device reaches the call that uses it, in every spelling that functions are written in."""

from pathlib import Path

import pytest

from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import analysis_of, mode_of, rules_of

_MODEL = "import os\nimport torch\n\nmodel = torch.nn.Linear(2, 2)\n"
_HANDLER = "\n\ndef handler(payload):\n    return model(payload)\n"

PINNED = {
    "attribute of an object from elsewhere": (
        'import options\nargs = options.parse()\nargs.device = "cuda"\nmodel.to(args.device)'
    ),
    "cuda method": "model.cuda()",
    "cuda index": 'model.to("cuda:0")',
    "keyword": 'x = torch.zeros(3, device="cuda")',
    "device object": 'device = torch.device("cuda")\nmodel.to(device)',
    "constant": 'DEVICE = "cuda"\nmodel.to(DEVICE)',
    "alias": 'import torch as t\nd = t.device("cuda")\nmodel.to(d)',
    "from import": 'from torch import device as make\nmodel.to(make("cuda"))',
    "class attribute": 'class C:\n    dev = "cuda"\n    def load(self):\n        model.to(self.dev)',
    "instance attribute": (
        'class C:\n    def __init__(self):\n        self.dev = "cuda"\n    def load(self):\n        model.to(self.dev)'
    ),
    "default argument": 'def load(device="cuda"):\n    model.to(device)\nload()',
    "passed argument": 'def load(device):\n    model.to(device)\nload("cuda")',
    "environment": 'model.to(os.environ.get("DEVICE", "cuda"))',
    "f-string": 'rank = int(os.environ["RANK"])\nmodel.to(f"cuda:{rank}")',
    "concatenation": 'model.to("cuda:" + str(0))',
    "dictionary": 'config = {"device": "cuda"}\nmodel.to(config["device"])',
    "unpacked dictionary": 'options = {"device": "cuda"}\nx = torch.zeros(3, **options)',
    "returned": 'def pick():\n    return "cuda"\nmodel.to(pick())',
    "walrus": 'if (d := "cuda"):\n    model.to(d)',
    "default device": 'torch.set_default_device("cuda")',
    "set device": "torch.cuda.set_device(0)",
    "guard that is always true": "USE = True\nif USE:\n    model.cuda()",
    "raises without": "if not torch.cuda.is_available():\n    raise SystemExit\nmodel.to('cuda')",
    "inherited": 'class A:\n    dev = "cuda"\nclass B(A):\n    def load(self):\n        model.to(self.dev)',
    "object of another class": (
        'class C:\n    def __init__(self, name):\n        self.name = name\nc = C("cuda")\nmodel.to(c.name)'
    ),
    "looked up by a function": 'T = {"a": "cuda"}\ndef pick(k):\n    return T[k]\nmodel.to(pick("a"))',
}

CHOSEN = {
    "part of a device's name": 'def put(device):\n    if "cuda" in device:\n        model.cuda()',
    "part of the other's name": 'def put(device):\n    if "cpu" not in device:\n        model.cuda()',
    "switch that is off unless asked for": (
        "import options\ndef put(use_gpu=False):\n    if use_gpu:\n        model.cuda()\nput(options.parse().gpu)"
    ),
    "refusal of a wish that cannot be met": (
        "import options\ndef put(use_gpu=False):\n    if use_gpu:\n        assert torch.cuda.is_available()\n"
        "        model.cuda()\nput(use_gpu=options.parse().gpu)"
    ),
    "if expression": 'model.to("cuda" if torch.cuda.is_available() else "cpu")',
    "device object": 'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nmodel.to(device)',
    "if statement": "if torch.cuda.is_available():\n    model.cuda()",
    "flag": "use_gpu = torch.cuda.is_available()\nif use_gpu:\n    model.cuda()",
    "flag and more": "ok = torch.cuda.is_available() and bool(os.environ)\nif ok:\n    model.cuda()",
    "count": "if torch.cuda.device_count() > 0:\n    model.cuda()",
    "rebinding": 'device = "cpu"\nif torch.cuda.is_available():\n    device = "cuda"\nmodel.to(device)',
    "else": "if not torch.cuda.is_available():\n    pass\nelse:\n    model.cuda()",
    "early return": (
        "def put():\n    if not torch.cuda.is_available():\n        return model\n    return model.cuda()\nput()"
    ),
    "helper": (
        'def pick():\n    if torch.cuda.is_available():\n        return "cuda"\n    return "cpu"\nmodel.to(pick())'
    ),
    "wrapped check": "def has_gpu():\n    return torch.cuda.is_available()\nif has_gpu():\n    model.cuda()",
    "conditional expression statement": "model.cuda() if torch.cuda.is_available() else model",
    "attribute": (
        "class C:\n    def __init__(self):\n        self.gpu = torch.cuda.is_available()\n"
        "    def load(self):\n        if self.gpu:\n            model.cuda()"
    ),
    "device type": 'device = "cuda" if torch.cuda.is_available() else "cpu"\nif device == "cuda":\n    model.cuda()',
    "backend": 'if os.environ.get("GAIA_BACKEND") == "gpu":\n    model.cuda()',
    "backend constant": 'ON_GPU = os.environ["GAIA_BACKEND"] == "gpu"\nif ON_GPU:\n    model.cuda()',
    "never true": "USE = False\nif USE:\n    model.cuda()",
    "mps too": (
        'd = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() '
        'else "cpu"\nmodel.to(d)'
    ),
    "passed argument": 'def put(device):\n    model.to(device)\nput("cuda" if torch.cuda.is_available() else "cpu")',
    "called where there is one": "def move():\n    model.cuda()\nif torch.cuda.is_available():\n    move()",
    "elif": 'if os.environ.get("X"):\n    pass\nelif torch.cuda.is_available():\n    model.cuda()',
}


@pytest.mark.parametrize("code", PINNED.values(), ids=PINNED)
def test_a_pinned_device_is_gpu(code: str, tmp_path: Path) -> None:
    assert mode_of(tmp_path, _MODEL + code + _HANDLER) is ExecutionMode.GPU


@pytest.mark.parametrize("code", CHOSEN.values(), ids=CHOSEN)
def test_a_guarded_device_is_not_gpu(code: str, tmp_path: Path) -> None:
    assert mode_of(tmp_path, _MODEL + code + _HANDLER) is ExecutionMode.CPU_PREFERRED


def test_a_constant_of_a_helper_module_is_followed(tmp_path: Path) -> None:
    code = (
        "import torch\nimport settings\nfrom settings import DEVICE\n\ndef handler(payload):\n"
        "    return torch.zeros(3).to({})\n"
    )
    helper = 'DEVICE = "cuda"\n'

    assert mode_of(tmp_path / "a", code.format("DEVICE"), settings_py=helper) is ExecutionMode.GPU
    assert mode_of(tmp_path / "b", code.format("settings.DEVICE"), settings_py=helper) is ExecutionMode.GPU


def test_one_unguarded_placement_outweighs_a_guarded_one(tmp_path: Path) -> None:
    code = _MODEL + CHOSEN["if statement"] + '\nx = torch.zeros(3, device="cuda")' + _HANDLER

    assert mode_of(tmp_path, code) is ExecutionMode.GPU


def test_a_helper_that_is_also_called_without_a_guard_is_pinned(tmp_path: Path) -> None:
    code = _MODEL + "def move():\n    model.cuda()\nif torch.cuda.is_available():\n    move()\nmove()\n" + _HANDLER

    assert mode_of(tmp_path, code) is ExecutionMode.GPU


def test_an_error_handler_is_no_guard(tmp_path: Path) -> None:
    code = (
        "import torch\n\ndef handler(payload):\n    try:\n        return torch.zeros(3).cuda()\n"
        "    except Exception as e:\n        return str(e)\n"
    )

    assert mode_of(tmp_path, code) is ExecutionMode.GPU


def test_an_optional_import_is_a_guard(tmp_path: Path) -> None:
    code = (
        "try:\n    import cupy as xp\nexcept ImportError:\n    import numpy as xp\n\n"
        'def handler(payload):\n    a = xp.ones((payload["n"], payload["n"]))\n    return float((a @ a).sum())\n'
    )
    analysis = analysis_of(tmp_path, code)

    assert analysis.mode is ExecutionMode.CPU_PREFERRED
    assert "GA403" in rules_of(analysis)


def test_what_only_runs_as_a_script_is_no_evidence(tmp_path: Path) -> None:
    code = (
        'def handler(payload):\n    return 1\n\nif __name__ == "__main__":\n    import torch\n'
        "    print(torch.zeros(3).cuda())\n"
    )

    analysis = analysis_of(tmp_path, code)

    assert "GA201" not in rules_of(analysis)


def test_comments_and_docstrings_are_no_evidence(tmp_path: Path) -> None:
    code = (
        '"""model.to("cuda")"""\n# import torch; model.cuda()\ndef handler(payload):\n'
        "    return \"torch.device('cuda')\"\n"
    )

    assert mode_of(tmp_path, code) is ExecutionMode.CPU


@pytest.mark.parametrize(
    ("gpus", "mode"),
    [("1", "gpu"), ("-1", "gpu"), ("[0]", "gpu"), ("0", "cpu"), ("torch.cuda.device_count()", "gpu_preferred")],
)
def test_a_number_of_gpus_asks_lightning_for_them(tmp_path: Path, gpus: str, mode: str) -> None:
    code = f"import torch\nimport pytorch_lightning as pl\ntrainer = pl.Trainer(gpus={gpus})\n"

    assert mode_of(tmp_path, f"{code}def handler(payload):\n    return trainer.predict(payload)\n") == mode


@pytest.mark.parametrize(
    "look", ['os.path.exists("/dev/nvidia0")', 'Path("/dev/nvidia0").exists()', 'glob.glob("/dev/nvidia*")']
)
def test_the_file_of_a_card_tells_whether_there_is_a_gpu(tmp_path: Path, look: str) -> None:
    head = "import glob, os, subprocess, torch\nfrom pathlib import Path\n"
    moved = f"def handler(payload):\n    x = torch.ones(3)\n    if {look}:\n        x = x.cuda()\n    return x\n"
    encoded = (
        f'def handler(payload):\n    use = "libx264"\n    if {look}:\n        use = "h264_nvenc"\n'
        '    subprocess.run(["ffmpeg", "-i", "a", "-c:v", use, "b"])\n'
    )

    assert mode_of(tmp_path, head + moved) == "cpu_preferred"
    assert mode_of(tmp_path, head + encoded) in ("cpu_preferred", "gpu_preferred")
