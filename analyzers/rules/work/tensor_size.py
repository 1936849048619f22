"""GA402: large tensors, and functions of small ones alone."""

from analyzers.facts.model import Array, Call, Facts, Items, Known, Value, from_caller
from analyzers.facts.values.operations import allocated, elements, may_allocate, shown_shape
from analyzers.findings import Signal
from analyzers.lean.tables import words
from analyzers.rules.knowledge.calls import is_product, loaded
from analyzers.rules.knowledge.libraries import FRAMEWORKS, used
from analyzers.rules.rule import Hit, Hits, Rule

LARGE = 5_000_000
SIZABLE = 1_000_000
_SMALL = 10_000
"""Elements up to which the way to a GPU takes longer than any answer."""
_FRAMEWORKS = ("torch", "tensorflow", "jax", "cupy")
_MODULES = (*_FRAMEWORKS, "numpy")
_SEQUENCES = words("arange linspace range")
_CONVERSIONS = words("tensor as_tensor constant asarray array convert_to_tensor")
_HOLDS_NETWORKS = ("torch.nn.", "torch.hub", "torch.jit", "tensorflow.keras", "tensorflow.saved_model")


def _check(facts: Facts) -> Hits:
    made = [(call, array) for call in facts.calls() if (array := _allocated(call)) is not None]
    for call, array in made:
        count = elements(array)
        if count is not None and count >= SIZABLE:
            shape = shown_shape(array)
            movable = call.name.startswith(_FRAMEWORKS)
            weight = ("large" if count >= LARGE else "sizable") if movable else "on the CPU"
            yield Hit(call.place, f"makes an array of {shape} = {count / 1e6:,.1f} million elements", weight)
    counts = [(call, count) for call in facts.calls() if (count := _count(call)) is not None]
    if counts and all(count <= _SMALL for _, count in counts) and _has_no_network(facts):
        yield Hit(counts[0][0].place, "computes with small arrays, and loads no model", "small")


def _count(call: Call) -> int | None:
    """Return how many elements an array has that a call makes, `SIZABLE` where nobody knows, None for another call."""
    array = _allocated(call)
    if array is not None:
        return elements(array) or SIZABLE
    if not call.name.startswith(_MODULES) or not call.args:
        return None
    if call.method in _SEQUENCES:
        numbers = [one.value.value for one in call.args if isinstance(one.value, Known)]
        known = [abs(number) for number in numbers if isinstance(number, int | float)]
        return int(max(known)) if len(known) == len(call.args) else SIZABLE
    return _held(call.args[0].value) if call.method in _CONVERSIONS else None


def _held(value: Value) -> int:
    """Return how many elements a value holds that becomes an array; a request's are few."""
    if isinstance(value, Items):
        return sum(map(_held, value.values))
    return 1 if isinstance(value, Known) or from_caller(value) else SIZABLE


def _has_no_network(facts: Facts) -> bool:
    """Return whether nothing loads or builds a model, so that the arrays are all that is computed with."""
    if {key for key, _ in used(facts, FRAMEWORKS)} - set(_FRAMEWORKS):
        return False
    return not any(
        loaded(call) or is_product(call) or call.name == "operator.matmul" or call.name.startswith(_HOLDS_NETWORKS)
        for call in facts.calls()
    )


def _allocated(call: Call) -> Array | None:
    if not may_allocate(call.name):
        return None  # whose arguments nobody need work out
    args: list[Value] = [argument.value for argument in call.args]
    keywords: dict[str, Value] = {name: argument.value for name, argument in call.keywords}
    return allocated(call.name, args, keywords)


RULE = Rule(
    code="GA402",
    name="tensor-size",
    summary="The function makes a large tensor, or small ones alone.",
    rationale="The size of the data bounds the work from below. A batch of 128 pictures of 224 x 224 is 19 million "
    "numbers, each of which goes through every layer. Where a function only makes arrays of a few thousand numbers, "
    "and loads no model, a CPU has answered before a GPU has them.",
    remedy="Work in smaller pieces where the result allows it.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"large": 2.0, "sizable": 1.0, "on the CPU": 0.3, "small": -0.6},
    words="cupy jax numpy random tensor torch",
    matches=(
        "import torch\nbatch = 128\nx = torch.randn(batch, 3, 224, 224)",
        "import numpy as np\nx = np.zeros((4096, 4096))",
        "import tensorflow as tf\nx = tf.random.normal([8192, 8192])",
        "import torch\nx = torch.ones(3)",
        "import torch\ndef handler(payload):\n    return torch.tensor(payload['x']).mean()",
    ),
    passes=(
        "import torch\nx = torch.randn(1, 3, 224, 224)",
        "import torch\ndef handler(n):\n    return torch.zeros(n)",
        "import torch\nnet = torch.jit.load('m.pt')\nx = net(torch.zeros(3))",
        "import torch\nx = torch.tensor(open('a').read())",
        "import torch, diffusers\nx = torch.zeros(3)",
    ),
)
