"""GA707: the process-wide random generators are seeded."""

from analyzers.facts.contexts.model import Phase
from analyzers.lean.tables import words
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.rule import Hit, Hits

_SEEDS = words(
    "random.seed numpy.random.seed torch.manual_seed torch.random.manual_seed torch.cuda.manual_seed "
    "torch.cuda.manual_seed_all tensorflow.random.set_seed tensorflow.set_random_seed transformers.set_seed "
    "pytorch_lightning.seed_everything lightning.seed_everything mxnet.random.seed paddle.seed"
)


def _check(behaviour: Behaviour) -> Hits:
    for call, context in behaviour.calls(Phase.IMPORT, Phase.REQUEST):
        if call.name in _SEEDS and call.place.path not in behaviour.contexts.learning:
            if Phase.REQUEST in context.phases:
                message = f"{call.name}() in a request seeds all requests of the process; use a generator of its own"
            else:
                message = f"{call.name}() at import gives every worker the same random numbers; use a generator"
            yield Hit(call.place, message)


RULE = switchability_rule(
    code="GA707",
    name="global-seed",
    summary="The function seeds the random generator of the whole process, at import or in a request.",
    rationale="Every worker that imports the same seed gives the same 'random' answers; requests that are served at "
    "once seed each other's numbers; and one seed gives different numbers on a CPU and on a GPU, so answers change at "
    "a switch.",
    remedy="Make a generator for the request, on the CPU: `torch.Generator().manual_seed(seed)`, "
    "`numpy.random.default_rng(seed)`, `random.Random(seed)`.",
    confidence=0.8,
    check=_check,
    matches=(
        "import torch\ntorch.manual_seed(0)",
        'import numpy as np\nimport torch\ndef handler(payload):\n    np.random.seed(payload["seed"])',
    ),
    passes=(
        'import torch\ndef handler(payload):\n    generator = torch.Generator().manual_seed(payload["seed"])',
        "import numpy as np\nrng = np.random.default_rng(0)",
        'import random\nif __name__ == "__main__":\n    random.seed(0)',
    ),
)
