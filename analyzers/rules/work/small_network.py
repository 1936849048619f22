"""GA504: a network that the code builds itself, small enough for a CPU."""

from analyzers.facts.model import Call, Facts, Known, Value, constants
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

_SMALL = 10.0
"""Millions of parameters up to which a network answers on a CPU before a GPU has the input."""
_LOADERS = frozenset(
    {"from_pretrained", "create_model", "get_model", "pipeline", "hf_hub_download", "snapshot_download", "YOLO"}
)
_RECURRENT = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Matrices of a recurrent layer."""


def _check(facts: Facts) -> Hits:
    layers = [call for call in facts.calls() if _kind(call)]
    if not layers or any(call.method in _LOADERS or "torchvision.models" in call.name for call in facts.calls()):
        return
    sizes = [size for call in layers if (size := _parameters(call)) is not None]
    if len(sizes) < len(layers):
        return
    millions = sum(sizes) / 1e6
    if millions <= _SMALL:
        message = f"builds a network of about {max(millions, 0.01):.2g} million parameters"
        yield Hit(layers[0].place, message, "small")


def _kind(call: Call) -> str:
    """Return the kind of layer that a call makes, empty for what has no parameters to speak of."""
    package, _, name = call.name.rpartition(".")
    if package not in ("torch.nn", "torch.nn.modules"):
        return ""
    return name if name in ("Linear", "Embedding", *_RECURRENT) or name.startswith("Conv") else ""


def _parameters(call: Call) -> float | None:
    """Return the number of parameters of a layer, None where the code does not say it."""
    kind = _kind(call)
    if kind == "Linear":
        counts = _counts(call, "in_features", "out_features")
    elif kind == "Embedding":
        counts = _counts(call, "num_embeddings", "embedding_dim")
    elif kind in _RECURRENT:
        counts = _counts(call, "input_size", "hidden_size")
        layers = _count(call.argument(2, "num_layers")) or 1
        return None if counts is None else _RECURRENT[kind] * layers * (counts[0] + counts[1]) * counts[1]
    else:
        counts = _counts(call, "in_channels", "out_channels")
        side = _count(call.argument(2, "kernel_size")) or 3
        return None if counts is None else counts[0] * counts[1] * side ** (3 if "3d" in kind else 2)
    return None if counts is None else counts[0] * counts[1]


def _counts(call: Call, first: str, second: str) -> tuple[float, float] | None:
    rows, columns = _count(call.argument(0, first)), _count(call.argument(1, second))
    return None if rows is None or columns is None else (rows, columns)


def _count(value: Value | None) -> float | None:
    """Return the largest of the numbers that `value` may be."""
    if value is None:
        return None
    numbers = [number for number in constants(value) if isinstance(number, int | float)]
    return max(numbers) if (numbers and isinstance(value, Known)) or len(numbers) > 1 else None


RULE = Rule(
    code="GA504",
    name="small-network",
    summary="The code builds a network itself, with few parameters.",
    rationale="Below ten million parameters, a CPU answers one input before a GPU has received it. It counts where "
    "every layer's size is known and no other model is loaded.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"small": -0.6},
    words="torch",
    matches=(
        "import torch\nm = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))",
        "from torch import nn\nc = nn.Conv2d(1, 32, kernel_size=3)",
        "import torch\nHIDDEN = 64\nr = torch.nn.LSTM(6, HIDDEN, num_layers=2)",
    ),
    passes=(
        "import torch\nm = torch.nn.Linear(8192, 8192)",
        "import torch\ndef build(n):\n    return torch.nn.Linear(n, n)",
        (
            "import torch\nfrom transformers import AutoModel\n"
            'body = AutoModel.from_pretrained("x")\nhead = torch.nn.Linear(768, 2)'
        ),
    ),
)
