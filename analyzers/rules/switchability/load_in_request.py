"""GA709: a model is loaded in each request."""

from analyzers.facts.contexts.model import Phase
from analyzers.facts.model import Made, Value, from_caller, options
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.calls import loaded
from analyzers.rules.rule import Hit, Hits


def _check(behaviour: Behaviour) -> Hits:
    for call, context in behaviour.calls(Phase.REQUEST):
        what = loaded(call)
        if what and (call.method in context.asked or (call.args and _is_the_request(call.args[0].value))):
            continue
        if what and not context.once and call.place.path not in behaviour.contexts.learning:
            yield Hit(call.place, f"{what}() loads in each request; load once, in start() or at import")


def _is_the_request(value: Value) -> bool:
    """Return whether what is loaded comes with the request, or is named by it."""
    return from_caller(value) or any(option in (Made("io.BytesIO"), Made("io.StringIO")) for option in options(value))


RULE = switchability_rule(
    code="GA709",
    name="load-in-request",
    summary="Each request loads a model that could be loaded once.",
    rationale="Loading takes longer than most requests compute, and no GPU makes it shorter: the latency it adds "
    "promotes the function and does not go away. A new worker is warm before traffic moves to it. Behind a test for "
    "None, or in a cached function, loading is not reported, nor is what the request names.",
    remedy="Load once, in `start(cfg)` or when the module is imported.",
    confidence=0.8,
    check=_check,
    matches=(
        (
            "from transformers import pipeline\ndef handler(payload):\n"
            '    return pipeline("sentiment-analysis")(payload["text"])'
        ),
        'import torch\ndef load():\n    return torch.load("m.pt")\ndef handler(payload):\n    return load()(payload)',
    ),
    passes=(
        (
            'from transformers import pipeline\npipe = pipeline("sentiment-analysis")\n'
            'def handler(payload):\n    return pipe("a")'
        ),
        (
            "import torch\nmodel = None\ndef handler(payload):\n    global model\n    if model is None:\n"
            '        model = torch.load("m.pt")\n    return model(payload)'
        ),
        (
            'import functools, torch\n@functools.cache\ndef load():\n    return torch.load("m.pt")\n'
            "def handler(payload):\n    return load()(payload)"
        ),
        "import io, torch\ndef handler(payload):\n    return torch.load(io.BytesIO(payload)).sum().item()",
        'import torch\nclass Predictor:\n    def setup(self):\n        self.model = torch.load("m.pt")',
    ),
)
