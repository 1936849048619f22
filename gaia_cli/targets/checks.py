"""What is checked before anything is written to a target: `gaia deploy` heeds it and `gaia doctor` prints it.

What a user may not read is unknown, which is not a failure: who has rights in one namespace only can do everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gaia_cli.errors import ClusterRefused, GaiaError


class State(StrEnum):
    """What came out of a check."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, what came out, and, where it failed, the setting to change."""

    name: str
    state: State
    message: str
    hint: str = ""


def failed(name: str, error: GaiaError) -> Check:
    """Return the check that has come out as an error."""
    return Check(name, State.FAILED, error.message, error.hint)


def require(checks: Sequence[Check]) -> None:
    """Check that none has failed.

    Raises:
        ClusterRefused: one has; the message is that of the first, and the others follow.
    """
    bad = [check for check in checks if check.state is State.FAILED]
    if not bad:
        return
    first, *others = bad
    more = [f"{check.name}: {check.message}" + (f" ({check.hint})" if check.hint else "") for check in others]
    raise ClusterRefused(f"{first.name}: {first.message}", first.hint, log=more)
