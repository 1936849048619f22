"""The HTTP edge of the running runtime, byte by byte over real sockets."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pytest

from tests.support.serving import Serving, serving, write_function

ECHO = """
    import asyncio

    async def handle(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"]
        if query == b"slow":
            await asyncio.sleep(0.3)
        answer = b" ".join([scope["method"].encode(), scope["path"].encode(), query, b"%d" % len(body), body])
        headers = [(b"content-type", b"text/plain")]
        if query != b"stream":
            headers.append((b"content-length", b"%d" % len(answer)))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in (answer[:3], answer[3:]):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
"""
LIMIT = 10_000


@dataclass
class Answer:
    """One answer as it stood on the wire."""

    version: str
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection on which a test writes the bytes itself."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream: BinaryIO = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """Read one answer, framed as RFC 9112 section 6.3 says."""
        version, status, _ = self.line().split(" ", 2)
        headers: dict[str, str] = {}
        while line := self.line():
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        return Answer(version, int(status), headers, self.body(method, int(status), headers))

    def body(self, method: str, status: int, headers: dict[str, str]) -> bytes:
        if method == "HEAD" or status < 200 or status in (204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.line(), 16):
                body += self.stream.read(size)
                assert self.line() == ""
            assert self.line() == ""
            return body
        if "content-length" in headers:
            return self.stream.read(int(headers["content-length"]))
        return self.stream.read()

    def line(self) -> str:
        line = self.stream.readline()
        assert line.endswith(b"\r\n"), f"the connection ended in {line!r}"
        return line[:-2].decode("latin-1")

    def closed(self) -> bool:
        """Whether the server has nothing more to say and ends the connection."""
        return self.stream.read(1) == b""

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(
        write_function(tmp_path_factory.mktemp("echo"), ECHO), GAIA_MODE="cpu", GAIA_MAX_BODY_BYTES=str(LIMIT)
    ) as runtime:
        yield runtime


@pytest.fixture
def client(running: Serving) -> Iterator[Client]:
    connection = Client(running.port)
    yield connection
    connection.close()


def request(method: str = "GET", target: str = "/", headers: str = "", body: bytes = b"") -> bytes:
    """A request with a Host header and the header lines in `headers`."""
    lines = f"{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}"
    if body:
        lines += f"Content-Length: {len(body)}\r\n"
    return lines.encode() + b"\r\n" + body


def assert_refused(client: Client, status: int) -> None:
    """The answer is an error of one JSON line, and then the connection ends."""
    answer = client.answer()

    assert answer.status == status
    assert_one_json_line(answer)
    assert answer.headers["connection"] == "close"
    assert client.closed()


def assert_one_json_line(answer: Answer) -> None:
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.endswith(b"\n")
    assert answer.body.count(b"\n") == 1
    assert isinstance(json.loads(answer.body)["error"], str)


# what must work


def test_a_connection_is_kept_for_further_requests(client: Client) -> None:
    for i in range(20):
        client.send(request("POST", f"/{i}", body=b"x" * i))
        answer = client.answer()

        assert (answer.version, answer.status) == ("HTTP/1.1", 200)
        assert answer.body == b"POST /%d  %d %b" % (i, i, b"x" * i)
        assert "connection" not in answer.headers


def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    client.send(b"".join(request("POST", f"/{i}", body=b"b" * (i % 5)) for i in range(100)))

    assert [client.answer().body.split()[1] for _ in range(100)] == [b"/%d" % i for i in range(100)]


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_bodies_up_to_the_limit_arrive_whole(client: Client, size: int) -> None:
    body = bytes(i % 251 for i in range(size))

    client.send(request("POST", "/", f"Content-Length: {size}\r\n" if not size else "", body))

    assert client.answer().body == b"POST /  %d %b" % (size, body)


def test_a_chunked_body_arrives_whole_and_its_trailers_are_dropped(client: Client) -> None:
    chunks = b"5\r\nhello\r\n1;name=value\r\n \r\n000A\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"

    client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + chunks + request("GET", "/next"))

    assert client.answer().body == b"POST /  16 hello 0123456789"
    assert client.answer().body == b"GET /next  0 "


def test_a_streamed_answer_is_chunked(client: Client) -> None:
    client.send(request("GET", "/?stream") + request("GET", "/next"))

    answer = client.answer()

    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert answer.body == b"GET / stream 0 "
    assert client.answer().body == b"GET /next  0 "


@pytest.mark.parametrize("target", ["/", "/?stream"])
def test_head_is_answered_without_a_body(client: Client, target: str) -> None:
    client.send(request("HEAD", target) + request("GET", "/next"))

    assert client.answer("HEAD").status == 200
    assert client.answer().body == b"GET /next  0 "


def test_head_tells_the_length_that_get_would_have(client: Client) -> None:
    client.send(request("HEAD"))

    assert client.answer("HEAD").headers["content-length"] == str(len(b"HEAD /  0 "))


def test_expect_100_continue_is_answered_before_the_body_is_sent(client: Client) -> None:
    client.send(request("POST", "/", "Expect: 100-continue\r\nContent-Length: 4\r\n"))

    assert client.answer().status == 100

    client.send(b"body")

    assert client.answer().body == b"POST /  4 body"


def test_expect_100_continue_for_a_body_that_is_too_large_is_refused_at_once(client: Client) -> None:
    client.send(request("POST", "/", f"Expect: 100-continue\r\nContent-Length: {LIMIT + 1}\r\n"))

    assert_refused(client, 413)


def test_no_second_100_is_sent_when_the_body_comes_along(client: Client) -> None:
    client.send(request("POST", "/", "Expect: 100-continue\r\n", b"body") + request("GET", "/next"))

    answer = client.answer()
    if answer.status == 100:
        answer = client.answer()

    assert answer.body == b"POST /  4 body"
    assert client.answer().body == b"GET /next  0 "


def test_the_client_may_ask_to_close(client: Client) -> None:
    client.send(request("GET", "/", "Connection: close\r\n") + request("GET", "/never"))

    answer = client.answer()

    assert answer.headers["connection"] == "close"
    assert answer.body == b"GET /  0 "
    assert client.closed()


def test_http_1_0_closes_unless_asked_to_keep_alive(client: Client) -> None:
    client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.answer()

    assert answer.body == b"GET /a  0 "
    assert answer.headers["connection"] == "keep-alive"

    client.send(b"GET /b HTTP/1.0\r\n\r\n")

    assert client.answer().body == b"GET /b  0 "
    assert client.closed()


def test_http_1_0_gets_a_stream_without_chunks(client: Client) -> None:
    client.send(b"GET /?stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    answer = client.answer()

    assert "transfer-encoding" not in answer.headers
    assert answer.body == b"GET / stream 0 "
    assert client.closed()


def test_a_client_that_ends_its_stream_with_its_request_gets_the_answer(client: Client) -> None:
    client.send(request("POST", "/?slow", body=b"x" * 100))
    client.socket.shutdown(socket.SHUT_WR)

    assert client.answer().status == 200
    assert client.closed()


MESSAGE = request("POST", "/a?b", "X-Empty:\r\nTransfer-Encoding: chunked\r\n") + (
    b"3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
)


def test_a_message_split_at_any_byte_is_the_same_message(running: Serving) -> None:
    for cut in range(1, len(MESSAGE)):
        client = Client(running.port)
        client.send(MESSAGE[:cut])
        client.send(MESSAGE[cut:] + request("GET", "/next"))

        assert client.answer().body == b"POST /a b 5 abcde", cut
        assert client.answer().body == b"GET /next  0 ", cut

        client.close()


def test_a_message_sent_byte_by_byte_is_the_same_message(client: Client) -> None:
    for byte in MESSAGE + request("GET", "/next"):
        client.send(bytes([byte]))

    assert client.answer().body == b"POST /a b 5 abcde"
    assert client.answer().body == b"GET /next  0 "


def test_requests_cut_anywhere_in_a_pipeline_stay_apart(client: Client) -> None:
    stream = b"".join(request("POST", f"/{i}", body=b"y" * (i % 7)) for i in range(60))
    for start in range(0, len(stream), 37):
        client.send(stream[start : start + 37])

    assert [client.answer().body.split()[1] for _ in range(60)] == [b"/%d" % i for i in range(60)]
