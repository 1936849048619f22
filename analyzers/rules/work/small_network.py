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
_SIZES = {
    "Linear": ("in_features", "out_features"),
    "Embedding": ("num_embeddings", "embedding_dim"),
    **dict.fromkeys(_RECURRENT, ("input_size", "hidden_size")),
}
"""The arguments that size a layer; those of other layers are numbers of channels."""


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
    return name if name in _SIZES or name.startswith("Conv") else ""


def _parameters(call: Call) -> float | None:
    """Return the number of parameters of a layer, None where the code does not say it."""
    kind = _kind(call)
    first, second = _SIZES.get(kind, ("in_channels", "out_channels"))
    rows, columns = _count(call.argument(0, first)), _count(call.argument(1, second))
    if rows is None or columns is None:
        return None
    if kind in _RECURRENT:
        layers = _count(call.argument(2, "num_layers")) or 1
        return _RECURRENT[kind] * layers * (rows + columns) * columns
    side = 1 if kind in _SIZES else _count(call.argument(2, "kernel_size")) or 3
    return rows * columns * side ** (3 if "3d" in kind else 2)


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
