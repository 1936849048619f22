"""Responses as they leave the edge, read back by h11 as a client: none can be misread in where it ends."""

import itertools
from collections.abc import Callable, Sequence

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.response_head import Header, ResponseHead, check_head, head_of, why_refused
from runtime_images.dynamic_runtime.worker.asgi import encode_head
from tests.support.edge import Application, Talk, talk
from tests.support.reference import Response, read_responses

METHODS = [b"GET", b"HEAD", b"POST"]
STATUSES = [200, 204, 206, 304, 404, 500, 503]


def request(method: bytes, version: bytes = b"1.1", headers: bytes = b"") -> bytes:
    return b"%b / HTTP/%b\r\nHost: t\r\n%bContent-Length: 0\r\n\r\n" % (method, version, headers)


def whole(status: int, headers: Sequence[Header], body: bytes) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.respond(status, headers, body)


def streamed(status: int, headers: Sequence[Header], parts: Sequence[bytes]) -> Callable[[Exchange], None]:
    return streamed_under(head_of(status, headers), parts)


def streamed_under(head: ResponseHead, parts: Sequence[bytes]) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.begin(head)
        for part in parts:
            exchange.write(part)
        exchange.end()

    return answer


def read(result: Talk, methods: list[bytes]) -> list[Response]:
    return read_responses(result.written, methods, ended=result.ended)[0]


def expected_body(method: bytes, status: int, body: bytes) -> bytes:
    return b"" if method == b"HEAD" or status in (204, 304) else body


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", STATUSES)
def test_whole_answers_are_framed_by_their_length(method: bytes, status: int) -> None:
    result = talk([request(method) * 2], Application(whole(status, [(b"content-length", b"99")], b"body")))
    responses = read(result, [method, method])

    assert [(r.status, r.body) for r in responses] == [(status, expected_body(method, status, b"body"))] * 2
    assert not result.ended


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("length", [True, False], ids=["with-length", "without-length"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_streamed_answers_are_framed_by_length_chunks_or_the_end(
    method: bytes, status: int, length: bool, version: bytes
) -> None:
    headers = [(b"content-length", b"4")] if length else []
    kept = b"Connection: keep-alive\r\n"
    result = talk([request(method, version, kept)], Application(streamed(status, headers, [b"bo", b"dy"])))
    (response,) = read(result, [method])

    assert (response.status, response.body) == (status, expected_body(method, status, b"body"))
    assert result.ended == (version == b"1.0" and not length and status not in (204, 304))
    if version == b"1.0":
        assert b"transfer-encoding" not in response.headers


def test_an_answer_without_content_has_no_length_either() -> None:
    for answer in (whole(204, [], b"x"), streamed(204, [(b"content-length", b"1")], [b"x"])):
        (response,) = read(talk([request(b"GET")], Application(answer)), [b"GET"])

        assert not {b"content-length", b"transfer-encoding"} & response.headers.keys()


def test_head_tells_the_length_that_a_function_gives_for_get() -> None:
    result = talk([request(b"HEAD")], Application(whole(200, [(b"content-length", b"1234")], b"")))

    assert read(result, [b"HEAD"])[0].headers[b"content-length"] == b"1234"


@pytest.mark.parametrize("parts", [[b"123456"], [b"123", b"456"], [b"12"], []])
def test_a_stream_of_another_length_than_it_said_ends_the_connection_early_or_exactly(parts: list[bytes]) -> None:
    result = talk([request(b"GET") * 2], Application(streamed(200, [(b"content-length", b"5")], parts)))

    assert result.ended
    with pytest.raises(h11.RemoteProtocolError):
        read(result, [b"GET"])


@pytest.mark.parametrize(("version", "asked"), [(b"1.1", b"Connection: close\r\n"), (b"1.0", b"")])
def test_a_connection_that_ends_is_said_to_end(version: bytes, asked: bytes) -> None:
    result = talk([request(b"GET", version, asked) + request(b"GET")], Application(whole(200, [], b"ok")))
    (response,) = read(result, [b"GET"])

    assert result.ended
    assert response.headers[b"connection"] == b"close"


@pytest.mark.parametrize("option", [b"close", b"Keep-Alive, Close"])
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_function_may_end_the_connection_with_its_answer(option: bytes, in_parts: bool) -> None:
    head = check_head(b"HTTP/1.1 200 OK\r\nconnection: %b\r\n" % option)
    assert head is not None

    def answer(exchange: Exchange) -> None:
        if in_parts:
            exchange.begin(head)
            exchange.write(b"ok")
            exchange.end()
        else:
            exchange.answer(head, b"", b"ok")

    result = talk([request(b"GET") + request(b"GET")], Application(answer))
    (response,) = read(result, [b"GET"])

    assert result.ended
    assert (response.headers[b"connection"], response.body) == (b"close", b"ok")


parts = st.lists(st.binary(max_size=40), max_size=5)


@given(
    st.lists(st.tuples(st.sampled_from(METHODS), st.sampled_from(STATUSES), parts, st.integers(0, 2)), max_size=6),
    st.booleans(),
)
def test_any_answers_on_one_connection_stay_apart(
    exchanges: list[tuple[bytes, int, list[bytes], int]], later: bool
) -> None:
    answers = itertools.chain(exchanges)

    def answer(exchange: Exchange) -> None:
        _, status, body, kind = next(answers)
        length = [(b"content-length", b"%d" % sum(map(len, body)))]
        how = (whole(status, [], b"".join(body)), streamed(status, [], body), streamed(status, length, body))
        how[kind](exchange)

    methods = [method for method, *_ in exchanges]
    result = talk([b"".join(map(request, methods))], Application(answer, later))
    responses = read(result, methods)

    assert [(r.status, r.body) for r in responses] == [
        (status, expected_body(method, status, b"".join(body))) for method, status, body, _ in exchanges
    ]
    assert not result.ended


# what a function may say in headers


def said(*fields: bytes) -> ResponseHead | None:
    """What becomes of names and values that a function says: written by the worker, checked by the front."""
    raw, length = encode_head(200, zip(fields[::2], fields[1::2], strict=False))
    return check_head(raw if length is None else raw + b"content-length: %b\r\n" % length)


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"\r\n\r\nbody", b"a\x00b", b"\x7f"])
def test_a_value_that_would_split_the_response_is_refused(value: bytes) -> None:
    assert said(b"x", value) is None


