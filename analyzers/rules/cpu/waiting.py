"""GA603: time spent waiting."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal, Trait
from analyzers.rules.knowledge.libraries import REMOTE, used
from analyzers.rules.rule import Hit, Hits, Rule

_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep"})


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name in _SLEEPS:
            yield Hit(call.place, f"{call.name} waits; no backend makes that shorter", "sleeps", trait=Trait.WAITS)
    for key, fact in used(facts, REMOTE):
        yield Hit(fact.place, f"imports {key}, which has {REMOTE[key]} do the work", "remote")


RULE = Rule(
    code="GA603",
    name="waiting",
    summary="The function waits: it sleeps, or a remote service does the work.",
    rationale="A function that waits is slow and yet has nothing for a GPU to do. Its latency alone does not show "
    "that.",
    confidence=0.5,
    signal=Signal.SPEAKS_FOR_CPU,
    check=_check,
    weights={"sleeps": -0.2, "remote": -0.4},
    words="async sleep",
    matches=("import time\ndef handler(payload):\n    time.sleep(2)", "from openai import OpenAI"),
    passes=("import time\nstart = time.perf_counter()",),
)
