"""The mode rules, 8xx: what is declared of a function's mode against what its code says.

Only what lints whole functions imports this module.
"""

from collections.abc import Iterator

from analyzers.rules.declarations import (
    manifest_missing,
    manifest_mode,
    manifest_stale,
    manifest_unreadable,
    pin_against_need,
    pin_without_use,
)
from analyzers.rules.mode_model import Declared, ModeRule
from analyzers.rules.model import Finding

MODE_RULES: tuple[ModeRule, ...] = (
    pin_against_need.RULE,
    pin_without_use.RULE,
    manifest_missing.RULE,
    manifest_stale.RULE,
    manifest_mode.RULE,
    manifest_unreadable.RULE,
)


def contradictions(declared: Declared) -> Iterator[Finding]:
    """What the mode rules find."""
    for rule in MODE_RULES:
        yield from rule.findings(declared)
