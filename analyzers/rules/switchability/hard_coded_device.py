"""GA701: a device is hard-coded where asking for one would do."""

import re
from collections.abc import Iterator

from analyzers.facts.model import Argument, Call, Constant, FileFacts, Guard, Known, Place, Symbol, constants, texts
from analyzers.lean.patterns import Pattern
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.devices import STARTS_CUDA, is_gpu
from analyzers.rules.knowledge.libraries import FRAMEWORKS, lookup
from analyzers.rules.rule import Hit, Hits

_KEYWORDS = ("device", "map_location", "torch_device", "device_map")
_DEVICE_FIRST = frozenset({"torch.device", "torch.set_default_device", "torch.Generator"})
_OTHER_MEANING = ("torch.autocast", "torch.amp.", "torch.cuda.")
_NAMES = frozenset({"device", "torch_device", "_device", "default_device"})
_FOR_GPU = Pattern(r"(^|[._])(cuda|gpu)s?$")
"""What a function is called that moves to a GPU and says so."""
_IN_NAME = Pattern(r"(^|[/_])(cuda|bnb)", re.IGNORECASE)
"""In the path of a file that is for CUDA, or for bitsandbytes, and says so."""
_FOR_GPUS = frozenset(
    ["enable_xformers_memory_efficient_attention", "enable_model_cpu_offload", "enable_sequential_cpu_offload"]
)


def _check(behaviour: Behaviour) -> Hits:
    for file in behaviour.facts.files:
        in_name = any(word in file.path.lower() for word in ("cuda", "bnb")) and _IN_NAME.search(file.path)
        if in_name or not any(lookup(fact.name, FRAMEWORKS) for fact in file.imports):
            continue
        places = dict.fromkeys((*_placed(file, behaviour), *_named(file, behaviour)))
        if places and not _needs_more_than_a_guard(file, behaviour):
            for place, spelling in sorted(places, key=lambda found: (found[0].line, found[0].column)):
                yield Hit(place, f"{spelling} is hard-coded and fails without a GPU; ask whether there is one")


def _needs_more_than_a_guard(file: FileFacts, behaviour: Behaviour) -> bool:
    """Return whether the code would not run on a CPU either if its devices were guarded, or not as meant."""
    several = any(fact.name.startswith("torch.distributed") for fact in file.imports)
    tied = any(call.method in _FOR_GPUS or _asks_for_half(call) or _starts_cuda(call) for call in file.calls)
    return several or tied or behaviour.is_tied(file)


def _asks_for_half(call: Call) -> bool:
    values = [argument.value for argument in call.arguments]
    return Symbol("torch.float16") in values or any("fp16" in texts(value) for value in values)


def _starts_cuda(call: Call) -> bool:
    return call.guard is Guard.ALWAYS and call.name.startswith("torch.cuda.") and call.method in STARTS_CUDA


def _placed(file: FileFacts, behaviour: Behaviour) -> Iterator[tuple[Place, str]]:
    for call in file.calls:
        moved = call.method == "cuda" and not call.args and not call.keywords
        devices = list(_devices(call))
        if not (moved or devices) or call.name.startswith(_OTHER_MEANING) or call.guard is not Guard.ALWAYS:
            continue
        context = behaviour.contexts.of(call.place)
        if context.chosen or _is_for_gpus(context.function):
            continue
        if moved:
            yield call.place, ".cuda()"
        for argument in devices:
            place = behaviour.contexts.literals.get((file.path, argument.line, argument.offset))
            if place is not None and isinstance(argument.value, Known) and is_gpu(argument.value):
                yield place, f'"{argument.value.value}"'


def _is_for_gpus(function: str) -> bool:
    """Return whether a function is called after what it needs; for most, no pattern is compiled."""
    return ("cuda" in function or "gpu" in function) and _FOR_GPU.search(function) is not None


def _devices(call: Call) -> Iterator[Argument]:
    if call.args and (call.method == "to" or call.name in _DEVICE_FIRST):
        yield call.args[0]
    yield from (argument for name, argument in call.keywords if name in _KEYWORDS)


