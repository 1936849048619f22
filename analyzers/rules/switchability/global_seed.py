"""GA707: the process-wide random generators are seeded."""

from analyzers.facts.contexts.model import CallContext, Phase
from analyzers.facts.model import Call, from_caller
from analyzers.lean.tables import words
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.rule import Hit, Hits

_SEEDS = words(
    "random.seed numpy.random.seed torch.manual_seed torch.random.manual_seed torch.cuda.manual_seed "
    "torch.cuda.manual_seed_all tensorflow.random.set_seed tensorflow.set_random_seed transformers.set_seed "
    "pytorch_lightning.seed_everything lightning.seed_everything mxnet.random.seed paddle.seed"
)


_GENERATORS = ("torch.Generator", "numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
_DRAWS = words(
    "torch.rand torch.randn torch.randint torch.randperm torch.rand_like torch.randn_like torch.normal torch.bernoulli "
    "torch.multinomial"
)


def _check(behaviour: Behaviour) -> Hits:
    drawing = {call.place.path for call in behaviour.facts.calls() if _draws(call)}
    for call, context in behaviour.calls(Phase.IMPORT, Phase.REQUEST):
        if call.name in _SEEDS and call.place.path not in behaviour.contexts.learning:
            if Phase.REQUEST in context.phases:
                if _is_asked_for(call, context) and call.place.path not in drawing:
                    continue
                message = f"{call.name}() in a request seeds all requests of the process; use a generator of its own"
            else:
                message = f"{call.name}() at import gives every worker the same random numbers; use a generator"
            yield Hit(call.place, message)


def _draws(call: Call) -> bool:
    """Return whether a call draws random numbers, which could take a generator."""
    own = call.name.startswith(("numpy.random.", "random.")) and not call.name.startswith(_GENERATORS)
    return call.name in _DRAWS or (own and call.name not in _SEEDS)


def _is_asked_for(call: Call, context: CallContext) -> bool:
    """Return whether the seed comes with the request, or from a caller."""
    return bool(call.args) and (call.method in context.asked or from_caller(call.args[0].value))


RULE = switchability_rule(
    code="GA707",
    name="global-seed",
    summary="The function seeds the random generator of the whole process, at import or in a request.",
    rationale="Every worker that imports the same seed gives the same 'random' answers; requests that are served at "
    "once seed each other's numbers; and one seed gives different numbers on a CPU and on a GPU, so answers change at "
    "a switch. At import nothing is reported that neither takes requests nor is imported by what does, nor is a seed "
    "that the request gives to a library which draws by itself.",
    remedy="Make a generator for the request, on the CPU: `torch.Generator().manual_seed(seed)`, "
    "`numpy.random.default_rng(seed)`, `random.Random(seed)`.",
    confidence=0.8,
    check=_check,
    matches=(
        "import torch\ntorch.manual_seed(0)",
        (
            "import numpy as np\nimport torch\ndef handler(payload):\n"
            '    np.random.seed(payload["seed"])\n    return np.random.rand(3).tolist()'
        ),
        "import torch\ndef handler(payload):\n    torch.manual_seed(0)\n    return model.generate(payload)",
    ),
    passes=(
        'import torch\ndef handler(payload):\n    generator = torch.Generator().manual_seed(payload["seed"])',
        (
            'import torch\ndef handler(payload):\n    torch.manual_seed(payload["seed"])\n'
            "    return model.generate(payload)"
        ),
        "import numpy as np\nrng = np.random.default_rng(0)",
        'import random\nif __name__ == "__main__":\n    random.seed(0)',
    ),
)
