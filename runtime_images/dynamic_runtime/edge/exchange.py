"""One HTTP request and the means to answer it once, as an application sees them; framing is decided here.

A response is framed by its Content-Length, else chunked, else (HTTP/1.0) by the end of the connection. A request costs
this one object on its way through the runtime: an application that must remember more gives the server a subclass.
"""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

from runtime_images.dynamic_runtime.edge.bodies import Body
from runtime_images.dynamic_runtime.edge.budget import Room
from runtime_images.dynamic_runtime.edge.outlet import OpenSocket, Outlet, SocketListener
from runtime_images.dynamic_runtime.edge.response_head import Header, ResponseHead, head_of
from runtime_images.dynamic_runtime.wire.arenas import Requests
from runtime_images.dynamic_runtime.wire.frames import status_line

SOON_S = 1
"""When a client may come back that was refused because others were before it."""

_COPIED_MOST = 64 * 1024
"""A body up to this size leaves in one piece with its head; copying a larger one costs more than a second piece."""


def retry_after(seconds: int) -> list[Header]:
    """Return the header that says when to come back; none for 0, never."""
    return [(b"retry-after", b"%d" % seconds)] if seconds else []


class Refusal(NamedTuple):
    """An error that the edge answers with instead of handing the request over."""

    status: int
    message: str
    headers: Sequence[Header] = ()


