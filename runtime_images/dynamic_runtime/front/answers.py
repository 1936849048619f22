"""What workers send becomes what clients get: whole answers, streams, and 502 for what HTTP does not allow.

`receive` is what every answer costs, and is written out for it; all that is rare stands below.
"""

from collections.abc import Callable
from http import HTTPStatus

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.limits import HANDLER_PATIENCE_S
from runtime_images.dynamic_runtime.edge.response_head import check_any_head, check_head, why_refused
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.sockets import KINDS as SOCKET_KINDS
from runtime_images.dynamic_runtime.front.sockets import Sockets
from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.dynamic_runtime.wire.frames import (
    ABORTED,
    CHUNK,
    FINAL,
    IN_ARENA,
    LONG_HEAD,
    RESPONSE,
    FrameError,
    Kind,
    RawFrame,
)
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import CLIENT_LEFT

_TIMING_LINE = b"server-timing: queue;dur=%.3f, service;dur=%.3f\r\n"
"""The times that are known now, in ms (W3C Server Timing)."""

_FALLBACK_LINE = b"x-gaia-fallback: true\r\n"
SERVER_ERROR = 500

Answered = Callable[[Backend, list[AnswerRow]], None]
"""Gets the finished requests of a backend, all that came at once."""

BadAnswer = Callable[[WorkerLink, int, str], None]
"""Gets an answer that HTTP does not allow: whose, to which request, and what is wrong with it."""


def _was_left(job: Job, status: int) -> bool:
    """Return whether its client has left an answer, rather than been cut off from it, which counts as what it is."""
    return not job.given_up and job.status < SERVER_ERROR and (job.streams or status >= SERVER_ERROR)


