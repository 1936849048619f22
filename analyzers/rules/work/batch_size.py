"""GA401: batches."""

from analyzers.facts.model import Call, Facts, Items, Known, Value, options
from analyzers.facts.vocabulary import PLATFORMS
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

_NAMES = ("batch_size", "per_device_eval_batch_size", "max_batch_size", "num_images_per_prompt")
_LOADERS = ("torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader")
_BATCHERS = frozenset({"batched", "batch", "dynamic_batching"})
_PIPELINES = frozenset({"transformers.pipeline()", "sentence_transformers.SentenceTransformer().encode"})
LARGE = 32


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        size = next((_count(argument.value) for name, argument in call.keywords if name in _NAMES), None)
        if size is not None and size >= LARGE:
            yield Hit(call.place, f"works on batches of {size}", "large")
        elif call.name in _LOADERS:
            yield Hit(call.place, "feeds a model in batches", "loader")
        elif call.is_decorator and call.method in _BATCHERS and call.package in PLATFORMS:
            yield Hit(call.place, "has the platform gather requests into batches", "gathered by the platform")
        elif call.name in _PIPELINES and (inputs := _listed(call)) >= LARGE:
            yield Hit(call.place, f"sends {inputs} inputs through a pipeline at once", "list")


def _listed(call: Call) -> int:
    """Return how many inputs a call is given as one list."""
    given = [option for argument in call.args[:1] for option in options(argument.value)]
    return max((len(option.values) for option in given if isinstance(option, Items)), default=0)


def _count(value: Value) -> int | None:
    sizes = [option.value for option in options(value) if isinstance(option, Known) and isinstance(option.value, int)]
    return max(sizes, default=None)


RULE = Rule(
    code="GA401",
    name="batch-size",
    summary="A model works on batches.",
    rationale="A GPU is fast when many inputs are worked on at once; on a CPU the time grows with the batch.",
    remedy="Lower `batch_size` to what a CPU answers in time, or let the request set it.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"large": 1.0, "loader": 0.3, "gathered by the platform": 0.5, "list": 0.7},
    words="@ batch pipeline sentence_ torch",
    matches=(
        "from ray import serve\n@serve.batch\ndef f(x):\n    return x",
        'from transformers import pipeline\np = pipeline("fill-mask")\nr = p(["a"] * 64)',
        "from torch.utils.data import DataLoader\nloader = DataLoader([1, 2], batch_size=64)",
        'from transformers import pipeline\nSIZE = 128\np = pipeline("fill-mask", batch_size=SIZE)',
    ),
    passes=(
        "def batch(f):\n    return f\n@batch\ndef g():\n    pass",
        'from transformers import pipeline\np = pipeline("fill-mask", batch_size=1)',
    ),
)
