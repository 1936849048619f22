"""One worker as an operating system process: read what it prints and sends, see whether it hangs, measure it, end it.

There are three ways to hang, and a hung worker counts as dead. The front sees one that keeps a request beyond its
deadline. The process state shows one that is stopped (SIGSTOP, a debugger that went away) within a second. One without
requests whose event loop stands still does not answer when asked for its pulse; it has as long as a request may take,
since a function may compute in the background. A blocking handler has no event loop.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.telemetry.cpu_share import CpuMeter
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.wire.lifeline import is_stopped
from runtime_images.dynamic_runtime.workers.child_process import ChildProcess, LineSink, OutputPipe
from runtime_images.events.lifecycle import WorkerState
from runtime_images.policy.model import Backend

_LAST_WORDS_S = 2.0
_LAST_WORDS_AT_WORK_S = 0.1
"""How long to wait for them before a worker is replaced that has served: what it has started may hold its output."""

_KEPT_LOG_LINES = 30
UNKILLABLE_S = 10.0
"""How long after SIGKILL a worker counts as ended though it is not: one that a driver or a file system holds fast."""

_STOPPED_GRACE_S = 1.0
_PULSE_EVERY_S = 5.0
PULSE = 0
"""The number of the question for a worker's pulse; health questions count from 1."""


@dataclass(eq=False, slots=True)
class WorkerProcess:
    """A worker and everything that ends with it.

    It was asked for at `requested_s`; its own start began at `begun_s`, after a zygote's imports, which the next one
    finds done. `outcome` is resolved by READY, FAILED or the exit, whatever is first. `ending` is what keeps one
    that is to end.
    The `pulse_` fields are of the question whether its event loop turns.
    """

    backend: Backend
    process: ChildProcess
    link: WorkerLink
    journal: InFlightJournal
    requested_s: float
    channel: socket.socket
    begun_s: float | None = None
    meter: CpuMeter = field(init=False)
    outcome: asyncio.Future[dict[str, Any]] = field(init=False)
    state: WorkerState = WorkerState.STARTING
    ready_s: float = 0.0
    stopped_since_s: float | None = None
    pulse_asked_s: float | None = None
    pulse_seen_s: float = 0.0
    ended_for: str = ""
    end_asked_s: float | None = None
    cut_off: bool = False
    ending: str = "a request, or what it does beside them"
    facts: dict[str, Any] = field(default_factory=dict)
    killed: asyncio.Event = field(default_factory=asyncio.Event)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LOG_LINES))
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meter = CpuMeter(self.pid)
        self.outcome = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def read_output(self, outputs: Iterable[OutputPipe], log: LineSink) -> None:
        """Start to read what it prints, and keep the last lines."""

        def take(stream: str, line: str, request: int | None) -> None:
            self.log.append(line)
            log(stream, line, request)

        self.readers += [asyncio.create_task(output.read_lines(take)) for output in outputs]

    async def connect(self) -> None:
        """Start to read what it sends: only once it is known, because a forked worker may be ready before that."""
        await asyncio.get_running_loop().create_unix_connection(lambda: self.link, sock=self.channel)

    def kill(self) -> None:
        """End the process and everything it has started, at once."""
        self.killed.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()  # one that was forked only just now leads no group yet

    def lived_s(self, now_s: float) -> float:
        """Return for how long it has been ready."""
        return now_s - self.ready_s if self.ready_s else 0.0

    @property
    def start_up_s(self) -> float:
        """The time that it took to become ready."""
        return self.ready_s - self.requested_s

    @property
    def next_start_s(self) -> float:
        """The time that the next start of its backend takes, as far as this one tells."""
        return self.ready_s - (self.requested_s if self.begun_s is None else self.begun_s)

    def in_flight_ages_s(self, now_s: float) -> tuple[float, ...]:
        """Return the ages of the requests that it has, oldest first."""
        return tuple(sorted([now_s - job.arrived_s for job in self.link.jobs.values()], reverse=True))

    def measure_cpu(self, now_s: float) -> float | None:
        """Return its CPU share since the last time; None until it is known."""
        return self.meter.update(self.link.busy_until(now_s), self.link.requests_until(now_s))

    def why_hung(self, now_s: float, patience_s: float, *, is_overdue: bool) -> str:
        """Return why it must end, empty while it is well; `patience_s` is the longest that a request may take."""
        if is_overdue:
            return "it kept a request beyond its deadline"
        if self._is_stopped_for_long(now_s):
            return "it was stopped and did not continue"
        return "it was idle and did not answer" if self._stands_still(now_s, patience_s) else ""

    def _is_stopped_for_long(self, now_s: float) -> bool:
        if not is_stopped(self.pid):
            self.stopped_since_s = None
        elif self.stopped_since_s is None:
            self.stopped_since_s = now_s
        return self.stopped_since_s is not None and now_s - self.stopped_since_s >= _STOPPED_GRACE_S

    def _stands_still(self, now_s: float, patience_s: float) -> bool:
        if self.state is not WorkerState.READY or self.link.jobs or self.facts.get("blocking"):
            self.pulse_seen_s, self.pulse_asked_s = now_s, None  # requests have deadlines of their own
        elif self.pulse_asked_s is not None:
            return now_s - self.pulse_asked_s > patience_s
        elif now_s - self.pulse_seen_s >= _PULSE_EVERY_S:
            self.pulse_asked_s = now_s
            self.link.send(frames.encode(Kind.HEALTH, PULSE, b"pulse"))
        return False

    def pulse_felt(self) -> None:
        """Note that it has answered the question for its pulse."""
        self.pulse_seen_s, self.pulse_asked_s = self.pulse_asked_s or self.pulse_seen_s, None

    def note_ending(self, facts: dict[str, Any], now_s: float) -> float:
        """Take what keeps a worker that is to end; return after how long it has not waited for that any more, once."""
        self.ending = facts.get("what", self.ending)
        if not facts.get("cut_off") or self.end_asked_s is None or self.cut_off:
            return 0.0
        self.cut_off = True
        return round(now_s - self.end_asked_s, 3)

    def drop(self, now_s: float) -> None:
        """End it: it is not wanted any more."""
        self.end_asked_s = now_s
        self.kill()

    def end(self, why: str) -> None:
        """End it at once, and keep the reason for whoever reports it."""
        self.ended_for = f": {why}"
        self.kill()

    async def wait(self) -> int:
        """Return the exit code, once the process is gone and what it printed was read; clients do not wait for all."""
        code = await self._end_of_process()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # children of the function that outlived it
        await self.printed(_LAST_WORDS_AT_WORK_S if self.state is WorkerState.READY else _LAST_WORDS_S)
        return code

    async def _end_of_process(self) -> int:
        ended = asyncio.create_task(self.process.wait())
        killed = asyncio.create_task(self.killed.wait())
        try:
            await asyncio.wait((ended, killed), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((ended,), timeout=UNKILLABLE_S)
            return ended.result() if ended.done() else -signal.SIGKILL
        finally:
            ended.cancel()
            killed.cancel()

    async def printed(self, timeout_s: float = _LAST_WORDS_S) -> None:
        """Wait until all it printed was read; it has ended, so this is long only if something else holds a pipe."""
        if self.readers:
            await asyncio.wait(self.readers, timeout=timeout_s)

    def release(self) -> None:
        """Free the descriptors and the memory."""
        self.link.close()
        self.link.bodies.free()
        for reader in self.readers:
            reader.cancel()
        self.journal.close()
