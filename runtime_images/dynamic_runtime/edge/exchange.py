"""One HTTP request and the means to answer it once, as an application sees them; framing is decided here.

A response is framed by its Content-Length, else chunked, else (HTTP/1.0) by the end of the connection. This is the one
object that a request costs on its way through the front: the edge, the queue and the link to a worker note here what
they must remember of it.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.edge.response_head import Header, ResponseHead, head_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_images.dynamic_runtime.edge.connection import HttpConnection
    from runtime_images.dynamic_runtime.front.link import WorkerLink
    from runtime_images.dynamic_runtime.wire.arenas import Slot

_COPIED_MOST = 64 * 1024
"""A body up to this size leaves in one piece with its head; copying a larger one costs more than a second piece."""


class Exchange:
    """One request and the means to answer it, once.

    `payload` is the request as it stood on the wire, `head_length` of it the head; a long body may lie in `slot`
    instead. `unusual` says that its answer takes a second thought: HTTP/1.0, HEAD, or a connection that will close.
    `misfit` says what was wrong with the body of an answer that had to be broken off.
    """

    # Most exchanges keep these as they are: class attributes cost nothing where instance attributes cost each request.
    unusual = False
    keep_alive = True
    http_1_0 = False
    refusal: tuple[int, str] | None = None
    started = False
    client_gone = False
    slot: "Slot | None" = None
    misfit = ""
    _chunked = False
    _silent = False
    _left: int | None = None

    # The front's notes.
    id = 0
    link: "WorkerLink | None" = None
    retries_begun = 0
    status = 0
    given_up = False
    owed_credits = 0
    streams = False

    def __init__(self, connection: "HttpConnection", payload: bytes, head_length: int, arrived_s: float) -> None:
        self.connection = connection
        self.payload = payload
        self.head_length = head_length
        self.arrived_s = arrived_s

    # the request

    @property
    def method(self) -> bytes:
        """The method."""
        return self.payload[: self.payload.index(b" ")]

    @property
    def target(self) -> bytes:
        """The request target, query included."""
        return self.payload.split(b" ", 2)[1]

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self.payload[self.head_length :]

    @property
    def headers(self) -> list[Header]:
        """Names, in lower case, and values."""
        lines = [line.partition(b":") for line in self.payload[: self.head_length].split(b"\r\n")[1:-2]]
        return [(name.lower(), value.strip(b" \t")) for name, _, value in lines]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name)."""
        return next((value for key, value in self.headers if key == name), None)

    def free_slot(self) -> None:
        """Give the memory of a long body back: nobody will read it any more."""
        if self.slot is not None:
            self.slot.free()
            self.slot = None

    # the answer

    def close_afterwards(self) -> None:
        """End the connection with this answer."""
        self.keep_alive = False
        self.unusual = True

    def answer(self, head: ResponseHead, own_lines: bytes, body: bytes) -> None:
        """Answer with a whole body. `own_lines` are header lines of ours; Content-Length is set from the body."""
        if self.client_gone or self.started:
            return
        self.started = True
        connection = self.connection
        server = connection.server
        if self.unusual or not head.ordinary or server.draining or len(body) > _COPIED_MOST:
            self._answer_with_care(head, own_lines, body)
        else:
            parts = (head.lines, own_lines, server.date_line, len(body), body)
            connection.finish(self, b"%b%b%bcontent-length: %d\r\n\r\n%b" % parts)

    @property
    def _is_head(self) -> bool:
        """Whether only the head of the answer may be sent."""
        return self.unusual and self.method == b"HEAD"

    def _answer_with_care(self, head: ResponseHead, own_lines: bytes, body: bytes) -> None:
        if head.has_body:
            length = len(body) if not self._is_head or body or head.length is None else head.length
            own_lines += b"content-length: %d\r\n" % length
        self.connection.write(self._head(head, own_lines))
        self.connection.finish(self, b"" if self._is_head or not head.has_body else body)

    def answer_shared(
        self, head: ResponseHead, own_lines: bytes, body: memoryview, give_back: "Callable[[], None]"
    ) -> None:
        """Answer with a whole body in shared memory, which is given back when the client's connection has taken it."""
        if self.client_gone or self.started:
            give_back()
            return
        self.started = True
        if head.has_body:
            own_lines += b"content-length: %d\r\n" % len(body)
        start = self._head(head, own_lines)
        if not head.has_body or self._is_head:
            self.connection.finish(self, start)
            give_back()
        else:
            self.connection.write_shared(start, body, give_back)
            self.connection.finish(self, b"")

    def respond(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Answer with a whole body and headers of ours."""
        self.answer(head_of(status, headers), b"", body)

    def respond_json(self, status: int, value: object, headers: Sequence[Header] = ()) -> None:
        """Answer with a JSON body of one line."""
        body = json.dumps(value).encode() + b"\n"
        self.respond(status, [(b"content-type", b"application/json"), *headers], body)

    def begin(self, head: ResponseHead, own_lines: bytes = b"") -> None:
        """Start a streamed response: framed by the given Content-Length, else chunked, else (HTTP/1.0) by the end."""
        if self.client_gone or self.started:
            return
        self.started = True
        self._silent = not head.has_body or self._is_head
        if head.status == HTTPStatus.NO_CONTENT:
            pass
        elif head.length is not None:
            self._left = head.length
            own_lines += b"content-length: %d\r\n" % head.length
        elif head.status == HTTPStatus.NOT_MODIFIED:
            pass
        elif not self.http_1_0:
            self._chunked = True
            own_lines += b"transfer-encoding: chunked\r\n"
        else:
            self.keep_alive = False
        self.connection.write(self._head(head, own_lines))

    def write(self, chunk: bytes) -> None:
        """Send a part of a streamed response."""
        if self.client_gone or not chunk or self._silent:
            return
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                self._does_not_fit("longer")
                return
        self.connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)

    def end(self) -> None:
        """Complete a streamed response; one that is shorter than its Content-Length closes the connection."""
        if self.client_gone:
            return
        if self._left and not self._silent:
            self._does_not_fit("shorter")
            return
        if self._chunked and not self._silent:
            self.connection.write(b"0\r\n\r\n")
        self.connection.finish(self, b"")

    def abort(self) -> None:
        """End the connection: the client must see that the response is not complete."""
        self.connection.abort()

    def _does_not_fit(self, how: str) -> None:
        self.misfit = f"its body is {how} than its content-length"
        self.client_gone = True  # as good as: whatever still comes is for nobody
        self.abort()

    @property
    def writable(self) -> bool:
        """Whether the client takes data as fast as it is written."""
        return not self.connection.write_paused

    def _head(self, head: ResponseHead, own_lines: bytes) -> bytes:
        """The whole head, with the edge's own lines."""
        server = self.connection.server
        if server.draining:
            self.keep_alive = False
        if not self.keep_alive:
            end = b"connection: close\r\n\r\n"
        else:
            end = b"connection: keep-alive\r\n\r\n" if self.http_1_0 else b"\r\n"
        return b"%b%b%b%b" % (head.lines, own_lines, server.date_line, end)
