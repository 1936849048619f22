"""GA201: work is placed on a GPU whatever the machine has."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.devices import Without, placements
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for placement in placements(facts):
        if placement.without is Without.FAILS:
            message = f"{placement.spelling} places work on a GPU without asking whether there is one"
            yield Hit(placement.call.place, message, "unguarded")


RULE = Rule(
    code="GA201",
    name="pinned-device",
    summary="The code places work on a GPU without asking whether there is one.",
    rationale="On a machine without a GPU this line raises, so a CPU cannot serve the function. The device is "
    "followed through variables, class attributes, default arguments, helper modules and os.environ.get defaults.",
    remedy='Ask first: `device = "cuda" if torch.cuda.is_available() else "cpu"`.',
    confidence=0.95,
    signal=Signal.NEEDS_GPU,
    check=_check,
    weights={"unguarded": 4.0},
    words="CUDA GPU cuda device gpu",
    matches=(
        "import torch\nmodel = torch.nn.Linear(2, 2).cuda()",
        'import torch\nDEVICE = "cuda:0"\ndef handler(payload):\n    return torch.zeros(3).to(DEVICE)',
        (
            'import torch\nclass Model:\n    device = "cuda"\n    def load(self):\n'
            '        self.net = torch.load("m.pt", map_location=self.device)'
        ),
        'import torch\ndef load(device="cuda"):\n    return torch.zeros(3, device=device)\nload()',
        'import tensorflow as tf\nwith tf.device("/GPU:0"):\n    pass',
        'import os, torch\ndevice = torch.device(os.environ.get("DEVICE", "cuda"))',
        'import jax\nx = jax.devices("gpu")',
        'import lightning as L\ntrainer = L.Trainer(accelerator="gpu")',
        'import whisper\nmodel = whisper.load_model("base", "cuda")',
        'import open3d as o3d\ncard = o3d.core.Device("CUDA:0")',
        'import mitsuba as mi\nmi.set_variant("cuda_ad_rgb")',
        'import jax\njax.config.update("jax_platform_name", "gpu")',
        "import paddle\nx = paddle.to_tensor([1], place=paddle.CUDAPlace(0))",
        "import torch\nm = torch.nn.parallel.DistributedDataParallel(net, device_ids=[0])",
        'from transformers import pipeline\npipe = pipeline("text-generation", device=0)',
        "import torch\nUSE_CUDA = True\nmodel = torch.nn.Linear(2, 2)\nif USE_CUDA:\n    model = model.cuda()",
    ),
    passes=(
        'import torch\ndevice = "cuda" if torch.cuda.is_available() else "cpu"\nx = torch.zeros(3).to(device)',
        "import torch\nuse_gpu = torch.cuda.is_available()\nA = torch.zeros(3)\nif use_gpu:\n    A = A.cuda()",
        'import torch\nx = torch.zeros(3, device="cpu")',
        'import torch\ndef noise(device):\n    return torch.Generator(device).manual_seed(int("1024"))',
        'import open3d as o3d\ncard = o3d.core.Device("CPU:0")',
        "import torch, pint\nlength = pint.Quantity(3, 'm').to(0)",
        'import pint\nlength = (3 * pint.UnitRegistry().meter).to("cuda")',
        'import torch\nnet = torch.nn.Linear(2, 2).to("meta")',
        'import tensorflow as tf\ntf.config.set_visible_devices(devices=[], device_type="GPU")',
        '# model.to("cuda")\nx = "cuda"',
        "import torch\nUSE_CUDA = False\nmodel = torch.nn.Linear(2, 2)\nif USE_CUDA:\n    model = model.cuda()",
        (
            'import torch\ndef pick():\n    if torch.cuda.is_available():\n        return "cuda"\n'
            '    return "cpu"\nx = torch.zeros(3).to(pick())'
        ),
    ),
)
