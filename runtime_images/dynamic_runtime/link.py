"""A worker as the front sees it: its end of the socket, what is outstanding there, and the adaptive window.

How many requests to give a worker at once is learned, not configured. A worker that serves one request after the
other gets about a millisecond of work ahead: enough to keep it busy, and the rest waits in the front, where a
switch can still send it to the better backend. One whose requests overlap, because it awaits something else, gets
more as long as it takes them. Declared concurrency is taken at its word.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from runtime_images.dynamic_runtime import frames
from runtime_images.dynamic_runtime.begun import SLOTS, BegunMarks
from runtime_images.dynamic_runtime.frames import Frame, FrameError, Kind, Timing
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.front import Job

AHEAD_S = 0.001
MAX_WINDOW = min(256, SLOTS)
_LONG_S = 0.01
"""A service time beside which the few microseconds between two requests do not matter."""
_SMOOTHING = 0.2
_OVERLAP_SMOOTHING = 0.4
_COMPARED_LEAST = 2
FIRST_WINDOW = 16
"""For a worker that may overlap its requests, until its answers tell whether it does."""


class LinkOwner(Protocol):
    """Who is told what a worker sends; the front and the supervisor share this seat."""

    def frame_received(self, link: "WorkerLink", frame: Frame) -> None:
        """A frame that is no answer to a request: READY, FAILED, HEALTH_ANSWER."""

    def response_received(self, link: "WorkerLink", frame: Frame) -> None:
        """A RESPONSE or CHUNK frame."""

    def link_lost(self, link: "WorkerLink") -> None:
        """The worker is gone, or has sent what is no frame."""


class WorkerLink(asyncio.Protocol):
    """The front's end of one worker's socket."""

    def __init__(self, backend: Backend, begun: BegunMarks, concurrency: int, owner: LinkOwner) -> None:
        self.backend = backend
        self.header = (b"x-gaia-backend", backend.value.encode())
        self.begun = begun
        self.jobs: dict[int, Job] = {}
        self.open = False
        self.settled = asyncio.Event()
        self.settled.set()
        self.busy_s = 0.0
        self.window = float(concurrency or 1)
        self._concurrency = concurrency
        self._adaptive = False
        self._service_s = 0.0
        self._overlap = 1.0
        self._compared = 0
        self._ended_ns = 0
        self._busy_since_s = 0.0
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._parser = frames.FrameParser(frames.MAX_CHUNK_BYTES + frames.MAX_HEAD_BYTES + frames.TIMING.size)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """The worker has gone; the owner decides what becomes of its jobs."""
        self._lost()

    def data_received(self, data: bytes) -> None:
        """Take frames; garbage ends the worker's connection, for nothing after it can be trusted."""
        try:
            for frame in self._parser.feed(data):
                if frame.kind in (Kind.RESPONSE, Kind.CHUNK):
                    self._owner.response_received(self, frame)
                else:
                    self._owner.frame_received(self, frame)
        except FrameError:
            self._lost()

    def _lost(self) -> None:
        if self.open:
            self.open = False
            if self._transport is not None:
                self._transport.abort()
            self._owner.link_lost(self)

    # requests

    @property
    def has_room(self) -> bool:
        """Whether the worker may be given another request."""
        return self.open and len(self.jobs) < int(self.window)

    def dispatch(self, job: "Job", now_s: float) -> None:
        """Give the worker a request."""
        if not self.jobs:
            self._busy_since_s = now_s
            self.settled.clear()
        self.jobs[job.id] = job
        job.link = self
        self.send(job.frame)

    def settle(self, job: "Job", now_s: float) -> None:
        """Count a request off: answered, or given up."""
        if self.jobs.pop(job.id, None) is not None and not self.jobs:
            self.busy_s += now_s - self._busy_since_s
            self.settled.set()

    def start(self, *, blocking: bool) -> None:
        """The worker is ready; `blocking` says that it serves no more requests at once than its concurrency."""
        self._adaptive = not blocking and not self._concurrency
        if self._adaptive:
            self.window = FIRST_WINDOW

    def busy_until(self, now_s: float) -> float:
        """Seconds, since the start, in which the worker had at least one request."""
        return self.busy_s + (now_s - self._busy_since_s if self.jobs else 0.0)

    def learn(self, timing: Timing) -> None:
        """Adapt the window to an answer: how long it took, and whether it overlapped with the one before."""
        service_s = max(1e-6, (timing.ended_ns - timing.begun_ns) / 1e9)
        self._service_s += _SMOOTHING * (service_s - self._service_s) if self._service_s else service_s
        if self.jobs:
            self._compared += 1
            self._overlap += _OVERLAP_SMOOTHING * ((timing.begun_ns < self._ended_ns) - self._overlap)
        self._ended_ns = max(self._ended_ns, timing.ended_ns)
        if self._adaptive and self._overlap > 0.5:
            self.window = min(MAX_WINDOW, self.window + (len(self.jobs) >= int(self.window) - 1))
        else:
            self.window = min(MAX_WINDOW, self._at_work() + AHEAD_S / self._service_s)

    def _at_work(self) -> int:
        """Requests that the worker may work on at once. One that may overlap must be given two to show it."""
        return (self._concurrency or 1) + (self._adaptive or self._service_s < _LONG_S)

    @property
    def slots(self) -> int:
        """How many requests the function serves at once: as declared, else as its answers have shown; 1 until then."""
        overlaps = self._adaptive and self._compared >= _COMPARED_LEAST and self._overlap > 0.5
        return int(self.window) if overlaps else self._concurrency or 1

    def cancel(self, job: "Job", *, forced: bool = False) -> None:
        """Ask the worker to drop a request; without force only if it has not begun."""
        self.send(frames.encode(Kind.CANCEL, job.id, flags=frames.FORCE if forced else 0))

    def send(self, data: bytes) -> None:
        """Send encoded frames, together with whatever else is sent in this turn of the event loop.

        One system call for many frames: each call would wake the worker for one frame only.
        """
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self.open and self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close without telling the owner: an end that was asked for."""
        self._flush()
        self.open = False
        if self._transport is not None:
            self._transport.close()
