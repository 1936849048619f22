"""GA202: the device is chosen by what the machine has."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.devices import Without, placements
from analyzers.rules.rule import Hit, Hits, Rule

_CHOICES = {
    Without.CHOOSES: ("chosen", "where there is one and the CPU otherwise"),
    Without.WAITS_TO_BE_ASKED: ("asked for", "where a setting or a request asks for it"),
    Without.FALLS_BACK: ("wished for", "if it can, and the library goes on without one"),
}


def _check(facts: Facts) -> Hits:
    for placement in placements(facts):
        if placement.without is not Without.FAILS:
            weight, where = _CHOICES[placement.without]
            yield Hit(placement.call.place, f"{placement.spelling} uses a GPU {where}", weight)


RULE = Rule(
    code="GA202",
    name="guarded-device",
    summary="The code uses a GPU where there is one, and the CPU otherwise.",
    rationale="Such a function runs on both backends, so Gaia may move it. Its author expected a GPU, which is "
    "evidence for one; a small model, or other evidence for the CPU, outweighs that.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"chosen": 0.7, "asked for": 0.0, "wished for": 1.5},
    words="GPU cuda device gpu",
    matches=(
        'import torch\ndevice = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
        "import torch\nuse_gpu = torch.cuda.is_available()\nA = torch.zeros(3)\nif use_gpu:\n    A = A.cuda()",
        'import torch\ndef put(x, device):\n    if "cuda" in device:\n        x = x.cuda()\n    return x',
        (
            "import torch\ndef move(x, device):\n    return x.to(device)\n"
            'move(torch.zeros(1), "cuda" if torch.cuda.is_available() else "cpu")'
        ),
        'import polars as pl\nframe = pl.scan_csv("a.csv").collect(engine="gpu")',
        "import taichi as ti\nti.init(arch=ti.gpu)",
        'import mitsuba as mi\nmi.set_variant("cuda_ad_rgb", "llvm_ad_rgb")',
        'import os, torch\nx = torch.zeros(1)\nif os.getenv("CARD") == "1":\n    x = x.cuda()',
        "import torch\nx = torch.zeros(1)\ntry:\n    x = x.cuda()\nexcept RuntimeError:\n    pass",
        "import torch\ndef put(x):\n    if not torch.cuda.is_available():\n        return x\n    return x.cuda()",
    ),
    passes=('import torch\nx = torch.zeros(3).to("cuda")', 'import torch\nx = torch.zeros(3).to("cpu")'),
)
