"""The front's end of a worker's socket: frames out and in, and which requests are outstanding there."""

import asyncio
import contextlib
from math import inf
from typing import TYPE_CHECKING, Protocol

from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.window_control import Window
from runtime_images.dynamic_runtime.wire import arenas, frames
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES
from runtime_images.dynamic_runtime.wire.channel import Channel
from runtime_images.dynamic_runtime.wire.frames import Frame, FrameError, Kind, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import SLOTS, InFlightJournal
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.edge.bodies import Body
    from runtime_images.dynamic_runtime.edge.budget import Room

_pack = frames.HEADER.pack


class LongBodies:
    """The front's ends of the two arenas; without arenas long bodies travel in frames."""

    def __init__(self, requests: arenas.Requests | None = None, answers: arenas.Reader | None = None) -> None:
        self._requests = requests
        self._answers = answers
        self._orphans: list[Body | Room] = []

    def payload_of(self, job: Job) -> tuple[bytes | memoryview, int]:
        """Return the payload of a long request's frame, and its flags: where its body is, if there is space for it."""
        if self._requests is not None:
            job.place_body(self._requests)
        if job.slot is None or not job.slot.place:
            return job.whole, 0
        return job.payload + job.slot.place, frames.IN_ARENA

    def answer(self, place: bytes) -> memoryview | None:
        """Return the body of an answer that lies in the worker's arena; None if it does not."""
        with contextlib.suppress(arenas.ArenaError):
            return self._answers.part(place) if self._answers is not None else None
        return None

    def keep(self, job: Job) -> None:
        """Keep the body of a failed request until nobody can read it any more: its worker may not be gone yet."""
        if job.slot is not None:
            self._orphans.append(job.slot)
            job.slot = None

    def free(self) -> None:
        """Free what was kept: the worker's process is gone for certain."""
        for slot in self._orphans:
            slot.free()
        self._orphans.clear()


class LinkOwner(Protocol):
    """Who gets what a worker sends: all frames that came at once, each that is no answer, and last that it is gone."""

    def answers_received(self, link: "WorkerLink", received: list[RawFrame]) -> None: ...
    def frame_received(self, link: "WorkerLink", frame: Frame) -> None: ...
    def link_lost(self, link: "WorkerLink") -> None: ...


