"""What to do about failures: how long to pause, when to give up, and what clients may know.

Values in, values out: the supervisor acts on them. A start that fails and a worker that dies count alike; serving well
for a while, or many requests, resets the count. The policy's `pauses` has the lengths of the pauses.
"""

from dataclasses import dataclass, replace

from runtime_images.policy.pauses import restart_pause_s, switch_pause_s

MAX_FAILURES = 5
"""More failures in a row than this, and the backend is given up."""

STEADY_AFTER_S = 30.0
STEADY_AFTER_ANSWERS = 100
"""A worker that has served this long, or answered this often, was healthy."""

_HOPELESS = frozenset(("no_entry", "two_entries", "signature", "wsgi"))
"""Failures that another attempt cannot fix: the code does not change by itself."""


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """How often a backend has failed in a row, until when it is left alone, and what it said last.

    `was_ready` says whether it has ever served.
    """

    failures: int = 0
    retry_at_s: float = 0.0
    message: str = ""
    log: tuple[str, ...] = ()
    hopeless: bool = False
    was_ready: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether to give it up."""
        return self.hopeless or self.failures > MAX_FAILURES

    @property
    def status(self) -> str:
        """What health calls it when it is broken."""
        return "DEFUNCT" if self.was_ready else "SETUP_FAILED"

    @property
    def sentence(self) -> str:
        """What clients may know of it when it is broken: nothing of what the function has raised or printed."""
        return "the function keeps failing" if self.was_ready else "the function cannot be started"

    def usable(self, now_s: float) -> bool:
        """Whether a start is worth a try now."""
        return not self.hopeless and now_s >= self.retry_at_s


def is_steady(served_s: float, answers: int) -> bool:
    """Return whether a worker that served this long, with so many good answers, was healthy."""
    return served_s >= STEADY_AFTER_S or answers >= STEADY_AFTER_ANSWERS


def start_failed(
    record: FailureRecord, kind: str, message: str, log: tuple[str, ...], now_s: float, *, in_demand: bool
) -> FailureRecord:
    """Note a start that failed; `in_demand` says that requests wait for this backend."""
    failures = record.failures + 1
    pause_s = restart_pause_s(failures) if in_demand else switch_pause_s(failures)
    retry_at_s, hopeless = now_s + pause_s, kind in _HOPELESS
    return replace(record, failures=failures, retry_at_s=retry_at_s, message=message, log=log, hopeless=hopeless)


def crashed(
    record: FailureRecord, message: str, log: tuple[str, ...], *, was_steady: bool
) -> tuple[FailureRecord, float]:
    """Note the death of a worker that served; return also the pause before its successor, in seconds."""
    before = 0 if was_steady else record.failures
    return replace(record, failures=before + 1, message=message, log=log), restart_pause_s(before)


def device_lost(record: FailureRecord, message: str, now_s: float, *, was_steady: bool) -> FailureRecord:
    """Note that the backend's device is lost: it is tried again later, and ever later if that happens repeatedly."""
    failures = 1 if was_steady else record.failures + 1
    return replace(record, failures=failures, message=message, retry_at_s=now_s + switch_pause_s(failures))


def given_up(record: FailureRecord, now_s: float) -> FailureRecord:
    """Leave the backend alone while the other one serves."""
    return replace(record, retry_at_s=now_s + switch_pause_s(record.failures))
