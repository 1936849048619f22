"""The grammar of ordinary requests takes only what the parser takes, and reads it in the same way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.edge.fast_path import ordinary_head
from runtime_images.dynamic_runtime.edge.slow_path import ReadRequest, SlowPath
from tests.support.edge import Application, talk

START = b"POST /a?b HTTP/1.1\r\n"


class Reader:
    """What the parser makes of bytes."""

    def __init__(self, data: bytes) -> None:
        self.requests: list[ReadRequest] = []
        self.refused = False
        SlowPath(self, 1 << 20).feed(data)

    def request_read(self, request: ReadRequest) -> None:
        self.requests.append(request)

    def body_expected(self) -> None: ...

    def refuse(self, status: int, message: str, method: bytes) -> None:  # noqa: ARG002 -- the protocol's signature
        self.refused = True


def body_length(data: bytes) -> int | None:
    """The length of the body that an ordinary head announces; None: it is not taken for ordinary."""
    head = ordinary_head(data)
    if head is None:
        return None
    return int(head[head.lastindex]) if head.lastindex else 0


names = st.sampled_from(
    b"Host host Content-Length content-length Transfer-Encoding Connection Expect Upgrade TE X-Any Accept Hos".split()
)
values = st.one_of(
    st.sampled_from(
        [b"t", b"t:80", b"5", b"0", b"chunked", b"keep-alive", b"close", b"100-continue", b"h2c", b"", b"a b"]
    ),
    st.binary(max_size=8),
)
lines = st.lists(st.tuples(names, st.sampled_from([b":", b": ", b" :", b":\t", b""]), values), max_size=6)
starts = st.one_of(
    st.sampled_from(
        [START, b"GET / HTTP/1.1\r\n", b"HEAD / HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n", b"GET  / HTTP/1.1\r\n"]
    ),
    st.sampled_from(
        [b"GET * HTTP/1.1\r\n", b"GET http://o/ HTTP/1.1\r\n", b"GET /# HTTP/1.1\r\n", b"\r\nGET / HTTP/1.1\r\n"]
    ),
)


@given(starts, lines, st.sampled_from([b"\r\n", b"\n"]))
def test_what_is_taken_for_ordinary_is_what_the_parser_reads(
    start: bytes, lines: list[tuple[bytes, bytes, bytes]], end: bytes
) -> None:
    data = start + b"".join(b"".join(line) + b"\r\n" for line in lines) + end
    length = body_length(data)
    if length is None:
        return
    read = Reader(data + b"x" * length)
    (request,) = read.requests

    assert not read.refused
    assert request.keep_alive
    assert not request.http_1_0
    head, _, body = request.payload.join().partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == start.strip()
    assert len(body) == length
    assert len(head.split(b"\r\n")) == 1 + len(lines)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Host: a\r\nHost: a\r\n",
        b"Host: a b\r\n",
        b"Host: a\r\nTransfer-Encoding: chunked\r\n",
        b"Host: a\r\nTE: x\r\n",
        b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        b"Content-Length: 1\r\nHost: a\r\nContent-Length: 1\r\n",
        b"Host: a\r\nContent-Length: +1\r\n",
        b"Host: a\r\nContent-Length : 1\r\n",
        b"Host: a\r\nContent-Length: 1 1\r\n",
        b"Host: a\r\nConnection: close\r\n",
        b"Host: a\r\nConnection: keep-alive, close\r\n",
        b"Host: a\r\nUpgrade: h2c\r\n",
        b"Host: a\r\nExpect: 100-continue\r\n",
        b"Host: a\r\nX: a\x00\r\n",
        b"Host: a\r\nX: a\nb\r\n",
        b"Host: a\r\n X: a\r\n",
        b"Host: a\r\nX\r\n",
        b"Host: a\r\nX y: z\r\n",
        b"Host: a\r\nContent-Length: 1000000000000000\r\n",
    ],
)
def test_what_needs_the_slow_path_is_left_to_the_parser(lines: bytes) -> None:
    assert body_length(START + lines + b"\r\n") is None


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        (b"Host: a\r\n", 0),
        (b"host:a:80\r\nContent-Length: 12\r\n", 12),
        (b"CONTENT-LENGTH:7\r\nAccept: */*\r\nHOST: a\r\nConnection: Keep-Alive\r\n", 7),
        (b"X-Host: b\r\nHost: a\r\nContent-Length-X: 9\r\nX: \xe9\t \r\nY:\r\n", 0),
    ],
)
def test_what_clients_send_every_day_is_ordinary(lines: bytes, length: int) -> None:
    assert body_length(START + lines + b"\r\n") == length


def test_a_long_hostile_head_takes_no_long_time() -> None:
    # Without possessive repetitions this would be tried in a thousand ways for each of its lines.
    data = START + b"X: y\r\n" * 10_000 + b"Host: a\r\n" + b"X: y\r\n" * 10_000 + b"Host: b\r\n\r\n"

    assert body_length(data) is None


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.data())
def test_ordinary_requests_in_one_stream_stay_apart_however_it_is_cut(sizes: list[int], data: st.DataObject) -> None:
    stream = b"".join(
        b"POST /%d HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%b" % (number, size, b"G" * size)
        for number, size in enumerate(sizes)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    seen = talk([piece for piece in pieces if piece], Application(later=data.draw(st.booleans()))).seen

    assert [(request.target, request.body) for request in seen] == [
        (b"/%d" % number, b"G" * size) for number, size in enumerate(sizes)
    ]


def test_a_request_that_only_begins_like_the_one_before_is_read_for_what_it_is() -> None:
    """The head of the last request is remembered: the same bytes again, the same size otherwise, and more than that."""

    def post(target: bytes, body: bytes) -> bytes:
        return b"POST %b HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%b" % (target, len(body), body)

    two = post(b"/d", b"4") + post(b"/e", b"5")
    pieces = [
        post(b"/a", b"1"),
        post(b"/a", b"2"),
        post(b"/b", b"3"),
        post(b"/b", b"3")[:-1],
        b"3",
        two,
        b"nonsense\r\n\r\n",
    ]

    result = talk(pieces)

    answered = [(seen.target, seen.body) for seen in result.seen]
    bodies = [(b"/a", b"1"), (b"/a", b"2"), (b"/b", b"3"), (b"/b", b"3"), (b"/d", b"4"), (b"/e", b"5")]
    assert (answered, result.refused) == (bodies, 400)


def test_a_long_head_is_read_anew_each_time() -> None:
    request = b"GET /long HTTP/1.1\r\nhost: t\r\ncookie: %b\r\n\r\n" % (b"c" * 5000)

    assert len(talk([request, request, request[:-4] + b"c\r\n\r\n"]).seen) == 3