class WorkerLink(Channel):
    """The front's end of one worker's socket.

    It may be given another request while it has fewer `jobs` than its window has credit. `sockets` are those that have
    become WebSockets: these last as long as their clients like, and say nothing of how busy it is. `fault` says how the
    worker has broken the protocol, if it has.
    """

    def __init__(
        self,
        backend: Backend,
        journal: InFlightJournal,
        concurrency: int,
        owner: LinkOwner,
        bodies: LongBodies | None = None,
    ) -> None:
        super().__init__()
        self.backend = backend
        self.header_line = b"x-gaia-backend: %b\r\n" % backend.value.encode()
        self.journal = journal
        self.window = Window(concurrency)
        self.bodies = bodies or LongBodies()
        self.jobs: dict[int, Job] = {}
        self.sockets: dict[int, Job] = {}
        self.open = False
        self.blocking = False
        self.fault = ""
        self._busy_s = 0.0
        self._busy_since_s = -inf
        self._requests_s = 0.0  # when each request was settled, less when it came: all that is gone by now
        self._settled: asyncio.Event | None = None
        self._owner = owner
        self._answers_received = owner.answers_received
        # An id goes out to one request at a time, and its next life has the same slot of the journal: so two requests
        # that a worker has at the same time never share a slot, however long one of them takes.
        self._free_ids = list(range(SLOTS, 2 * SLOTS))
        self._parser = frames.FrameParser(frames.MAX_CHUNK_BYTES + frames.MAX_HEAD_BYTES, frames.LONGEST_HEAD_BYTES)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
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
        """Pass a frame on that is no answer to a request; raise FrameError if no worker sends such a frame."""
        if frame[1] not in (Kind.READY, Kind.WARMING, Kind.FAILED, Kind.HEALTH_ANSWER, Kind.ENDING):
            raise FrameError(f"a frame of the kind {frame[1]}")
        self._owner.frame_received(self, Frame(*frame))

    def _lost(self) -> None:
        if self.open:
            self.open = False
            self.window.close()
            if self._transport is not None:
                self._transport.abort()
            self._owner.link_lost(self)

    def dispatch(self, job: Job, now_s: float) -> None:
        jobs = self.jobs
        if not jobs:
            self._busy_since_s = now_s
        request_id = self._free_ids.pop()
        job.link, job.id = self, request_id
        self._requests_s -= now_s
        payload: bytes | memoryview = job.payload
        flags = frames.WEB_SOCKET if job.wants_socket else 0
        if len(payload) > LEAST_BYTES or (job.slot is not None and job.slot.memory):
            payload, flags = self.bodies.payload_of(job)
        header = _pack(len(payload), request_id, frames.REQUEST, flags, job.head_length, *job.outlet.client)
        if not jobs and not self._outgoing and self._transport is not None:
            self._transport.writelines((header, payload))  # a worker that idles gets it now, not a turn later
        else:
            self.send(header, payload)
        jobs[request_id] = job

    def settle(self, request_id: int, now_s: float) -> None:
        """Count a request off: answered, or taken back."""
        if self.jobs.pop(request_id, None) is not None:
            self._free_ids.append((request_id + SLOTS) & 0xFFFFFFFF)
            self._requests_s += now_s
            if not self.jobs:
                self._busy_s += now_s - self._busy_since_s
                if self._settled is not None:
                    self._settled.set()

    def socket_opened(self, job: Job, now_s: float) -> None:
        """Count a request as a WebSocket from here on; it keeps its id."""
        self.settle(job.id, now_s)
        self._free_ids.pop()
        self.sockets[job.id] = job
        self.window.socket_opened()

    def socket_ended(self, job: Job) -> None:
        """Count a WebSocket off, once its function is done with it."""
        del self.sockets[job.id]
        job.link = None
        self._free_ids.append((job.id + SLOTS) & 0xFFFFFFFF)
        self.window.socket_ended()
        if self._settled is not None:
            self._settled.set()

    @property
    def has_work(self) -> bool:
        """Whether it has a request or a WebSocket."""
        return bool(self.jobs or self.sockets)

    async def wait_settled(self, timeout_s: float) -> None:
        """Wait until it has neither, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.has_work:
                    self._settled = asyncio.Event()
                    await self._settled.wait()

    @property
    def was_at_work(self) -> bool:
        """Whether it was ever given a request."""
        return self._busy_since_s > -inf

    def busy_until(self, now_s: float) -> float:
        """Return for how many seconds since the start the worker has had at least one request."""
        return self._busy_s + (now_s - self._busy_since_s if self.jobs else 0.0)

    def requests_until(self, now_s: float) -> float:
        """Return for how many seconds it has had each of its requests since the start, in all."""
        return self._requests_s + now_s * len(self.jobs)

    def start(self, *, blocking: bool, threads: int = 1) -> None:
        """Begin with a ready worker; one that is `blocking` serves no more requests at once than its concurrency.

        `threads` is that where none is declared.
        """
        self.blocking = blocking
        self.window.start(blocking=blocking, threads=threads)

    def give_back(self, place: bytes) -> None:
        """Notify the worker that nobody reads the body of an answer any more."""
        offset, _ = arenas.PLACE.unpack(place)
        if self.open:
            self.send(frames.encode(Kind.GIVE_BACK, offset // arenas.PAGE_BYTES))

    def close(self) -> None:
        """Close without notifying the owner: an end that was asked for."""
        self._flush()
        self.open = False
        self.window.close()
        if self._transport is not None:
            self._transport.close()
