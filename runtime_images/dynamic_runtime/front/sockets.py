"""WebSockets between workers and clients: accepted, spoken through, closed by either side, and cut off at an end.

A request becomes a WebSocket when its worker accepts it. From then on it stays with that worker, whatever a switch does
to the traffic, and is none of the requests that say how busy a worker is: an hour of it is no slow answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from runtime_images.dynamic_runtime.edge.response_head import check_any_head
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.dynamic_runtime.wire import frames, web_socket
from runtime_images.dynamic_runtime.wire.frames import (
    ABORTED,
    CHUNK,
    MORE,
    TEXT,
    FrameError,
    Kind,
    RawFrame,
    status_line,
)
from runtime_images.dynamic_runtime.wire.in_flight import SLOTS
from runtime_images.dynamic_runtime.wire.web_socket import DIED, GONE, SERVICE_RESTART, UNHEARD, Closing
from runtime_images.policy.sampling import SWITCHED

KINDS = frozenset((Kind.ACCEPT, Kind.SEND, Kind.TAKEN))
MOST_SOCKETS = SLOTS // 2
"""WebSockets of one worker: each has a number, and requests need some, too."""

_ANY_STATUS = status_line(HTTPStatus.OK)
_SWITCHED = b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: %b\r\n"
_TOO_MANY = "too many WebSockets are open"
_OURS = (b"sec-websocket-accept:", b"sec-websocket-extensions:", b"sec-websocket-version:")


@dataclass(eq=False)
class _Listener:
    """Passes on to the worker what its client says."""

    link: WorkerLink
    job: Job
    now: Callable[[], float]

    def received(self, message: bytes, *, is_text: bool) -> None:
        flags = TEXT if is_text else 0
        self.link.send(frames.encode(Kind.RECEIVED, self.job.id, body=message, flags=flags))

    def closed(self, closing: Closing) -> None:
        self.job.closed_s = self.now()
        if self.job.link is not None:
            self.link.send(frames.encode(Kind.CLOSED, self.job.id, body=closing.encode()))


class Sockets:
    """The front's side of all WebSockets. `refuse` answers for a head that HTTP does not allow."""

    def __init__(self, now: Callable[[], float], refuse: Callable[[WorkerLink, Job, bytes], None]) -> None:
        self._now = now
        self._refuse = refuse

    # what workers say

    def take(self, link: WorkerLink, frame: RawFrame, own_lines: bytes) -> None:
        """Take a frame that is not the last of its WebSocket, or raise FrameError if it does not fit."""
        request_id, kind, flags, head, body, count, handshake_ns, _ = frame
        if kind == Kind.ACCEPT:
            self._accept(link, request_id, head, own_lines, handshake_ns)
        elif (job := link.sockets.get(request_id)) is None:
            self._expect_unwanted(link, request_id)
        elif kind == Kind.SEND:
            job.take_part(body, is_text=bool(flags & TEXT), is_last=not flags & MORE)
        elif job.socket is not None:
            job.socket.taken(count)

    def _accept(self, link: WorkerLink, request_id: int, lines: bytes, own_lines: bytes, handshake_ns: int) -> None:
        job = link.jobs.get(request_id)
        if job is None or (job.started and not job.given_up) or not job.wants_socket:
            raise FrameError(f"request {request_id} is accepted as a WebSocket, but is none that asks for it")
        headers = job.headers
        if web_socket.why_refused(headers) is not None:
            raise FrameError(f"request {request_id} is accepted as a WebSocket, but its handshake is not complete")
        head = check_any_head(
            _ANY_STATUS + b"".join(line for line in lines.splitlines(True) if not line.startswith(_OURS))
        )
        if head is None and not job.given_up:
            self._refuse(link, job, _ANY_STATUS + lines)
        elif len(link.sockets) >= MOST_SOCKETS and not job.given_up:
            job.give_up(HTTPStatus.SERVICE_UNAVAILABLE, _TOO_MANY, 1)
        if head is None or job.given_up or job.client_gone:
            link.send(frames.encode(Kind.CLOSED, request_id, body=GONE.encode()))
            return
        own_lines += _SWITCHED % web_socket.accept_of(dict(headers)[b"sec-websocket-key"])
        job.opened_s, job.handshake_ns = self._now(), handshake_ns
        link.socket_opened(job, job.opened_s)
        job.socket = job.switch(head, own_lines, _Listener(link, job, self._now))

    def _expect_unwanted(self, link: WorkerLink, request_id: int) -> None:
        """Expect what a function says of a WebSocket that its client did not get; raise FrameError for all else."""
        job = link.jobs.get(request_id)
        if job is None or not job.wants_socket or not (job.given_up or job.client_gone):
            raise FrameError(f"a message for request {request_id}, which is no WebSocket")

    def end(self, link: WorkerLink, frame: RawFrame) -> AnswerRow:
        """Take the last frame of a WebSocket, or raise FrameError; return what the statistics count."""
        request_id, kind, flags, _, body = frame[:5]
        job = link.sockets.get(request_id)
        if job is None:
            raise FrameError(f"an answer to request {request_id}, which this worker does not have")
        closing = web_socket.DIED
        if kind == Kind.CLOSE:
            closing = web_socket.decode(body)
            if why := web_socket.why_not_sent(closing):
                raise FrameError(why)
        elif kind != CHUNK or not flags & ABORTED:
            raise FrameError(f"an end of request {request_id} that is none of a WebSocket")
        link.socket_ended(job)
        status = SWITCHED
        if job.socket is not None and job.closed_s is None:
            status = HTTPStatus.INTERNAL_SERVER_ERROR if closing.is_failure else SWITCHED
            job.socket.close(closing)
        now_s = self._now()
        return status, now_s - (job.opened_s - job.arrived_s), now_s, job.handshake_ns, 0, job.outlet.number

    # ends

    def lost(self, link: WorkerLink) -> int:
        """Close the WebSockets of a dead worker; return how many clients that has failed."""
        failed = 0
        for job in list(link.sockets.values()):
            link.socket_ended(job)
            failed += job.closed_s is None
            if job.socket is not None:
                job.socket.close(DIED)
        return failed

    def cut_off(self, link: WorkerLink) -> int:
        """Close the WebSockets that are open, for their worker will end; return how many these were."""
        open_ones = [job.socket for job in link.sockets.values() if job.closed_s is None and job.socket is not None]
        for socket in open_ones:
            socket.close(SERVICE_RESTART)
        return len(open_ones)

    def are_overdue(self, link: WorkerLink, expired_s: float, hung_s: float) -> bool:
        """End what has the time of a request, and no more: not to hear a client, and to go on after the end.

        Return whether a function does not heed that.
        """
        hangs = False
        for job in list(link.sockets.values()):
            if job.closed_s is None:
                self._hear(job, expired_s)
            elif job.closed_s <= expired_s:
                hangs = hangs or job.closed_s <= hung_s
                if not job.given_up:
                    job.given_up = True
                    job.cancel(forced=True)
        return hangs

    def _hear(self, job: Job, expired_s: float) -> None:
        since_s = job.socket.unheard_since_s if job.socket is not None else None
        if since_s is not None and since_s <= expired_s and job.socket is not None:
            job.socket.close(UNHEARD)
