"""GA205: the library is asked to spread a model over what GPUs there are."""

from analyzers.facts.model import Facts, Guard, Known, OneOf, Table, Value, options, texts
from analyzers.findings import Signal
from analyzers.rules.knowledge.devices import is_gpu
from analyzers.rules.rule import Hit, Hits, Rule

_AUTOMATIC = ("auto", "balanced", "balanced_low_0", "sequential")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        value = call.keyword("device_map")
        if value is None:
            continue
        guarded = isinstance(value, OneOf) or call.guard is not Guard.ALWAYS
        names = texts(value)
        pinned = any(_is_on_gpu(option) for option in options(value))
        if pinned and not guarded:
            yield Hit(call.place, "device_map places the model on a GPU", "pinned", Signal.NEEDS_GPU)
        elif any(name in _AUTOMATIC or name.startswith("cuda") for name in names):
            message = f'device_map="{names[0]}" spreads the model over the GPUs there are'
            yield Hit(call.place, message, "chosen" if guarded else "automatic")


def _is_on_gpu(value: Value) -> bool:
    """Return whether a map names a GPU: `"cuda"`, `0`, `{"": 0}`."""
    if isinstance(value, Table):
        return any(_is_on_gpu(option) for _, part in value.entries for option in options(part))
    if isinstance(value, Known) and type(value.value) is int:
        return value.value >= 0
    return is_gpu(value)


RULE = Rule(
    code="GA205",
    name="device-map",
    summary="A library spreads a model over the GPUs there are.",
    rationale='device_map="auto" is written for models that fill GPUs. It still runs on a CPU, so alone it never '
    "makes `gpu`; behind a test for a GPU it says less.",
    remedy='Choose: `device_map="auto" if torch.cuda.is_available() else None`.',
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    ties=True,
    weights={"pinned": 4.0, "automatic": 2.5, "chosen": 0.8},
    words="device",
    matches=(
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("x", device_map=0)',
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("x", device_map="auto")',
        'from transformers import AutoModel\nargs = {"device_map": "auto"}\nm = AutoModel.from_pretrained("x", **args)',
    ),
    passes=(
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("x", device_map={"": "cpu"})',
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("x", device_map="cpu")',
    ),
)
