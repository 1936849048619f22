"""The hygiene rules, 7xx: what keeps a promotion or a demotion from working, or makes it hurt.

Apart from the other rules, since `gaia analyze` needs none of them: only `gaia lint` imports this module.
"""

from collections.abc import Iterator, Sequence

from analyzers.facts import Facts
from analyzers.reading import Source
from analyzers.rules import (
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
from analyzers.situations import situations

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


def hygiene(facts: Facts, sources: Sequence[Source]) -> Iterator[Finding]:
    """What the hygiene rules find in `facts`, which are those of `sources`, each finding once.

    Raises:
        RecursionError: the code of a file is nested too deeply.
    """
    conduct = Conduct(facts, situations(sources))
    for rule in HYGIENE:
        yield from dict.fromkeys(rule.findings(conduct))
