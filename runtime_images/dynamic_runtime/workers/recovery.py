"""What to do about failures: how long to pause, and when the other backend is to take over.

Values in, values out: the supervisor acts on them. No failure is final: a backend is tried again for ever, after pauses
that grow and are bounded (the policy's `pauses`). How they grow depends on who is to blame:

- a start that failed, and a worker that died before it was given a request, are the function's own failures;
- a worker that died after that was ended by a request, as far as anybody can know, and any client may have sent it. So
  its successor starts at once: a pause would stop all other clients.

A good answer ends a row of either kind, and so does a worker that has lived for a while.
"""

from dataclasses import dataclass, replace

from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import LONGEST_PAUSE_S, restart_pause_s, switch_pause_s

MANY = 5
"""After more failures of a kind in a row than this, the other backend is to serve, or requests are refused."""

STEADY_AFTER_S = 30.0
"""A worker that has lived this long was healthy."""

UNAVAILABLE = "the function cannot be started"
"""What clients may know of a function that keeps failing: nothing of what it has raised or printed."""

_HOPELESS = frozenset(("no_entry", "two_entries", "signature", "wsgi"))
"""Failures that another attempt cannot fix until somebody changes the code."""


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """How often a backend has failed in a row, how long it is left alone, and what it said last.

    `failures` are those of the function, `deaths` the workers that requests have ended; `good_answers` is what the
    backend had answered before. It is started again after `pause_s` while requests wait for it, and from `retry_at_s`
    on while the other backend serves.
    """

    failures: int = 0
    deaths: int = 0
    good_answers: int = 0
    pause_s: float = 0.0
    retry_at_s: float = 0.0
    message: str = ""
    log: tuple[str, ...] = ()
    hopeless: bool = False

    @property
    def is_failing(self) -> bool:
        """Whether requests need not wait for it: it is tried again, but that may take a while."""
        return self.pause_s > 0 and (self.hopeless or self.failures > MANY)

    def may_leave(self, backend: Backend) -> bool:
        """Return whether the other backend should take over, where the mode allows it.

        Not for code that is the same there. Requests that end workers are no reason to leave the CPU: they end a dearer
        worker just as well.
        """
        return not self.hopeless and (self.is_failing or (backend is Backend.GPU and self.deaths > MANY))

    def usable(self, now_s: float) -> bool:
        """Return whether a start is worth a try now."""
        return now_s >= self.retry_at_s


def start_failed(
    record: FailureRecord,
    kind: str,
    message: str,
    log: tuple[str, ...],
    now_s: float,
    good_answers: int,
    *,
    in_demand: bool,
) -> FailureRecord:
    """Note a start that failed; `in_demand` says that requests wait for this backend."""
    record = _forgiven(record, good_answers)
    failures, hopeless = record.failures + 1, kind in _HOPELESS
    pause_s = LONGEST_PAUSE_S if hopeless else restart_pause_s(failures)
    retry_at_s = now_s + (pause_s if in_demand else max(pause_s, switch_pause_s(failures)))
    return replace(
        record, failures=failures, pause_s=pause_s, retry_at_s=retry_at_s, message=message, log=log, hopeless=hopeless
    )


def died(
    record: FailureRecord, message: str, log: tuple[str, ...], good_answers: int, lived_s: float, *, at_work: bool
) -> FailureRecord:
    """Note the death of a worker that could serve, and how long it was ready; `at_work`: it was given a request."""
    record = _forgiven(record, good_answers, steady=lived_s >= STEADY_AFTER_S)
    if at_work:
        record = replace(record, deaths=record.deaths + 1, pause_s=0.0)
    else:
        record = replace(record, failures=record.failures + 1, pause_s=restart_pause_s(record.failures))
    return replace(record, message=message, log=log)


def device_lost(record: FailureRecord, message: str, now_s: float, good_answers: int, lived_s: float) -> FailureRecord:
    """Note that the backend's device is lost: it is tried again later, and ever later if that happens repeatedly."""
    record = _forgiven(record, good_answers, steady=lived_s >= STEADY_AFTER_S)
    failures = record.failures + 1
    retry_at_s = now_s + switch_pause_s(failures)
    return replace(record, failures=failures, pause_s=0.0, message=message, retry_at_s=retry_at_s)


def left(record: FailureRecord, now_s: float) -> FailureRecord:
    """Leave the backend alone while the other one serves, for longer each time that no good answer came between."""
    failures = record.failures if record.is_failing else record.failures + 1
    return replace(record, failures=failures, deaths=0, retry_at_s=now_s + switch_pause_s(failures))


def _forgiven(record: FailureRecord, good_answers: int, *, steady: bool = False) -> FailureRecord:
    """Begin a new row of failures if the backend has been well since the last one."""
    if steady or good_answers > record.good_answers:
        return replace(record, failures=0, deaths=0, good_answers=good_answers)
    return record
