"""GA710: threads are started or counted while the module is imported."""

from analyzers.facts.contexts.model import Phase
from analyzers.facts.model import Known
from analyzers.lean.tables import words
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.calls import LONG_METHODS, is_model_call
from analyzers.rules.rule import Hit, Hits

_COUNTS = words(
    "torch.set_num_threads torch.set_num_interop_threads tensorflow.config.threading.set_intra_op_parallelism_threads"
)
_PARALLEL = frozenset({"torch.matmul", "torch.mm", "torch.bmm", "torch.einsum", "torch.linalg.inv"})


def _check(behaviour: Behaviour) -> Hits:
    for call, context in behaviour.calls(Phase.IMPORT):
        if call.name in _COUNTS and call.argument(0) != Known(1) and not context.chosen:
            message = f"{call.name}() at import fixes the number of threads for every worker; do it in start()"
            yield Hit(call.place, message)
        elif call.name in _PARALLEL or is_model_call(call, behaviour.contexts.modules, methods=LONG_METHODS):
            yield Hit(call.place, "PyTorch computes in threads while the module is imported; forked workers may hang")


RULE = switchability_rule(
    code="GA710",
    name="threads-at-import",
    summary="The module sets or uses a framework's threads while it is imported.",
    rationale="A process that has run one operation in several threads leaves forked children with a thread pool "
    "whose threads are gone: their first parallel operation waits forever. So a server that forks workers from a "
    "process with the function imported hangs, or imports it again for each. A number of threads that is fixed at "
    "import also ignores how many CPUs a backend has.",
    remedy="Warm up in `start(cfg)`; `torch.set_num_threads(1)` is safe at import.",
    confidence=0.8,
    check=_check,
    matches=(
        "import torch\ntorch.set_num_threads(4)",
        "import torch\nW = torch.ones(512, 512)\nP = torch.matmul(W, W)",
        'from transformers import pipeline\npipe = pipeline("text-generation")\npipe("warm up")',
    ),
    passes=(
        "import torch\ntorch.set_num_threads(1)",
        "import torch\nfrom options import args\nif args.threads > 0:\n    torch.set_num_threads(args.threads)",
        "import torch\nW = torch.ones(512, 512)\ndef handler(payload):\n    return torch.matmul(W, W).sum().item()",
        "import torch\nclass Function:\n    def start(self, cfg):\n        torch.set_num_threads(4)",
    ),
)
