"""What h11, a strict HTTP/1.1 implementation written apart from ours, makes of a stream of bytes, on either side."""

from dataclasses import dataclass

import h11

Message = tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...], bytes]
"""Method, target, headers (lower-case names) and body of a request."""


@dataclass
class Reading:
    """What a server made of one connection. `end`: open (waits for a request), partial, closed or refused."""

    requests: list[Message]
    end: str


def read_requests(stream: bytes) -> Reading:
    """Read `stream` as an h11 server that answers each request with an empty 200."""
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=100_000)
    server.receive_data(stream)
    server.receive_data(b"")
    requests: list[Message] = []
    request: h11.Request | None = None
    body = b""
    while True:
        try:
            event = server.next_event()
        except h11.RemoteProtocolError as error:
            cut_short = "without sending complete message body" in str(error) or "unexpectedly closed" in str(error)
            return Reading(requests, "partial" if cut_short else "refused")
        match event:
            case h11.Request():
                request, body = event, b""
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage():
                assert request is not None
                requests.append((request.method, request.target, tuple(request.headers), body))
                if request.method == b"CONNECT":
                    return Reading(requests, "closed")
                server.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                server.send(h11.EndOfMessage())
                if server.our_state is h11.MUST_CLOSE:
                    return Reading(requests, "closed")
                server.start_next_cycle()
            case h11.ConnectionClosed():
                return Reading(requests, "open")
            case _:
                raise AssertionError(f"h11 says {event!r}")


ONCE = (b"content-length", b"transfer-encoding", b"connection", b"date")


@dataclass
class Response:
    """One response as an h11 client reads it."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    version: bytes


def read_responses(stream: bytes, methods: list[bytes], *, ended: bool) -> tuple[list[Response], bool]:
    """Read the responses to requests of these methods; whether the connection may be used for another request after.

    Raises:
        h11.RemoteProtocolError: the stream is no valid sequence of that many responses, or something follows them.
    """
    client = h11.Connection(h11.CLIENT)
    client.receive_data(stream)
    if ended:
        client.receive_data(b"")
    responses = []
    for method in methods:
        client.send(h11.Request(method=method, target="/", headers=[("host", "t")]))
        client.send(h11.EndOfMessage())
        responses.append(_read_response(client))
        if client.our_state is h11.DONE and client.their_state is h11.DONE:
            client.start_next_cycle()
    reusable = client.our_state is h11.IDLE and not ended
    left, _ = client.trailing_data
    if left:
        raise h11.RemoteProtocolError(f"{left!r} follows the last response")
    return responses, reusable


def _read_response(client: h11.Connection) -> Response:
    head: h11.Response | None = None
    body = b""
    while True:
        event = client.next_event()
        match event:
            case h11.InformationalResponse():
                pass
            case h11.Response():
                framing = [name for name, _ in event.headers if name in ONCE]
                assert len(framing) == len(set(framing)), f"a header twice: {event}"
                head = event
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage():
                assert head is not None
                return Response(head.status_code, dict(head.headers), body, head.http_version)
            case _:
                raise h11.RemoteProtocolError(f"no whole response: {event!r}")