class Answers:
    """Passes workers' answers on to the clients. `fallback` marks each as not from the backend that was wanted."""

    def __init__(self, clock: Clock, answered: Answered, bad_answer: BadAnswer) -> None:
        self.fallback = False
        self.failures = 0
        self.last_s = clock.monotonic()
        self._now = clock.monotonic
        self._answered = answered
        self._bad_answer = bad_answer
        self.sockets = Sockets(clock.monotonic, self._refuse_head)

    def receive(self, link: WorkerLink, received: list[RawFrame]) -> None:
        """Pass on what a worker has answered and count what that finishes, or raise FrameError."""
        now_s = self._now()
        own_lines = self._own_lines(link) + _TIMING_LINE
        rows: list[AnswerRow] = []
        answers, taken_ns, overlapping, last_ns = 0, 0, 0, link.window.ended_ns
        try:
            for frame in received:
                request_id, kind, flags, head, body, begun_ns, service_ns, cpu_ns = frame
                if not flags & FINAL:
                    self._take_part(link, frame)
                    continue
                job = link.jobs.get(request_id)
                if job is None:
                    self._count_socket(rows, self.sockets.end(link, frame))
                    continue
                checked = check_head(head) if kind == RESPONSE and flags == FINAL and not job.started else None
                if checked is not None:  # answer first: what else is to be done need not keep the client waiting
                    status = checked.counted
                    times_ms = (begun_ns / 1e6 - job.arrived_s * 1e3, service_ns / 1e6)
                    job.answer(checked, own_lines % times_ms, body)
                link.settle(request_id, now_s)
                if job.slot is not None:
                    job.free_body()
                ended_ns = begun_ns + service_ns
                taken_ns += service_ns
                overlapping += begun_ns < last_ns
                if ended_ns > last_ns:
                    last_ns = ended_ns
                if checked is None:
                    status = self._end_other(link, job, frame)
                if job.client_gone and _was_left(job, status):
                    status = CLIENT_LEFT
                elif status >= SERVER_ERROR and not job.given_up:
                    self.failures += 1
                if service_ns or not job.client_gone:  # one that was dropped before it began took no time at all
                    rows.append((status, job.arrived_s, now_s, service_ns, cpu_ns, job.outlet.number))
                answers += 1
        finally:  # also where a frame breaks the protocol: what was answered before it counts
            if rows or answers:
                self.last_s = now_s
                link.window.learn(answers, taken_ns, overlapping, last_ns, len(link.jobs))
                self._answered(link.backend, rows)

    def _own_lines(self, link: WorkerLink) -> bytes:
        return link.header_line + _FALLBACK_LINE if self.fallback else link.header_line

    def _take_part(self, link: WorkerLink, frame: RawFrame) -> None:
        """Pass on a part of a streamed answer, or a frame that is no answer at all."""
        request_id, kind, _, head, body = frame[:5]
        if kind in SOCKET_KINDS:
            self.last_s = self._now()
            self.sockets.take(link, frame, self._own_lines(link))
            return
        if kind not in (RESPONSE, CHUNK):
            link.take_other(frame)
            return
        job = link.jobs.get(request_id)
        if job is None or (kind == CHUNK and not job.started):
            raise FrameError(f"a part of an answer to request {request_id} that does not fit")
        if not job.given_up and (kind == CHUNK or self._begin_stream(link, job, head)):
            self._report(link, job, job.take_chunk(body))

    def _count_socket(self, rows: list[AnswerRow], row: AnswerRow) -> None:
        self.failures += row[0] >= SERVER_ERROR
        rows.append(row)

    def _begin_stream(self, link: WorkerLink, job: Job, raw_head: bytes) -> bool:
        """Send the head of a streamed answer; False if it cannot be sent."""
        head = check_any_head(raw_head)
        if job.started:
            raise FrameError(f"a second answer to request {job.id}")
        if head is None:
            self._refuse_head(link, job, raw_head)
            return False
        job.status = head.counted
        job.streams = True
        job.begin(head, self._own_lines(link))
        link.window.stream_begun()
        if link.blocking:
            job.outlet.patience.shorten(HANDLER_PATIENCE_S)
        return True

    def _report(self, link: WorkerLink, job: Job, misfit: str) -> None:
        if misfit:
            job.status = HTTPStatus.BAD_GATEWAY
            self._bad_answer(link, job.id, misfit)

    def _refuse_head(self, link: WorkerLink, job: Job, raw_head: bytes) -> None:
        """Answer 502; what is wrong with the head is for the log, not for the client."""
        self._bad_answer(link, job.id, why_refused(raw_head))
        self.failures += job.give_up(HTTPStatus.BAD_GATEWAY, "the function sent headers that HTTP does not allow")

    def _end_other(self, link: WorkerLink, job: Job, frame: RawFrame) -> int:
        """Take the last frame of an answer that is not simply a whole one; return the status that the client sees."""
        _, kind, flags, raw_head, body = frame[:5]
        if job.streams:
            link.window.stream_ended()
        if flags & IN_ARENA:
            return self._end_long(link, job, frame)
        if job.given_up:
            return job.status
        if job.client_gone and (flags & ABORTED or kind == Kind.CLOSE):
            return CLIENT_LEFT
        if flags & ABORTED:
            self.failures += job.give_up(HTTPStatus.BAD_GATEWAY, "the function gave this request up")
            return HTTPStatus.BAD_GATEWAY
        if job.started and kind == CHUNK:
            self._report(link, job, job.write(body) or job.end())
            return job.status
        if job.started or kind != RESPONSE:
            raise self._misfit(job)
        head = check_any_head(raw_head) if flags & LONG_HEAD else None
        if head is None:
            self._refuse_head(link, job, raw_head)
            return job.status
        job.answer(head, self._own_lines(link) + self._timing_line(job, frame), body)
        return head.counted

    def _timing_line(self, job: Job, frame: RawFrame) -> bytes:
        begun_ns, service_ns = frame[5:7]
        return _TIMING_LINE % (begun_ns / 1e6 - job.arrived_s * 1e3, service_ns / 1e6)

    def _misfit(self, job: Job) -> FrameError:
        """End a request with an answer that does not fit; where its client has another one, its connection goes on."""
        if not job.given_up:
            self.failures += not job.client_gone
            job.abort()
        return FrameError(f"an answer to request {job.id} that does not fit")

    def _end_long(self, link: WorkerLink, job: Job, frame: RawFrame) -> int:
        """Take an answer whose body lies in the worker's arena; return the status that the client sees."""
        _, kind, flags, raw_head, place = frame[:5]
        body = link.bodies.answer(place)
        fits = kind == RESPONSE and flags & ~LONG_HEAD == FINAL | IN_ARENA and (job.given_up or not job.started)
        if body is None or not fits:
            raise self._misfit(job)
        head = check_any_head(raw_head)
        if job.given_up or head is None:
            link.give_back(place)
            if not job.given_up:
                self._refuse_head(link, job, raw_head)
            return job.status
        own_lines = self._own_lines(link) + self._timing_line(job, frame)
        job.answer_shared(head, own_lines, body, lambda: link.give_back(place))
        return head.counted
