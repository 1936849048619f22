"""The front's end of a worker's socket: frames out and in, and which requests are outstanding there."""

import asyncio
from typing import Protocol, cast

from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.long_bodies import LongBodies
from runtime_images.dynamic_runtime.front.window_control import Window
from runtime_images.dynamic_runtime.wire import arenas, frames
from runtime_images.dynamic_runtime.wire.frames import Frame, FrameError, Kind, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import SLOTS, InFlightJournal
from runtime_images.policy.model import Backend

_LONGEST_INLINE = arenas.LEAST_BYTES
_pack = frames.HEADER.pack


class LinkOwner(Protocol):
    """Who gets what a worker sends; the front and the supervisor share this seat."""

    def frame_received(self, link: "WorkerLink", frame: Frame) -> None:
        """Take a frame that is no answer to a request: READY, FAILED, HEALTH_ANSWER."""

    def answers_received(self, link: "WorkerLink", received: list[RawFrame]) -> None:
        """Take RESPONSE and CHUNK frames, all that came at once."""

    def link_lost(self, link: "WorkerLink") -> None:
        """Learn that the worker is gone, or has sent what is no frame."""


class WorkerLink(asyncio.Protocol):
    """The front's end of one worker's socket.

    It may be given another request while it has fewer `jobs` than its window has credit. `fault` says how the worker
    has broken the protocol, if it has.
    """

    def __init__(
        self,
        backend: Backend,
        journal: InFlightJournal,
        concurrency: int,
        owner: LinkOwner,
        bodies: LongBodies | None = None,
    ) -> None:
        self.backend = backend
        self.header_line = b"x-gaia-backend: %b\r\n" % backend.value.encode()
        self.journal = journal
        self.window = Window(concurrency)
        self.bodies = bodies or LongBodies()
        self.jobs: dict[int, Job] = {}
        self.open = False
        self.blocking = False
        self.fault = ""
        self._busy_s = self._busy_since_s = 0.0
        self._settled: asyncio.Event | None = None
        self._owner = owner
        self._answers_received = owner.answers_received
        self._loop = asyncio.get_running_loop()
        # An id goes out to one request at a time, and its next life has the same slot of the journal: so two requests
        # that a worker has at the same time never share a slot, however long one of them takes.
        self._free_ids = list(range(SLOTS, 2 * SLOTS))
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._parser = frames.FrameParser(frames.MAX_CHUNK_BYTES + frames.MAX_HEAD_BYTES)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self._lost()

    def data_received(self, data: bytes) -> None:
        """Take frames; garbage ends the worker's connection, for nothing after it can be trusted."""
        try:
            self._answers_received(self, self._parser.feed(data))
        except FrameError as error:
            self.fault = str(error)
            self._lost()

    def take_other(self, frame: RawFrame) -> None:
        """Pass a frame on that is no answer to a request.

        Raises:
            FrameError: it is nothing that a worker sends.
        """
        if frame[1] not in (Kind.READY, Kind.WARMING, Kind.FAILED, Kind.HEALTH_ANSWER):
            raise FrameError(f"a frame of the kind {frame[1]}")
        self._owner.frame_received(self, Frame(*frame))

    def _lost(self) -> None:
        if self.open:
            self.open = False
            self.window.close()
            if self._transport is not None:
                self._transport.abort()
            self._owner.link_lost(self)

    # requests

    def dispatch(self, job: Job, now_s: float) -> None:
        jobs = self.jobs
        if not jobs:
            self._busy_since_s = now_s
        request_id = self._free_ids.pop()
        job.link, job.id = self, request_id
        payload, flags = job.payload, 0
        if len(payload) > _LONGEST_INLINE or job.slot is not None:
            payload, flags = self.bodies.payload_of(job)
        header = _pack(len(payload), request_id, frames.REQUEST, flags, job.head_length, *job.outlet.client)
        if not jobs and not self._outgoing and self._transport is not None:
            self._transport.writelines((header, payload))  # a worker that idles gets it now, not a turn later
        else:
            if not self._outgoing:
                self._loop.call_soon(self._flush)
            self._outgoing += (header, payload)
        jobs[request_id] = job

    def settle(self, request_id: int, now_s: float) -> None:
        """Count a request off: answered, or taken back."""
        if self.jobs.pop(request_id, None) is not None:
            self._free_ids.append((request_id + SLOTS) & 0xFFFFFFFF)
            if not self.jobs:
                self._busy_s += now_s - self._busy_since_s
                if self._settled is not None:
                    self._settled.set()

    async def wait_settled(self) -> None:
        if self.jobs:
            self._settled = asyncio.Event()
            await self._settled.wait()

    def busy_until(self, now_s: float) -> float:
        """Return for how many seconds since the start the worker has had at least one request."""
        return self._busy_s + (now_s - self._busy_since_s if self.jobs else 0.0)

    def start(self, *, blocking: bool) -> None:
        """Begin with a ready worker; one that is `blocking` serves no more requests at once than its concurrency."""
        self.blocking = blocking
        self.window.start(blocking=blocking)

    # sending

    def send(self, data: bytes) -> None:
        """Send encoded frames, together with whatever else is sent in this turn of the event loop.

        One system call for many frames: each call would wake the worker for one frame only.
        """
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def give_back(self, place: bytes) -> None:
        """Tell the worker that nobody reads the body of an answer any more."""
        offset, _ = arenas.PLACE.unpack(place)
        if self.open:
            self.send(frames.encode(Kind.GIVE_BACK, offset // arenas.PAGE_BYTES))

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self.open and self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close without notifying the owner: an end that was asked for."""
        self._flush()
        self.open = False
        self.window.close()
        if self._transport is not None:
            self._transport.close()
