"""A form that answers with a status and headers of its own is called in a thread, and its parts leave early."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.exchange_calls import call_blocking
from tests.runtime_images.dynamic_runtime.worker.test_threads import ENTRY, TAKEN, Front, post, working_function

HEAD = b"GET /a%20b?c=%20 HTTP/1.1\r\nHost: here\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n"


def test_a_request_is_told_as_the_client_sent_it() -> None:
    seen: list[Request] = []

    def note(request: Request) -> Answer:
        seen.append(request)
        return Answer(200, (), b"")

    call_blocking(note, HEAD, b"body", ("10.0.0.1", 7))

    (request,) = seen
    assert (request.method, request.path, request.raw_path, request.query) == ("GET", "/a b", b"/a%20b", b"c=%20")
    assert (request.client, request.scheme, request.body) == (("10.0.0.1", 7), "http", b"body")
    assert request.header("x-twice") == "1"
    assert request.header("absent") == ""


@pytest.mark.parametrize(
    ("method", "status", "body", "wanted"),
    [
        (b"GET", 200, b"four", b"HTTP/1.1 200 OK\r\n"),
        (b"HEAD", 200, b"", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n"),
        (b"GET", 304, b"", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n"),
    ],
)
def test_a_length_is_that_of_the_body_or_of_one_that_is_not_sent(
    method: bytes, status: int, body: bytes, wanted: bytes
) -> None:
    answer = Answer(status, [(b"Content-Length", b"4")], body)

    assert call_blocking(lambda _: answer, HEAD.replace(b"GET", method), b"", None) == (wanted, body)


def test_a_wrong_length_is_refused() -> None:
    head, body = call_blocking(lambda _: Answer(200, [(b"content-length", b"5")], b"four"), HEAD, b"", None)

    assert b"its content-length is 5, but its body has 4 bytes" in head
    assert body == b""


@contextmanager
def streaming(parts: Callable[[], Iterator[object]]) -> Iterator[Front]:
    function = LoadedFunction(ENTRY, blocking=True, exchange=lambda _: Answer(200, (), parts()))  # type: ignore[arg-type]
    with working_function(function) as (front, threads, _):
        yield front
    assert not threads._streams.by_id


def test_parts_leave_one_by_one_and_the_iterator_is_closed() -> None:
    closed: list[int] = []

    def parts() -> Iterator[bytes]:
        try:
            yield b"one"
            yield b""
            yield b"two"
        finally:
            closed.append(1)

    with streaming(parts) as front:
        front.send(post(1, b"1"))
        assert [body for _, body in front.answers(2)] == [b"one", b"two"]
        front.send(TAKEN, TAKEN)
        assert front.answers(1) == [(1, b"")]

    assert closed == [1]


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), GeneratorExit(), SystemExit(3)])
def test_a_failure_before_the_first_part_is_an_answer(error: BaseException) -> None:
    def parts() -> Iterator[bytes]:
        yield b""
        raise error

    with streaming(parts) as front:
        front.send(post(1, b"1"), post(2, b"2"))

        assert [number for number, body in front.answers(2) if b"the function raised" in body] == [1, 2]


@pytest.mark.parametrize("wrong", ["text", 7, None, [b"x"]])
def test_a_part_that_is_no_bytes_breaks_the_answer_off(wrong: object) -> None:
    with streaming(lambda: iter([b"one", wrong])) as front:
        front.send(post(1, b"1"))

        assert front.answers(2) == [(1, b"one"), (1, b"")]
        assert front.aborted == [1]


def test_a_client_that_leaves_ends_the_stream_at_its_next_part() -> None:
    made: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield b"%d" % number

    with streaming(parts) as front:
        front.send(post(1, b"1"))
        front.answers(2)
        front.send(frames.encode(Kind.CANCEL, 1))

        assert front.answers(1) == [(1, b"")]
    assert len(made) < 5
