"""A request on its way through the front, and what the front must remember of it."""

from typing import Protocol

from runtime_images.dynamic_runtime.edge.exchange import Exchange, retry_after
from runtime_images.dynamic_runtime.edge.outlet import OpenSocket
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import FrameError, Kind

SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""Methods that a client may expect to be repeated without effect (RFC 9110, section 9.2.1)."""

_MAX_RETRIES_BEGUN = 1
_MAX_SUSPICIONS = 3
_GRANTED_LEAST = frames.CREDIT_CHUNKS // 2
"""So many chunks of a WebSocket are granted at once: each grant wakes the worker, which has the rest meanwhile."""


class Link(Protocol):
    """What a job needs of the link to the worker that has it."""

    def send(self, *parts: bytes) -> None: ...


class Job(Exchange):
    """A request that the front has given to the worker at the other end of `link`, under the number `id`, or will give.

    `status` is what its client sees once that is not simply the worker's answer; `given_up` says that the client was
    answered without the worker, `streams` that its answer comes in parts. `suspicions` counts the workers that have
    died with this as the first of their requests and had begun none: too large a body may end them while they read it.
    One that has become a `socket` was accepted at `opened_s` after so many ns of work, and is closed since `closed_s`.
    """

    id = 0
    link: Link | None = None
    status = 0
    given_up = False
    streams = False
    suspicions = 0
    socket: OpenSocket | None = None
    opened_s = 0.0
    closed_s: float | None = None
    handshake_ns = 0
    _chunks_untaken = 0
    _retries_begun = 0

    def answer_left(self) -> None:
        if self.link is None:  # else a worker may still read the body, until its answer comes
            self.free_body()

    def cancel(self, *, forced: bool = False) -> None:
        """Ask the worker to drop it; without force only if it has not begun."""
        if self.link is not None:
            self.link.send(frames.encode(Kind.CANCEL, self.id, flags=frames.FORCE if forced else 0))

    def may_run_again(self, *, begun: bool, idempotent: bool) -> bool:
        """Return whether it may be given to another worker: not begun, or once more where that is safe."""
        if self.given_up or self.client_gone or self.started or self.suspicions > _MAX_SUSPICIONS:
            return False
        if not begun:
            return True
        self._retries_begun += 1
        return (idempotent or self.method in SAFE_METHODS) and self._retries_begun <= _MAX_RETRIES_BEGUN

    def refuse_now(self, status: int, message: str, retry_after_s: int = 0) -> None:
        self.respond_json(status, {"error": message}, retry_after(retry_after_s))

    def give_up(self, status: int, message: str, retry_after_s: int = 0) -> bool:
        """Answer with an error, or break the begun answer off; return whether a client was there to be failed."""
        self.given_up = True
        self.status = status
        if self.client_gone:
            self.started = True  # whatever still comes is for nobody
            return False
        if self.started:
            self.abort()
        else:
            self.refuse_now(status, message, retry_after_s)
        return True

    def take_chunk(self, body: bytes) -> str:
        """Send a part, as `write` does; raise FrameError if it exceeds the credit, for that could fill our memory."""
        self._expect_chunk()
        misfit = self.write(body)
        self._chunks_untaken += 1
        if self.client_gone or not self.outlet.write_paused:
            self.grant_credit()
        return misfit

    def take_part(self, part: bytes, *, is_text: bool, is_last: bool) -> None:
        """Send a message of a WebSocket, or a part of one; raise FrameError if it exceeds the credit."""
        self._expect_chunk()
        if self.socket is not None:
            self.socket.send(part, is_text=is_text, is_last=is_last)
        self._chunks_untaken += 1
        is_taken = self.client_gone or not self.outlet.write_paused
        if is_taken and self._chunks_untaken >= _GRANTED_LEAST:
            self.grant_credit()

    def _expect_chunk(self) -> None:
        if self._chunks_untaken >= frames.CREDIT_CHUNKS:
            raise FrameError("more chunks than the client has taken")

    def grant_credit(self) -> None:
        """Let the worker send as many chunks as the client has taken."""
        if self.link is not None and self._chunks_untaken:
            self.link.send(frames.encode(Kind.CREDIT, self.id) * self._chunks_untaken)
        self._chunks_untaken = 0
