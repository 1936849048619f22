"""Whether a worker that has not died can still serve: the three ways in which it may hang, and how each is noticed.

A hung worker counts as dead. The front sees one that keeps a request beyond its deadline. The process state shows one
that is stopped (SIGSTOP, a debugger that went away) within a second. One without requests whose event loop stands still
does not answer when asked for its pulse; it has as long as a request may take, since a function may compute in the
background. A blocking handler has no event loop.
"""

from collections.abc import Container

from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.wire.lifeline import is_stopped
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.events.lifecycle import WorkerState

STOPPED_GRACE_S = 1.0
"""How long a worker may be stopped before it is ended."""

PULSE_S = 5.0
"""How often a worker without requests is asked for its pulse."""

PULSE = 0
"""The number of that question; health questions count from 1."""


def why_hung(worker: WorkerProcess, overdue: Container[WorkerLink], now_s: float, patience_s: float) -> str:
    """Return why a worker must end, empty while it is well; `patience_s` is the longest that a request may take."""
    if worker.link in overdue:
        return "it kept a request beyond its deadline"
    if _is_stopped_for_long(worker, now_s):
        return "it was stopped and did not continue"
    if _stands_still(worker, now_s, patience_s):
        return "it was idle and did not answer"
    return ""


def pulse_felt(worker: WorkerProcess) -> None:
    """Note that the worker has answered."""
    worker.pulse_seen_s, worker.pulse_asked_s = worker.pulse_asked_s or worker.pulse_seen_s, None


def _is_stopped_for_long(worker: WorkerProcess, now_s: float) -> bool:
    if not is_stopped(worker.pid):
        worker.stopped_since_s = None
    elif worker.stopped_since_s is None:
        worker.stopped_since_s = now_s
    return worker.stopped_since_s is not None and now_s - worker.stopped_since_s >= STOPPED_GRACE_S


def _stands_still(worker: WorkerProcess, now_s: float, patience_s: float) -> bool:
    if worker.state is not WorkerState.READY or worker.link.jobs or worker.facts.get("blocking"):
        worker.pulse_seen_s, worker.pulse_asked_s = now_s, None  # requests have deadlines of their own
    elif worker.pulse_asked_s is not None:
        return now_s - worker.pulse_asked_s > patience_s
    elif now_s - worker.pulse_seen_s >= PULSE_S:
        worker.pulse_asked_s = now_s
        worker.link.send(frames.encode(Kind.HEALTH, PULSE, b"pulse"))
    return False
