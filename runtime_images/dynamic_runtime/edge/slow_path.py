"""The slow path: takes a connection's requests apart with a parser, however they are cut, coded or framed.

It gets what the fast path (`fast_path.py`) does not take for one ordinary request: heads in pieces, chunked bodies,
pipelines, expectations, upgrades, and all that must be refused. llhttp refuses what is ambiguous (RFC 9112: both
Content-Length and Transfer-Encoding, bad chunking). A request's head is written anew from what the parser understood,
its target in origin form, so that nothing reaches a worker that could be understood in another way.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

import httptools

from runtime_images.dynamic_runtime.edge.bodies import NO_ROOM, Payload
from runtime_images.dynamic_runtime.edge.limits import MAX_HEADERS
from runtime_images.dynamic_runtime.edge.response_head import Header

MAX_REQUEST_HEAD_BYTES = 64 * 1024
_MAX_CHUNK_OVERHEAD = 8
_HEADER_OBJECTS_BYTES = 160  # what the parser makes of a header costs so much besides its bytes
_FOREIGN_METHODS = frozenset(
    b"CONNECT PRI SOURCE DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD "
    b"FLUSH".split()
)
"""What the parser knows but a function is not for: tunnels, HTTP/2's preface, Icecast and RTSP."""

_HOST = re.compile(rb"(?:\[[0-9A-Za-z:.%~_-]++\]|[0-9A-Za-z._~!$&'()*+,;=%-]*+)(?::[0-9]*+)?+")
_ABSOLUTE = re.compile(rb"(?i:https?+)://([^/?@]++)((?:[/?].*+)?+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request as the parser understood it. One that `wants_socket` asks to go on as a WebSocket (RFC 6455)."""

    payload: Payload
    head_length: int
    http_1_0: bool
    keep_alive: bool
    wants_socket: bool


class Recipient(Protocol):
    """Whom the requests are for; `body_expected` says that the client holds a body back until it is asked for it."""

    def request_read(self, request: ReadRequest) -> None: ...
    def body_expected(self) -> None: ...
    def refuse(self, status: int, message: str, method: bytes) -> None: ...


class SlowPath:
    """Reads requests from bytes; a body has at most `max_body_bytes`. After a refusal it reads nothing more.

    `head` is that of the request whose body is on its way, as it was written anew, `method` that of the last one.
    """

    def __init__(self, recipient: Recipient, max_body_bytes: int) -> None:
        self.between_requests = True
        self.head = b""
        self._recipient = recipient
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._refused = self._wants_socket = False
        self._request: ReadRequest | None = None
        self._in_head = True
        self._head_bytes = self._body_bytes = self._raw_body_bytes = self._barren_bytes = 0
        self.method = b"GET"
        self._begin_head()

    def feed(self, data: bytes) -> int:
        """Parse what came; a malformed message is refused once.

        Return how many bytes are left: behind a request for a WebSocket may stand what is no HTTP.
        """
        left = 0
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._barren_bytes += len(data)  # unless something of the body is in it
        try:
            left = self._parse(data)
        except httptools.HttpParserError as error:
            if self._in_head:
                self.method = b"GET"  # how the bytes came decides how much of a broken head the parser has told
            self._refuse(HTTPStatus.BAD_REQUEST, f"malformed request: {error}")
            return 0
        if self._in_head and len(self._headers) > MAX_HEADERS:
            self._refuse_headers()
        elif self._in_head and self._head_bytes > MAX_REQUEST_HEAD_BYTES:
            self._refuse_head()
        elif self._request is not None:
            self._raw_body_bytes += len(data)
            if self._raw_body_bytes > _MAX_CHUNK_OVERHEAD * self._max_body_bytes + MAX_REQUEST_HEAD_BYTES:
                self._refuse_body()  # little body in many chunks
            elif self._barren_bytes > MAX_REQUEST_HEAD_BYTES:
                self._refuse_head("what stands between the chunks of the body, or behind them,")
        return left

    @property
    def in_body(self) -> bool:
        """Whether a head is there and its body is on its way."""
        return self._request is not None

    @property
    def held(self) -> int:
        """How many bytes of memory the request in the making takes."""
        body = self._request.payload.size if self._request is not None else 0
        heads = max(self._fields_bytes, self._head_bytes) + self._barren_bytes
        return heads + len(self._headers) * _HEADER_OBJECTS_BYTES + body

    def stop(self) -> None:
        """Drop what has come: parser and callbacks hold each other, so this would stay for a while."""
        self._refused = True
        self._request = None
        self._headers.clear()

    def _parse(self, data: bytes) -> int:
        """Feed the parser, and return how much is left.

        An Upgrade is ignored, as a server may (RFC 9110, 7.8), unless it is to a WebSocket.
        """
        left = 0
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._refused:
                    return 0
                rest = data[upgrade.args[0] :]
                self._wants_socket = self._asks_for_socket()
                if self._wants_socket:
                    left, rest = len(rest), b""
                data = self._head_without_upgrade() + rest
                self._parser = httptools.HttpRequestParser(self)
            else:
                return left

    def _asks_for_socket(self) -> bool:
        protocols = b",".join(value.lower() for name, value in self._headers if name == b"upgrade").split(b",")
        is_plain = self.method == b"GET" and not (self._length or self._codings or self._expects)
        is_new = self._parser.get_http_version() == "1.1"
        return is_plain and is_new and b"websocket" in [protocol.strip(b" \t") for protocol in protocols]

    def _head_without_upgrade(self) -> bytes:
        """Return the head again, for a parser that shall read the body that the first one left alone."""
        closes = any(name == b"connection" and b"close" in value.lower() for name, value in self._headers)
        kept = [header for header in self._headers if header[0] not in (b"connection", b"upgrade")]
        if closes:
            kept.append((b"connection", b"close"))
        return _encode_head(self.method, self._url, self._parser.get_http_version().encode(), kept)

    # httptools callbacks

    def on_message_begin(self) -> None:
        self.between_requests = False
        self._begin_head()

    def _begin_head(self) -> None:
        self._url = b""
        self._headers: list[Header] = []
        self._fields_bytes = self._hosts = self._length = 0
        self._host = self._expects = self._codings = b""

    def on_url(self, url: bytes) -> None:
        self.method = self._parser.get_method()  # for a head that is too large: a HEAD gets no body
        self._url += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        if not self._in_head:
            return  # trailers are none of the application's business
        name, value = name.lower(), value.strip(b" \t") if value else b""  # llhttp leaves tabs
        self._headers.append((name, value))
        self._fields_bytes += len(name) + len(value) + len(b": \r\n")
        if name == b"host":
            self._hosts += 1
            self._host = value
        elif name == b"content-length":
            self._length = int(value)  # the parser has refused what is no number
        elif name == b"expect":
            self._expects = value.lower()
        elif name == b"transfer-encoding":
            self._codings += b"," + value.lower()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._body_bytes = self._raw_body_bytes = self._barren_bytes = 0
        self.method = self._parser.get_method()
        version = self._parser.get_http_version().encode()
        if self._refused or (self._parser.should_upgrade() and self.method != b"CONNECT"):
            return
        if version not in (b"1.0", b"1.1"):
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        elif self.method in _FOREIGN_METHODS:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, f"{self.method.decode()} is not supported here")
        elif len(self._headers) > MAX_HEADERS:
            self._refuse_headers()
        elif len(self._url) + self._fields_bytes > MAX_REQUEST_HEAD_BYTES - 1024:
            self._refuse_head()
        elif self._hosts != 1 and (self._hosts or version == b"1.1"):
            self._refuse(HTTPStatus.BAD_REQUEST, "a request needs exactly one Host header")
        elif not self._is_addressed():
            self._refuse(HTTPStatus.BAD_REQUEST, "the request's target or its Host header is malformed")
        elif self._codings and self._codings != b",chunked":
            ends_well = self._codings.rpartition(b",")[2].strip() == b"chunked"  # else nobody knows where it ends
            status = HTTPStatus.NOT_IMPLEMENTED if ends_well else HTTPStatus.BAD_REQUEST
            self._refuse(status, "no transfer coding but chunked is understood here")
        elif self._length > self._max_body_bytes:
            self._refuse_body()
        else:
            self._begin_body(version)

    def _is_addressed(self) -> bool:
        """Bring the target into origin form; return whether it and the Host header are well-formed."""
        if self._hosts and not _is_host(self._host):
            return False
        origin = _origin_form(self.method, self._url)
        if origin is None:
            return False
        self._url, authority = origin
        if authority is not None:  # it counts, whatever the Host header says (RFC 9112, 3.2.2)
            self._headers = [(b"host", authority), *(header for header in self._headers if header[0] != b"host")]
        return True

    def _begin_body(self, version: bytes) -> None:
        self.head = head = _encode_head(self.method, self._url, version, self._headers)
        http_1_0 = version == b"1.0"
        # With HTTP/1.0 the framing of a coded message can't be trusted (RFC 9112, 6.1): close afterwards.
        keep_alive = self._parser.should_keep_alive() and not (http_1_0 and self._codings)
        self._request = ReadRequest(Payload(head), len(head), http_1_0, keep_alive, self._wants_socket)
        self._wants_socket = False
        if self._expects == b"100-continue" and not http_1_0:
            self._recipient.body_expected()

    def on_body(self, body: bytes) -> None:
        if self._request is None:
            return
        self._barren_bytes = 0
        self._body_bytes += len(body)
        if self._body_bytes > self._max_body_bytes:
            self._refuse_body()
            return
        try:
            self._request.payload.add(body)
        except OSError:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, NO_ROOM)

    def on_message_complete(self) -> None:
        self._in_head = self.between_requests = True
        self._head_bytes = 0
        request, self._request = self._request, None
        if request is not None:
            self._recipient.request_read(request)
            self.method = b"GET"  # what follows may be refused before it says its own

    def _refuse_head(self, what: str = "the request head") -> None:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        self._refuse(status, f"{what} exceeds {MAX_REQUEST_HEAD_BYTES} bytes")

    def _refuse_headers(self) -> None:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        self._refuse(status, f"the request has more than {MAX_HEADERS} headers")

    def _refuse_body(self) -> None:
        self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body exceeds the limit of {self._max_body_bytes} bytes")

    def _refuse(self, status: int, message: str) -> None:
        if not self._refused:
            self._refused = True
            self._request = None
            self._recipient.refuse(status, message, self.method)


def _encode_head(method: bytes, target: bytes, version: bytes, headers: list[Header]) -> bytes:
    lines = [b"%b %b HTTP/%b" % (method, target, version), *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    """Return whether a Host header may have this value: `uri-host [":" port]`, possibly empty."""
    return _HOST.fullmatch(value) is not None


def _origin_form(method: bytes, target: bytes) -> tuple[bytes, bytes | None] | None:
    """Return the target in origin form (or `*`) and the authority of an absolute one; None if it is malformed."""
    if b"#" in target:  # a fragment is the client's own; some servers cut it off, some take it for path
        return None
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _is_host(absolute[1]):
        return None
    path = absolute[2]
    return (path if path.startswith(b"/") else b"/" + path), absolute[1]
