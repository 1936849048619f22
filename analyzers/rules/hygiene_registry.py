"""The hygiene rules, 7xx: what keeps a promotion or a demotion from working, or makes it hurt.

Apart from the other rules, since `gaia analyze` needs none of them: only `gaia lint` imports this module.
"""

from collections.abc import Iterator

from analyzers.facts.contexts.model import Situations
from analyzers.facts.model import Facts
from analyzers.rules.hygiene import (
    blocking_in_coroutine,
    copies_back_in_loop,
    copies_in_loop,
    cuda_at_import,
    global_seed,
    hard_coded_device,
    load_in_request,
    records_gradients,
    sets_visible_devices,
    state_on_device,
    threads_at_import,
)
from analyzers.rules.hygiene_model import Conduct, HygieneRule
from analyzers.rules.model import Finding

HYGIENE: tuple[HygieneRule, ...] = (
    hard_coded_device.RULE,
    cuda_at_import.RULE,
    state_on_device.RULE,
    copies_back_in_loop.RULE,
    copies_in_loop.RULE,
    blocking_in_coroutine.RULE,
    global_seed.RULE,
    records_gradients.RULE,
    load_in_request.RULE,
    threads_at_import.RULE,
    sets_visible_devices.RULE,
)


def hygiene(facts: Facts, situations: Situations) -> Iterator[Finding]:
    """What the hygiene rules find in `facts`, each finding once; `situations` are those of the same files."""
    conduct = Conduct(facts, situations)
    for rule in HYGIENE:
        yield from dict.fromkeys(rule.findings(conduct))
