"""A worker as the front sees it: its end of the socket, what is outstanding there, and the adaptive window.

How many requests to give a worker at once is learned, not configured. A worker that serves one request after the
other gets about a millisecond of work ahead: enough to keep it busy, and the rest waits in the front, where a
switch can still send it to the better backend. One whose requests overlap, because it awaits something else, gets
more as long as it takes them; a stream that has begun counts no more, for it may last as long as its client listens.
Declared concurrency is taken at its word.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol, cast

from runtime_images.dynamic_runtime.wire import arenas, frames
from runtime_images.dynamic_runtime.wire.frames import Frame, FrameError, Kind, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import SLOTS, BegunMarks
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.edge.exchange import Exchange

AHEAD_NS = 1_000_000
MAX_WINDOW = 256
_LONG_NS = 10_000_000
"""A service time beside which the few microseconds between two requests do not matter."""
_KEPT = 0.8
_OVERLAP_KEPT = 0.6
_COMPARED_LEAST = 2
_LEARNED_AT_ONCE = 16
"""From so many short answers the window is learned at once: for each of them that would cost more than a good deal
of their way through the front."""

FIRST_WINDOW = 16
"""For a worker that may overlap its requests, until its answers tell whether it does."""

_LONGEST_INLINE = arenas.LEAST_BYTES
_pack = frames.HEADER.pack


class LinkOwner(Protocol):
    """Who is told what a worker sends; the front and the supervisor share this seat."""

    def frame_received(self, link: "WorkerLink", frame: Frame) -> None:
        """A frame that is no answer to a request: READY, FAILED, HEALTH_ANSWER."""

    def answers_received(self, link: "WorkerLink", received: list[RawFrame]) -> None:
        """RESPONSE and CHUNK frames, all that came at once."""

    def link_lost(self, link: "WorkerLink") -> None:
        """The worker is gone, or has sent what is no frame."""


class WorkerLink(asyncio.Protocol):
    """The front's end of one worker's socket.

    `room` is the window in whole requests, 0 once the worker is gone: it may be given another request while it has
    fewer `jobs`. With `requests` and `answers` long bodies lie in shared memory. `fault` says how the worker has broken
    the protocol, if it has.
    """

    def __init__(
        self,
        backend: Backend,
        begun: BegunMarks,
        concurrency: int,
        owner: LinkOwner,
        requests: arenas.Requests | None = None,
        answers: arenas.Reader | None = None,
    ) -> None:
        self.backend = backend
        self.header_line = b"x-gaia-backend: %b\r\n" % backend.value.encode()
        self.begun = begun
        self.jobs: dict[int, Exchange] = {}
        self.open = False
        self.blocking = False
        self.busy_s = 0.0
        self.window = float(min(concurrency or 1, MAX_WINDOW))
        self.room = 0
        self.ended_ns = 0
        self.fault = ""
        self.orphans: list[arenas.Slot] = []
        self._requests = requests
        self._answers = answers
        self._concurrency = concurrency
        self._streams = 0
        self._adaptive = False
        self._service_ns = 0.0
        self._overlap = 1.0
        self._compared = 0
        self._new_answers = self._new_ns = self._new_compared = self._new_overlapping = 0  # not yet learned from
        self._busy_since_s = 0.0
        self._settled: asyncio.Event | None = None
        self._owner = owner
        self._answers_received = owner.answers_received
        self._loop = asyncio.get_running_loop()
        # An id goes out to one request at a time, and its next life has the same slot of the begun marks: so two
        # requests that a worker has at the same time never share a slot, however long one of them takes.
        self._free_ids = list(range(SLOTS, 2 * SLOTS))
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._parser = frames.FrameParser(frames.MAX_CHUNK_BYTES + frames.MAX_HEAD_BYTES)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        self.open = True
        self.room = int(self.window)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """The worker has gone; the owner decides what becomes of its jobs."""
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
            self.room = 0
            if self._transport is not None:
                self._transport.abort()
            self._owner.link_lost(self)

    # requests

    def dispatch(self, exchange: "Exchange", now_s: float) -> None:
        """Give the worker a request."""
        jobs = self.jobs
        if not jobs:
            self._busy_since_s = now_s
        exchange.id = request_id = self._free_ids.pop()
        exchange.link = self
        payload, flags = exchange.payload, 0
        if len(payload) > _LONGEST_INLINE or exchange.slot is not None:
            payload, flags = self._place(exchange)
        client = exchange.connection.client
        header = _pack(len(payload), request_id, frames.REQUEST, flags, exchange.head_length, *client)
        if not jobs and not self._outgoing and self._transport is not None:
            self._transport.writelines((header, payload))  # a worker that idles gets it now, not a turn later
        else:
            if not self._outgoing:
                self._loop.call_soon(self._flush)
            self._outgoing += (header, payload)
        jobs[request_id] = exchange

    def _place(self, exchange: "Exchange") -> tuple[bytes, int]:
        """The payload of a frame for a long request, and its flags: where its body is, if there is room for it."""
        if exchange.slot is None and self._requests is not None:
            body = memoryview(exchange.payload)[exchange.head_length :]
            exchange.slot = self._requests.take(len(body))
            if exchange.slot is not None:
                exchange.slot.memory[:] = body
                exchange.payload = exchange.payload[: exchange.head_length]
        if exchange.slot is None:
            return exchange.payload, 0
        return exchange.payload + exchange.slot.place, frames.IN_ARENA

    def shared_body(self, place: bytes) -> memoryview | None:
        """The body of an answer that lies in the worker's arena; None: it does not."""
        with contextlib.suppress(arenas.ArenaError):
            return self._answers.part(place) if self._answers is not None else None
        return None

    def give_back(self, place: bytes) -> None:
        """Tell the worker that the body of an answer is needed no more."""
        offset, _ = arenas.PLACE.unpack(place)
        if self.open:
            self.send(frames.encode(Kind.GIVE_BACK, offset // arenas.PAGE_BYTES))

    def free_orphans(self) -> None:
        """The worker's process is gone for certain: nobody reads the bodies of its failed requests any more."""
        for slot in self.orphans:
            slot.free()
        self.orphans.clear()

    def settle(self, request_id: int, now_s: float) -> "Exchange | None":
        """Count a request off: answered, or taken back."""
        exchange = self.jobs.pop(request_id, None)
        if exchange is not None:
            self._free_ids.append((request_id + SLOTS) & 0xFFFFFFFF)
            if not self.jobs:
                self.busy_s += now_s - self._busy_since_s
                if self._settled is not None:
                    self._settled.set()
        return exchange

    async def wait_settled(self) -> None:
        """Wait until the worker has nothing to answer."""
        if self.jobs:
            self._settled = asyncio.Event()
            await self._settled.wait()

    def start(self, *, blocking: bool) -> None:
        """The worker is ready; `blocking` says that it serves no more requests at once than its concurrency."""
        self.blocking = blocking
        self._adaptive = not blocking and not self._concurrency
        if self._adaptive:
            self.window = FIRST_WINDOW
            self.room = FIRST_WINDOW

    def busy_until(self, now_s: float) -> float:
        """Seconds, since the start, in which the worker had at least one request."""
        return self.busy_s + (now_s - self._busy_since_s if self.jobs else 0.0)

    def learn(self, answers: int, service_ns: int, overlapping: int, ended_ns: int) -> None:
        """Adapt the window to the answers that came at once.

        `service_ns` is what they took together, `overlapping` how many of them were begun before the one before them
        had ended, `ended_ns` when the last one ended.
        """
        self.ended_ns = ended_ns
        self._new_answers += answers
        self._new_ns += service_ns
        if self.jobs:
            self._new_compared += answers
            self._new_overlapping += overlapping
        if self._new_answers >= _LEARNED_AT_ONCE or self._new_ns >= AHEAD_NS:
            self._adapt()

    def _adapt(self) -> None:
        """Set the window by the answers that came since the last time."""
        answers, compared = self._new_answers, self._new_compared
        mean_ns = max(1000.0, self._new_ns / answers)
        kept = _KEPT**answers
        self._service_ns = kept * self._service_ns + (1 - kept) * mean_ns if self._service_ns else mean_ns
        if compared:
            self._compared += compared
            kept = _OVERLAP_KEPT**compared
            self._overlap = kept * self._overlap + (1 - kept) * self._new_overlapping / compared
        if self._adaptive and self._overlap > 0.5:
            crowded = len(self.jobs) + answers >= self.room
            self.window = min(MAX_WINDOW, self.window + answers * crowded)
        else:
            self.window = min(MAX_WINDOW, self._at_work() + AHEAD_NS / self._service_ns)
        self._make_room()
        self._new_answers = self._new_ns = self._new_compared = self._new_overlapping = 0

    def stream_begun(self) -> None:
        """The client of one of the requests is being answered in parts."""
        self._streams += 1
        self._make_room()

    def stream_ended(self) -> None:
        """One of those answers is complete, or has broken off."""
        self._streams -= 1
        self._make_room()

    def _make_room(self) -> None:
        if self.open:
            self.room = min(SLOTS, int(self.window) + self._streams * self._adaptive)

    def _at_work(self) -> int:
        """Requests that the worker may work on at once. One that may overlap must be given two to show it."""
        return (self._concurrency or 1) + (self._adaptive or self._service_ns < _LONG_NS)

    @property
    def slots(self) -> int:
        """How many requests the function serves at once: as declared, else as its answers have shown; 1 until then."""
        overlaps = self._adaptive and self._compared >= _COMPARED_LEAST and self._overlap > 0.5
        return int(self.window) if overlaps else self._concurrency or 1

    def cancel(self, exchange: "Exchange", *, forced: bool = False) -> None:
        """Ask the worker to drop a request; without force only if it has not begun."""
        self.send(frames.encode(Kind.CANCEL, exchange.id, flags=frames.FORCE if forced else 0))

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
        self.room = 0
        if self._transport is not None:
            self._transport.close()
