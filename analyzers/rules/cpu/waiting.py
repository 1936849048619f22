"""GA603: time spent waiting."""

from analyzers.facts.model import Facts
from analyzers.rules.knowledge.libraries import REMOTE, lookup, outside
from analyzers.rules.model import Found, Rule, Signal

_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep"})


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.name in _SLEEPS:
            yield call.place, f"{call.name} waits; no backend makes that shorter", -0.2, Signal.SPEAKS_FOR_CPU
    seen: set[str] = set()
    for fact in outside(facts):
        key = lookup(fact.name, REMOTE)
        if key and key not in seen:
            seen.add(key)
            yield fact.place, f"imports {key}, which has {REMOTE[key]} do the work", -0.4, Signal.SPEAKS_FOR_CPU


RULE = Rule(
    code="GA603",
    name="waiting",
    summary="The function waits: it sleeps, or a remote service does the work.",
    rationale="A function that waits is slow and yet has nothing for a GPU to do. Latency alone cannot tell it "
    "from work.",
    check=_check,
    matches=("import time\ndef handler(payload):\n    time.sleep(2)", "from openai import OpenAI"),
    passes=("import time\nstart = time.perf_counter()",),
)