@pytest.mark.parametrize("name", [b"", b"a b", b"a\r\nb", b"\xe9", b"Content-Length", b"Transfer-Encoding"])
def test_a_name_that_is_no_lower_case_token_is_refused(name: bytes) -> None:
    # The worker's side makes names lower case; one that is not comes from a function that speaks frames itself.
    assert check_head(b"HTTP/1.1 200 OK\r\n%b: 5\r\n" % name) is None


def test_a_name_with_a_colon_is_a_shorter_name() -> None:
    head = said(b"a:b", b"5")

    assert head is not None
    assert head.lines == b"HTTP/1.1 200 OK\r\na:b: 5\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"x: y\r\n", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 600 No\r\n", b"HTTP/1.1 200 OK\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\n x: y\r\n",
        b"HTTP/1.1 200 OK\nx: y\r\n", b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
)  # fmt: skip
def test_a_head_that_is_none_is_refused(raw: bytes) -> None:
    assert check_head(raw) is None


@pytest.mark.parametrize("value", [b"", b"-1", b"+1", b"0x1", b"1, 1", b"1 1", b"\xd9\xa1", b"9" * 19])
def test_a_length_that_is_no_number_is_refused(value: bytes) -> None:
    assert said(b"content-length", value) is None
    assert check_head(b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n" % value) is None


def test_two_lengths_are_refused() -> None:
    assert said(b"content-length", b"1", b"Content-Length", b"1") is None
    assert check_head(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n") is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "its status line is ''"),
        (b"HTTP/1.1 99 Low\r\n", "its status line is 'HTTP/1.1 99 Low'"),
        (b"HTTP/1.1 200 OK\r\nx: y", "its head does not end with a line end"),
        (b"HTTP/1.1 200 OK\r\nX-Up: y\r\n", "the header name 'X-Up' is not a lower-case token"),
        (b"HTTP/1.1 200 OK\r\na b: y\r\n", "the header name 'a b' is not a lower-case token"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n", "the header name 'no colon' is not a lower-case token"),
        (b"HTTP/1.1 200 OK\r\nx: pass\0word\r\n", "the value of the header 'x' holds a control character"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n", "it has more than one content-length"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: one\r\n", "its content-length is not a number of bytes"),
        (b"\0", "its worker refused it without a reason"),
    ],
)
def test_what_is_wrong_with_a_head_is_said_in_a_sentence(raw: bytes, reason: str) -> None:
    assert check_head(raw) is None
    assert why_refused(raw) == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([b"x-name", b"a\r\nset-cookie: b"], "the header 'x-name' holds a line end"),
        ([b"content-length", b"1", b"content-length", b"2"], "it has more than one content-length"),
        ([b"content-length", b"1e3"], "its content-length is not a number of bytes"),
    ],
)
def test_what_only_the_worker_can_tell_comes_with_the_head(fields: list[bytes], reason: str) -> None:
    raw, _ = encode_head(200, zip(fields[::2], fields[1::2], strict=True))

    assert check_head(raw) is None
    assert why_refused(raw) == reason


@given(st.binary(max_size=60), st.sampled_from([b"", b"\0", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nx: "]))
def test_a_reason_is_found_for_every_head_that_is_refused_and_is_short(rest: bytes, start: bytes) -> None:
    raw = start + rest * 100
    if check_head(raw) is None:
        assert len(why_refused(raw)) < 1000


def test_headers_that_are_the_runtimes_own_are_left_out() -> None:
    names = [b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"trailer", b"te", b"date"]
    names += [b"x-gaia-backend", b"x-gaia-fallback"]
    head = said(*[part for name in names for part in (name, b"x")])

    assert head is not None
    assert head.lines == b"HTTP/1.1 200 OK\r\n"


fields = st.lists(st.one_of(st.binary(max_size=12), st.sampled_from([b"content-length", b"x", b"1"])), max_size=6)


@given(fields, st.sampled_from(METHODS), st.booleans())
def test_whatever_a_function_says_in_headers_the_client_reads_its_body_or_nothing_was_sent(
    fields: list[bytes], method: bytes, stream: bool
) -> None:
    head = said(*fields)
    if head is None:
        return
    answer = streamed_under(head, [b"body"]) if stream else lambda exchange: exchange.answer(head, b"", b"body")
    result = talk([request(method)], Application(answer))
    if stream and head.length not in (None, 4) and method != b"HEAD":
        assert result.ended
    else:
        (response,) = read(result, [method])

        assert response.body == expected_body(method, 200, b"body")
