"""A request on its way through the front, and what the front must remember of it."""

from http import HTTPStatus
from typing import Protocol

from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.response_head import Header, ResponseHead
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.arenas import Slot
from runtime_images.dynamic_runtime.wire.frames import FrameError, Kind

RETRY_LATER: list[Header] = [(b"retry-after", b"1")]
SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""Methods that a client may expect to be repeated without effect (RFC 9110, section 9.2.1)."""

_MAX_RETRIES_BEGUN = 1


class Link(Protocol):
    """What a job needs of the link to the worker that has it."""

    def send(self, data: bytes) -> None:
        """Send encoded frames."""


class Job(Exchange):
    """A request that the front has given to the worker at the other end of `link`, under the number `id`, or will give.

    `status` is what its client sees once that is not simply the worker's answer; `given_up` says that the client was
    answered without the worker, `streams` that its answer comes in parts.
    """

    id = 0
    link: Link | None = None
    status = 0
    given_up = False
    streams = False
    _chunks_untaken = 0
    _retries_begun = 0

    def assign(self, link: Link, request_id: int) -> None:
        """Note which worker has it."""
        self.link = link
        self.id = request_id

    def take_back(self) -> None:
        """Note that no worker has it any more."""
        self.link = None

    def answer_left(self) -> None:
        if self.link is None:  # else a worker may still read the body, until its answer comes
            self.free_body()

    def surrender_body(self) -> Slot | None:
        """Return the shared memory of a long body, which is the caller's to free from here on."""
        slot, self.slot = self.slot, None
        return slot

    def cancel(self, *, forced: bool = False) -> None:
        """Ask the worker to drop it; without force only if it has not begun."""
        if self.link is not None:
            self.link.send(frames.encode(Kind.CANCEL, self.id, flags=frames.FORCE if forced else 0))

    def may_run_again(self, *, begun: bool, idempotent: bool) -> bool:
        """Return whether it may be given to another worker: not begun, or once more where that is safe."""
        if self.given_up or self.client_gone or self.started:
            return False
        if not begun:
            return True
        self._retries_begun += 1
        return (idempotent or self.method in SAFE_METHODS) and self._retries_begun <= _MAX_RETRIES_BEGUN

    def refuse_now(self, status: int, message: str, *, retry_after: bool = False) -> None:
        """Answer with an error of the front's."""
        self.respond_json(status, {"error": message}, RETRY_LATER if retry_after else ())

    def give_up(self, status: int, message: str) -> bool:
        """Answer with an error, or break the begun answer off; return whether a client was there to be failed."""
        self.given_up = True
        self.status = status
        if self.client_gone:
            self.started = True  # whatever still comes is for nobody
            return False
        if self.started:
            self.abort()
        else:
            self.refuse_now(status, message)
        return True

    # an answer in parts

    def begin_stream(self, head: ResponseHead, own_lines: bytes) -> None:
        """Send the head of an answer that comes in parts."""
        self.status = head.status
        self.streams = True
        self.begin(head, own_lines)

    def take_chunk(self, body: bytes) -> str:
        """Send a part; return what is wrong with the answer if it had to be broken off.

        Raises:
            FrameError: the worker has sent more than its credit, which could fill the front's memory.
        """
        if self._chunks_untaken >= frames.CREDIT_CHUNKS:
            raise FrameError("more chunks than the client has taken")
        self.write(body)
        misfit = self._check_fit()
        self._chunks_untaken += 1
        if self.writable or self.client_gone:
            self.grant_credit()
        return misfit

    def take_last_chunk(self, body: bytes) -> str:
        """Send the last part; return what is wrong with the answer if it had to be broken off."""
        self.write(body)
        self.end()
        return self._check_fit()

    def _check_fit(self) -> str:
        misfit = self.take_misfit()
        if misfit:
            self.status = HTTPStatus.BAD_GATEWAY
        return misfit

    def grant_credit(self) -> None:
        """Let the worker send as many chunks as the client has taken."""
        if self.link is not None and self._chunks_untaken:
            self.link.send(frames.encode(Kind.CREDIT, self.id) * self._chunks_untaken)
        self._chunks_untaken = 0
