"""GA303: computation that a framework compiles for the device it runs on."""

from analyzers.facts.model import Facts, Guard
from analyzers.rules.model import Found, Rule, Signal

_COMPILERS = {
    "jax.jit": 0.4,
    "jax.pmap": 1.5,
    "jax.vmap": 0.4,
    "jax.shard_map": 1.5,
    "tensorflow.distribute.MirroredStrategy": 1.5,
    "tensorflow.function": 0.0,
    "torch.compile": 1.0,
    "torch.nn.DataParallel": 1.5,
    "torch.nn.parallel.DistributedDataParallel": 1.5,
}


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.name in _COMPILERS and call.guard is Guard.ALWAYS:
            yield (
                call.place,
                f"{call.name} compiles or spreads the computation",
                _COMPILERS[call.name],
                Signal.CAN_USE_GPU,
            )


RULE = Rule(
    code="GA303",
    name="compiled-graph",
    summary="A framework compiles the computation for the device it runs on, or spreads it over several.",
    rationale="Compiling costs a slow first call and is done where throughput matters; data parallelism is "
    "done for several GPUs.",
    check=_check,
    matches=("import jax\n@jax.jit\ndef f(x):\n    return x", "import torch\nm = torch.compile(torch.nn.Linear(2, 2))"),
    passes=("import re\np = re.compile('x')",),
)