class Exchange:
    """One request and the means to answer it, once.

    `payload` is the request as it stood on the wire, `head_length` of it the head. A body that is not small is counted
    by `slot`, and a long one may lie there instead. `unusual` says that its answer takes the slow path: HTTP/1.0, HEAD,
    or a connection that will close. `parts` counts what was sent of an answer in parts, its head included.
    One that `wants_socket` may be answered by `switch`.
    """

    # Class attributes: most exchanges keep them as they are, and an instance attribute would cost each request.
    unusual = False
    keep_alive = True
    parts = 0
    http_1_0 = False
    wants_socket = False
    refusal: Refusal | None = None
    started = False
    client_gone = False
    slot: Body | Room | None = None
    _chunked = False
    _silent = False
    _left: int | None = None

    def __init__(
        self, outlet: Outlet, payload: bytes, head_length: int, arrived_s: float, slot: Body | Room | None = None
    ) -> None:
        self.outlet = outlet
        self.payload = payload
        self.head_length = head_length
        self.arrived_s = arrived_s
        if slot is not None:
            self.slot = slot

    @property
    def method(self) -> bytes:
        return self.payload[: self.payload.index(b" ")]

    @property
    def target(self) -> bytes:
        """The request target, query included."""
        return self.payload.split(b" ", 2)[1]

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def body(self) -> bytes:
        """The body, copied from wherever it lies."""
        in_payload = self.payload[self.head_length :]
        return in_payload if in_payload or self.slot is None else bytes(self.slot.memory)

    @property
    def whole(self) -> bytes | memoryview:
        """The request as it stood on the wire, unless its body lies in the arena."""
        pages = self.slot.whole if self.slot is not None else None
        return self.payload if pages is None else pages

    @property
    def headers(self) -> list[Header]:
        """Names, in lower case, and values."""
        lines = [line.partition(b":") for line in self.payload[: self.head_length].split(b"\r\n")[1:-2]]
        return [(name.lower(), value.strip(b" \t")) for name, _, value in lines]

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header (lower-case name)."""
        return next((value for key, value in self.headers if key == name), None)

    def frame_as(self, *, http_1_0: bool, keep_alive: bool, wants_socket: bool) -> None:
        """Frame the answer as a request asks that came through the slow path."""
        self.http_1_0 = http_1_0
        self.keep_alive = keep_alive
        self.wants_socket = wants_socket
        self.unusual = http_1_0 or not keep_alive or self.method == b"HEAD"

    def place_body(self, requests: Requests) -> None:
        """Move a long body into shared memory, unless it lies there or there is no space for it."""
        held = self.slot
        if held is None or held.place:
            return
        body = held.memory or memoryview(self.payload)[self.head_length :]
        slot = requests.take(len(body))
        if slot is not None:
            slot.memory[:] = body
            self.payload = self.payload[: self.head_length]
            self.slot = Body(held if isinstance(held, Room) else held.room, self.head_length, slot=slot)

    def free_body(self) -> None:
        """Give back what the body takes: nobody will read it any more."""
        if self.slot is not None:
            self.slot.free()
            self.slot = None

    def answer_left(self) -> None:
        """Free what the answered request holds. A subclass that has lent the body to somebody decides otherwise."""
        self.free_body()

    # the answer

    def close_afterwards(self) -> None:
        """End the connection with this answer."""
        self.keep_alive = False
        self.unusual = True

    def refuse(self, refusal: Refusal) -> None:
        """Have the edge answer with an error, and close, when the request's turn comes."""
        self.close_afterwards()
        self.refusal = refusal

    def answer(self, head: ResponseHead, own_lines: bytes, body: bytes) -> None:
        """Answer with a whole body. `own_lines` are header lines of ours; Content-Length is set from the body."""
        if self.client_gone or self.started:
            return
        self.started = True
        shared = self.outlet.shared_head
        if self.unusual or not head.ordinary or shared.draining or len(body) > _COPIED_MOST:
            self._answer_with_care(head, own_lines, body)
        else:
            parts = (head.lines, own_lines, shared.date_line, len(body), body)
            self._finish(b"%b%b%bcontent-length: %d\r\n\r\n%b" % parts)

    def _finish(self, last: bytes | memoryview) -> None:
        if self.slot is not None:
            self.answer_left()
        if last:
            self.outlet.write(last)
        self.outlet.finished(self)

    @property
    def _is_head(self) -> bool:
        return self.unusual and self.method == b"HEAD"

    def answer_shared(
        self, head: ResponseHead, own_lines: bytes, body: memoryview, give_back: Callable[[], None]
    ) -> None:
        """Answer with a whole body in shared memory, which is given back when the client's connection has taken it."""
        if self.client_gone or self.started:
            give_back()
            return
        self.started = True
        self._answer_with_care(head, own_lines, body, give_back)

    def _answer_with_care(
        self,
        head: ResponseHead,
        own_lines: bytes,
        body: bytes | memoryview,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        silent = self._is_head or not head.has_body
        if head.has_body:
            length = head.length if self._is_head and not body and head.length is not None else len(body)
            own_lines += b"content-length: %d\r\n" % length
        start = self._head(head, own_lines)
        if give_back is None or silent:
            self.outlet.write(start)
            self._finish(b"" if silent else body)
            if give_back is not None:
                give_back()
        else:
            self.outlet.write_shared(start, memoryview(body), give_back)
            self._finish(b"")

    def respond(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Answer with a whole body and headers of ours."""
        self.answer(head_of(status, headers), b"", body)

    def respond_json(self, status: int, value: object, headers: Sequence[Header] = ()) -> None:
        """Answer with a JSON body of one line."""
        body = json.dumps(value).encode() + b"\n"
        self.respond(status, [(b"content-type", b"application/json"), *headers], body)

    def switch(self, head: ResponseHead, own_lines: bytes, listener: SocketListener) -> OpenSocket:
        """Go on as a WebSocket; `own_lines` holds what the handshake asks for, the head's status does not count."""
        self.started = True
        self.free_body()
        lines = head.lines.partition(b"\r\n")[2]
        parts = (status_line(HTTPStatus.SWITCHING_PROTOCOLS), own_lines, lines, self.outlet.shared_head.date_line)
        return self.outlet.switch(b"%b%b%b%b\r\n" % parts, listener)

    # an answer in parts

    def begin(self, head: ResponseHead, own_lines: bytes = b"") -> None:
        """Start a streamed response: framed by the given Content-Length, else chunked, else (HTTP/1.0) by the end."""
        if self.started:
            return
        self.started = True
        if self.client_gone:
            return
        self._silent = not head.has_body or self._is_head
        if head.length is not None and head.status != HTTPStatus.NO_CONTENT:
            self._left = head.length
            own_lines += b"content-length: %d\r\n" % head.length
        elif head.has_body and not self.http_1_0:
            self._chunked = True
            own_lines += b"transfer-encoding: chunked\r\n"
        elif head.has_body:
            self.keep_alive = False
            self.outlet.ends_with_body = True
        self.parts = 1
        self.outlet.write(self._head(head, own_lines))

    def write(self, chunk: bytes) -> str:
        """Send a part; return what is wrong with the response if it had to be broken off, else nothing."""
        if self.client_gone or not chunk or self._silent:
            return ""
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                return self._break_off("longer")
        self.parts += 1
        self.outlet.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)
        return ""

    def end(self) -> str:
        """Complete a streamed response; return what is wrong with it if it had to be broken off, else nothing."""
        if self.client_gone:
            return ""
        if self._left and not self._silent:
            return self._break_off("shorter")
        if self._chunked and not self._silent:
            self.outlet.write(b"0\r\n\r\n")
        self._finish(b"")
        return ""

    def abort(self) -> None:
        """End the connection: the client must see that the response is not complete."""
        self.outlet.abort()

    def _break_off(self, how: str) -> str:
        self.client_gone = True  # as good as: whatever still comes is for nobody
        self.abort()
        return f"its body is {how} than its content-length"

    def _head(self, head: ResponseHead, own_lines: bytes) -> bytes:
        shared = self.outlet.shared_head
        if shared.draining or head.closes:
            self.keep_alive = False
        if not self.keep_alive:
            end = b"connection: close\r\n\r\n"
        else:
            end = b"connection: keep-alive\r\n\r\n" if self.http_1_0 else b"\r\n"
        return b"%b%b%b%b" % (head.lines, own_lines, shared.date_line, end)
