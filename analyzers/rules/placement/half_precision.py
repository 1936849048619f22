"""GA209: half precision."""

from analyzers.facts.model import Call, Facts, Guard, OneOf, Symbol, Value, options, texts
from analyzers.findings import Signal, Trait
from analyzers.rules.rule import Hit, Hits, Rule

_PRECISIONS = {"float16": 1.0, "half": 1.0, "bfloat16": 0.5, "fp16": 1.0, "bf16": 0.5, "float8_e4m3fn": 2.0}
_ONLY_ON_GPUS = ("float16", "half")
_KEYWORDS = ("torch_dtype", "dtype", "variant", "precision")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        name = _precision(call)
        if name in _PRECISIONS and call.guard is Guard.ALWAYS and not call.name.startswith("numpy"):
            trait = Trait.TIES if name in _ONLY_ON_GPUS else Trait.PLAIN
            yield Hit(call.place, f"computes in {name}, which pays off on GPUs", name, trait=trait)


def _precision(call: Call) -> str:
    if call.method == "half" and not call.args:
        return "half"
    if call.method in ("set_global_policy", "set_policy") and call.args:
        return next((text.removeprefix("mixed_") for text in texts(call.args[0].value)), "")
    values = [call.keyword(keyword) for keyword in _KEYWORDS]
    if call.method == "to":
        values += [argument.value for argument in call.args]
    return next((name for value in values if value is not None for name in _names(value)), "")


def _names(value: Value) -> list[str]:
    if isinstance(value, OneOf):
        return []
    return [
        option.name.rpartition(".")[2] if isinstance(option, Symbol) else str(getattr(option, "value", ""))
        for option in options(value)
    ]


RULE = Rule(
    code="GA209",
    name="half-precision",
    summary="A model computes in half precision.",
    rationale="Half precision halves the memory and doubles the speed on a GPU, while most CPUs only emulate it. "
    "Chosen by what the machine has, it says nothing.",
    remedy="Choose by device: `torch.float16 if torch.cuda.is_available() else torch.float32`.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    ties=True,
    weights=_PRECISIONS,
    words="fp16 half precision tensor torch transformers",
    matches=(
        'import tensorflow as tf\ntf.keras.mixed_precision.set_global_policy("mixed_float16")',
        (
            "import torch\nfrom transformers import AutoModel\n"
            'm = AutoModel.from_pretrained("x", torch_dtype=torch.float16)'
        ),
        "import torch\nm = torch.nn.Linear(2, 2).half()",
    ),
    passes=(
        (
            "import torch\nfrom transformers import AutoModel\n"
            "h = torch.float16 if torch.cuda.is_available() else torch.float32\n"
            'm = AutoModel.from_pretrained("x", torch_dtype=h)'
        ),
        "import numpy as np\nx = np.zeros(3, dtype=np.float16)",
    ),
)
