"""What a linter knows of a rule before it loads any: its level, its confidence, its remedy, its place among the rules.

It stands in the rule's own file; registry.py is generated from there, because a hook has no time to load each.
"""

from functools import cache

from analyzers.lean.levels import Level
from analyzers.lean.records import record
from analyzers.lean.registry import ROWS

CODES = {module: code for code, (module, *_) in ROWS.items()}
"""The code of each rule, by its module below analyzers.rules."""


@record
class Profile:
    """A rule as a hook sees it; the fields are those of `Rule`, `module` is below analyzers.rules."""

    module: str
    level: Level
    confidence: float
    hook: bool = False
    ties: bool = False
    remedy: str = ""
    beside: str = ""

    @property
    def family(self) -> str:
        """The folder of the rule."""
        return self.module.partition(".")[0]

    @property
    def is_failure(self) -> bool:
        """Whether it says that code could not be analyzed."""
        return self.family == "failures" and self.level is Level.ERROR


@cache
def profile(code: str) -> Profile:
    """Return the profile of the rule `code`, made when it is first asked for: a hook asks for few.

    Raises:
        KeyError: no rule has this code.
    """
    module, level, confidence, hook, ties, remedy, beside = ROWS[code]
    return Profile(module, Level(level), confidence, hook, ties, remedy, beside)


def profiles() -> dict[str, Profile]:
    """Return every rule's profile by its code, in the order of the codes."""
    return {code: profile(code) for code in ROWS}
