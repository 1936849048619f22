"""What the HTTP edge of the running runtime refuses, byte by byte over real sockets."""

import pytest

from tests.runtime_images.dynamic_runtime.edge.test_connection import (
    LIMIT,
    Client,
    assert_one_json_line,
    assert_refused,
    client,
    request,
    running,
)
from tests.support.serving import Serving

__all__ = ["client", "running"]


def test_a_body_over_the_limit_is_refused_by_its_length(client: Client) -> None:
    client.send(request("POST", "/", f"Content-Length: {LIMIT + 1}\r\n"))

    assert_refused(client, 413)


def test_a_client_that_sends_a_large_body_regardless_can_read_the_refusal(client: Client) -> None:
    client.send(request("POST", "/", body=b"x" * 300_000))

    assert_refused(client, 413)


def test_a_chunked_body_over_the_limit_is_refused_when_it_gets_there(client: Client) -> None:
    client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n"))
    for _ in range(LIMIT // 1000 + 1):
        client.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    assert_refused(client, 413)


def test_one_header_that_is_too_large_is_refused(client: Client) -> None:
    client.send(request("GET", "/", f"X-Large: {'x' * 70_000}\r\n"))

    assert_refused(client, 431)


def test_many_small_headers_that_are_too_large_together_are_refused(client: Client) -> None:
    client.send(request("GET", "/", "".join(f"X-{i}: {'x' * 50}\r\n" for i in range(1500))))

    assert_refused(client, 431)


def test_a_head_has_at_most_256_headers_however_short_and_however_they_come(client: Client) -> None:
    enough = request("GET", "/", "a:\r\n" * 255)
    client.send(enough)
    assert client.answer().status == 200
    client.send(enough.replace(b"HTTP/1.1", b"HTTP/1.0"))  # what the slow path takes
    assert client.answer().status == 200


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("ends", [True, False])
def test_more_headers_are_refused_by_their_number(client: Client, version: str, ends: bool) -> None:
    head = request("GET", "/", "a:\r\n" * 257).replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    client.send(head if ends else head[:-2])

    assert_refused(client, 431)


def test_a_head_without_end_is_refused_before_it_ends(client: Client) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: test\r\nX-Endless: ")
    for _ in range(80):
        client.send(b"x" * 1000)

    assert_refused(client, 431)


def test_a_target_that_is_too_long_is_refused(client: Client) -> None:
    client.send(request("GET", "/" + "x" * 70_000))

    answer = client.answer()

    assert answer.status in (414, 431)
    assert_one_json_line(answer)
    assert client.closed()


BARREN = {"a trailer": b"0\r\nX: ", "a chunk's extension": b"5;x=", "many trailers": b"0\r\n" + b"a:\r\n" * 1000}


@pytest.mark.parametrize("begun", BARREN.values(), ids=BARREN)
def test_what_is_no_body_does_not_come_without_end_behind_a_head(client: Client, begun: bytes) -> None:
    client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n" + begun)
    for _ in range(200):
        client.send(b"x" * 1000)

    assert_refused(client, 431)


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n", id="length-and-chunked"),
        pytest.param(CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n", id="chunked-and-length"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", id="two-lengths"),
        pytest.param(b"Content-Length: 5, 6\r\n\r\nhello!", id="a-list-of-lengths"),
        pytest.param(b"Content-Length: -1\r\n\r\n", id="negative-length"),
        pytest.param(b"Content-Length: +5\r\n\r\nhello", id="signed-length"),
        pytest.param(b"Content-Length: 0x5\r\n\r\nhello", id="hexadecimal-length"),
        pytest.param(b"Content-Length: 5 5\r\n\r\nhello", id="length-with-space"),
        pytest.param(b"Content-Length: \r\n\r\n", id="empty-length"),
        pytest.param(b"Content-Length: 99999999999999999999999\r\n\r\n", id="length-beyond-64-bits"),
        pytest.param(b"Content-Length : 5\r\n\r\nhello", id="space-before-colon"),
        pytest.param(b"Transfer-Encoding: gzip\r\n\r\n", id="unknown-coding"),
        pytest.param(b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", id="chunked-not-last"),
        pytest.param(b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="nearly-chunked"),
        pytest.param(CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", id="chunked-twice"),
        pytest.param(CHUNKED + b"\r\nxyz\r\nhello\r\n0\r\n\r\n", id="size-that-is-no-number"),
        pytest.param(CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n", id="negative-size"),
        pytest.param(CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n", id="prefixed-size"),
        pytest.param(CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n", id="size-with-bare-newline"),
        pytest.param(CHUNKED + b"\r\n5\r\nhello!\r\n0\r\n\r\n", id="chunk-longer-than-it-says"),
        pytest.param(CHUNKED + b"\r\n5\r\nhelloX\n0\r\n\r\n", id="chunk-not-ended"),
        pytest.param(CHUNKED + b"\r\n5 \r\nhello\r\n0\r\n\r\n", id="space-after-size"),
        pytest.param(CHUNKED + b"\r\nfffffffffffffffff\r\n", id="size-beyond-64-bits"),
        pytest.param(b"X: a\r\n folded: b\r\n\r\n", id="folded-header"),
        pytest.param(b"X: a\nContent-Length: 5\r\n\r\nhello", id="bare-newline-in-head"),
        pytest.param(b"X: a\rb\r\n\r\n", id="bare-return-in-value"),
        pytest.param(b"X: a\x00b\r\n\r\n", id="nul-in-value"),
        pytest.param(b"X y: a\r\n\r\n", id="space-in-name"),
        pytest.param(b": a\r\n\r\n", id="empty-name"),
        pytest.param(b"no colon\r\n\r\n", id="no-colon"),
        pytest.param(b"Host: other\r\n\r\n", id="two-hosts"),
    ],
)
def test_what_is_ambiguous_or_malformed_is_refused(client: Client, raw: bytes) -> None:
    client.send(b"POST / HTTP/1.1\r\nHost: test\r\n" + raw)

    assert_refused(client, 400)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(b"GET / HTTP/3.7\r\nHost: test\r\n\r\n", id="unknown-version"),
        pytest.param(b"GET / HTTP/1.1 \r\nHost: test\r\n\r\n", id="space-after-version"),
        pytest.param(b"GET /a b HTTP/1.1\r\nHost: test\r\n\r\n", id="space-in-target"),
        pytest.param(b"NOSUCH / HTTP/1.1\r\nHost: test\r\n\r\n", id="unknown-method"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http-2"),
    ],
)
def test_a_bad_request_line_is_refused(client: Client, raw: bytes) -> None:
    client.send(raw)

    assert_refused(client, 400)


def test_what_follows_a_refused_message_is_not_taken_for_a_request(client: Client) -> None:
    client.send(request("POST", "/", "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n"))
    client.send(b"0\r\n\r\n" + request("GET", "/smuggled"))

    assert_refused(client, 400)


def test_requests_before_a_malformed_one_are_answered_first(client: Client) -> None:
    client.send(request("GET", "/one") + request("GET", "/two") + b"NOT HTTP\r\n\r\n")

    assert client.answer().body == b"GET /one  0 "
    assert client.answer().body == b"GET /two  0 "
    assert_refused(client, 400)


def test_an_upgrade_header_is_ignored_and_answered_once(client: Client) -> None:
    client.send(request("POST", "/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", b"body"))

    assert client.answer().body == b"POST /  4 body"

    client.send(request("GET", "/next"))

    assert client.answer().body == b"GET /next  0 "


def test_a_tunnel_is_refused_without_asking_the_function(client: Client) -> None:
    client.send(b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n")

    answer = client.answer()

    assert answer.status in (400, 405, 501)
    assert_one_json_line(answer)
    assert client.closed()


@pytest.mark.parametrize("line", ["GET /", "GET / HTTP/0.9", "GET / HTTP/2.0", "DESCRIBE / RTSP/1.0"])
def test_only_http_1_0_and_1_1_are_spoken(client: Client, line: str) -> None:
    client.send(f"{line}\r\nHost: test\r\n\r\n".encode())

    answer = client.answer()

    assert answer.status in (400, 501, 505)
    assert_one_json_line(answer)


def test_a_refused_head_is_answered_without_a_body(client: Client) -> None:
    client.send(request("HEAD", "/", f"Content-Length: {LIMIT + 1}\r\n"))

    assert client.answer("HEAD").status == 413
    assert client.closed()


def test_a_chunked_http_1_0_request_ends_its_connection(client: Client) -> None:
    client.send(b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n" + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n")
    client.send(b"GET /smuggled HTTP/1.0\r\n\r\n")

    client.answer()

    assert client.closed()


def test_a_client_that_leaves_in_the_middle_of_a_body_disturbs_nobody(running: Serving, client: Client) -> None:
    leaver = Client(running.port)
    leaver.send(request("POST", "/", "Content-Length: 100\r\n") + b"half")
    leaver.close()

    client.send(request())

    assert client.answer().status == 200


def test_the_refusals_left_the_runtime_well(running: Serving, client: Client) -> None:
    client.send(b"\x00" * 100)
    assert_refused(client, 400)

    other = Client(running.port)
    other.send(request())

    assert other.answer().status == 200
    assert running.process.poll() is None
    other.close()