def _named(file: FileFacts, behaviour: Behaviour) -> Iterator[tuple[Place, str]]:
    """Yield the names of devices that hold nothing but a GPU, wherever the file gives them a value."""
    literals = set(behaviour.contexts.literals.values())
    named: dict[str, list[Constant]] = {}
    for constant in file.constants:
        named.setdefault(constant.name.lower(), []).append(constant)
    for name in _NAMES & named.keys():
        if all(_is_fixed(constant) for constant in named[name]):
            for fact in named[name]:
                if fact.place in literals:
                    yield fact.place, f'{fact.name} = "{constants(fact.value)[0]}"'


def _is_fixed(constant: Constant) -> bool:
    """Return whether a value is a GPU under all circumstances."""
    plain = isinstance(constant.value, Known) and str(constant.value.value).startswith("cuda")
    return plain and constant.guard is Guard.ALWAYS


RULE = switchability_rule(
    code="GA701",
    name="hard-coded-device",
    summary="The code names a CUDA device instead of asking whether there is one.",
    rationale="On a machine without a GPU the line raises, so one word ties a function to GPUs that could "
    "otherwise be promoted and demoted. Nothing else in the file needs one: no CUDA kernel, no library for GPUs only, "
    "no half precision. The default of a parameter counts where a call in the file leaves it out: else the caller "
    "chooses. `gaia lint --fix` adds the test, which changes nothing on a machine with a GPU.",
    remedy='Ask which device there is: `"cuda" if torch.cuda.is_available() else "cpu"`.',
    confidence=0.95,
    check=_check,
    fixable=True,
    matches=(
        'import torch\nmodel = torch.nn.Linear(2, 2).to("cuda")',
        'import torch\ndevice = "cuda:0"\nx = torch.zeros(3, device=device)',
        "import torch\ndef handler(payload):\n    return torch.ones(2).cuda().tolist()",
        'import torch\nstate = torch.load("m.pt", map_location="cuda")',
        'from sentence_transformers import SentenceTransformer\nmodel = SentenceTransformer("a", device="cuda")',
        (
            'import torch\ndef load(path, device="cuda"):\n    return torch.load(path, map_location=device)\n'
            'net = load("m.pt")'
        ),
    ),
    passes=(
        'import torch\ndevice = "cuda" if torch.cuda.is_available() else "cpu"',
        'import torch\ndevice = "cuda"\nif not torch.cuda.is_available():\n    device = "cpu"',
        'import torch\nmodel = torch.nn.Linear(2, 2).half().to("cuda")',
        'import torch\nimport bitsandbytes\nx = torch.zeros(3, device="cuda")',
        'import torch\nwith torch.autocast("cuda"):\n    pass',
        (
            "import torch\ndef place(storage, where):\n    return storage.cuda()\nif torch.cuda.is_available():\n"
            "    net = torch.load('net.pt', map_location=place)"
        ),
        (
            "import argparse, torch\nparser = argparse.ArgumentParser()\n"
            "parser.add_argument('--cuda', action='store_true')\nargs = parser.parse_args()\n"
            "device = torch.device('cuda' if args.cuda else 'cpu')"
        ),
        (
            "import torch\ndef handler(self, x):\n    if self.settings['model_parallel']:\n"
            "        x = x.to('cuda:0')\n    return self.model(x)"
        ),
        "import torch\nclass Signal:\n    def cuda(self):\n        return self.to('cuda')",
        'import torch\ndef put(x, rank):\n    torch.cuda.set_device(rank)\n    return x.to("cuda")',
        (
            "import torch\ndef load(index):\n    if not torch.cuda.is_available() or index is None:\n"
            '        raise RuntimeError("needs a GPU")\n    return torch.ones(1).to("cuda:" + str(index))'
        ),
        'import torch\ndef put(x, index):\n    return x.to(f"cuda:{index}")',
        'import json\nsettings = {"device": "cuda"}',
        'import torch\ndef load(path, device="cuda"):\n    return torch.load(path, map_location=device)',
    ),
)
