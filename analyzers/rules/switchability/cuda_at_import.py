"""GA702: The module starts CUDA while it is imported."""

from collections.abc import Iterator

from analyzers.facts.contexts.model import Phase
from analyzers.facts.model import Array, Call, Guard, Made, Place
from analyzers.facts.vocabulary import DEVICE_CALLS
from analyzers.lean.tables import words
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.device_words import TABLES
from analyzers.rules.knowledge.devices import STARTS_CUDA, Placement
from analyzers.rules.knowledge.libraries import FRAMEWORKS, lookup
from analyzers.rules.rule import Hit, Hits

_MOVES = frozenset({"to", "cuda", "to_gpu", "to_device"})
_ASKS = words("current_device get_device_capability get_device_name get_device_properties mem_get_info")
_NUMBERS = words(
    "torch.arange torch.empty torch.eye torch.full torch.ones torch.rand torch.randn torch.tensor torch.zeros "
    "torch.Tensor"
)
_ONLY_NAMES_A_DEVICE = DEVICE_CALLS.union(
    TABLES["WHOLE_LIBRARY"],
    [
        "tensorflow.device",
        "keras.device",
        "torch.cuda.device",
        "torch.autocast",
        "open3d.core.Device",
        "pennylane.device",
    ],
)


def _check(behaviour: Behaviour) -> Hits:
    first: dict[str, tuple[Place, str]] = {}
    for place, what in sorted(_starts(behaviour), key=lambda found: (found[0].line, found[0].column)):
        first.setdefault(place.path, (place, what))  # once CUDA is started, the others change nothing
    for place, what in first.values():
        yield Hit(place, f"{what} while the module is imported; do it once in start()")


def _starts(behaviour: Behaviour) -> Iterator[tuple[Place, str]]:
    for call, _ in behaviour.calls(Phase.IMPORT):
        starts = call.name.startswith("torch.cuda.") and call.method in STARTS_CUDA
        if starts and (call.place.path in behaviour.contexts.serving or not _only_asks(call)):
            yield call.place, f"{call.name}() starts CUDA"
    for placement in behaviour.placements:
        if Phase.IMPORT in behaviour.contexts.of(placement.call.place).phases and _places_something(placement):
            yield placement.call.place, f"{placement.spelling} puts something on the GPU"


def _places_something(placement: Placement) -> bool:
    call = placement.call
    known = call.method in _MOVES or bool(lookup(call.name, FRAMEWORKS))
    return known and call.name not in _ONLY_NAMES_A_DEVICE and not (call.is_decorator or _only_tries(call))


def _only_asks(call: Call) -> bool:
    """Return whether a GPU is asked for its properties, or tried where there is one: a program getting ready."""
    return call.method in _ASKS or call.guard is Guard.WITH_GPU


def _only_tries(call: Call) -> bool:
    """Return whether a few numbers are put on a GPU because there is one: to see whether it works, or to warm it up."""
    made = call.receiver.name if isinstance(call.receiver, Made) else call.name
    return (made in _NUMBERS or isinstance(call.receiver, Array)) and call.guard is Guard.WITH_GPU


RULE = switchability_rule(
    code="GA702",
    name="cuda-at-import",
    summary="The module starts CUDA while it is imported.",
    rationale="A process in which CUDA was started cannot be forked, so no server can keep the function imported and "
    "fork workers from it: each one pays for the whole import again, with every promotion. It also takes the GPU's "
    "memory in whatever imports the module, a test or a tool. Asking `torch.cuda.is_available()` is not reported, nor "
    "is a GPU that is looked at, or tried with a few numbers, where there is one and the file serves nothing.",
    remedy="Do it once, in `start(cfg)` or on the first request.",
    confidence=0.95,
    check=_check,
    matches=(
        'import torch\nmodel = torch.nn.Linear(2, 2).to("cuda" if torch.cuda.is_available() else "cpu")',
        "import torch\nname = torch.cuda.get_device_name(0)\ndef handler(payload):\n    return name",
        'import torch\ndef load():\n    return torch.zeros(3, device="cuda")\nMODEL = load()',
    ),
    passes=(
        'import torch\ndevice = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
        'import torch\nclass Function:\n    def start(self, cfg):\n        self.x = torch.zeros(3, device="cuda")',
        'import torch\nif __name__ == "__main__":\n    x = torch.zeros(3, device="cuda")',
        "import torch\nmodel = torch.nn.Linear(2, 2)",
        (
            "import torch\ndef works():\n    if torch.cuda.is_available():\n        try:\n"
            "            torch.ones(1).cuda()\n            return True\n        except RuntimeError:\n"
            "            pass\n"
            "    return False\ndevice = 'cuda' if works() else 'cpu'"
        ),
        "import torch\nis_new = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8",
        'import jax\njax.config.update("jax_platform_name", "gpu")',
    ),
)
