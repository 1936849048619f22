"""GA303: computation that a framework compiles for the device it runs on."""

from analyzers.facts.model import Facts, Guard
from analyzers.findings import Signal
from analyzers.lean.tables import by_word
from analyzers.rules.rule import Hit, Hits, Rule

_COMPILERS = by_word(
    {
        1.5: "jax.pmap jax.shard_map tensorflow.distribute.MirroredStrategy torch.nn.DataParallel "
        "torch.nn.parallel.DistributedDataParallel",
        0.4: "jax.jit jax.vmap",
        0.0: "tensorflow.function",
        1.0: "torch.compile",
    }
)


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name in _COMPILERS and call.guard is Guard.ALWAYS:
            yield Hit(call.place, f"{call.name} compiles or spreads the computation", _COMPILERS[call.name])


RULE = Rule(
    code="GA303",
    name="compiled-graph",
    summary="A framework compiles the computation for the device it runs on, or spreads it over several.",
    rationale="Compiling costs a slow first call and is done where throughput matters; data parallelism is done for "
    "several GPUs.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    words="jax tensor torch",
    matches=("import jax\n@jax.jit\ndef f(x):\n    return x", "import torch\nm = torch.compile(torch.nn.Linear(2, 2))"),
    passes=("import re\np = re.compile('x')",),
)
