"""What the edge accepts, refuses and takes for a message's end, beside what h11 makes of the same bytes.

Every difference from h11 is listed with the paragraph that allows it; where two readers could see two different
streams of requests, the edge must be the one that refuses.
"""

import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.edge import Application, Seen, Talk, talk
from tests.support.reference import Message, read_requests

HOST = b"Host: t\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: t\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(rest: bytes, host: bytes = HOST, line: bytes = b"POST / HTTP/1.1\r\n") -> bytes:
    """A POST with these bytes behind its Host header."""
    return line + host + rest


def chunked(rest: bytes) -> bytes:
    """A chunked POST with these bytes for a body."""
    return post(CHUNKED + b"\r\n" + rest)


def get(target: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    """A GET for this target, whatever it is."""
    return b"GET " + target + b" " + version + b"\r\n" + HOST + b"\r\n"


def messages(seen: Sequence[Seen]) -> list[Message]:
    """What was seen in the words of the reference."""
    return [(s.method, s.target, comparable(s.headers), s.body) for s in seen]


def comparable(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Return headers without an upgrade, which the edge ignores, and with the coding's name as h11 has it."""
    kept = (header for header in headers if header[0] not in (b"connection", b"upgrade"))
    return tuple((name, value.lower() if name == b"transfer-encoding" else value) for name, value in kept)


def reference(stream: bytes) -> tuple[list[Message], str]:
    reading = read_requests(stream)
    return [(m, t, comparable(h), b) for m, t, h, b in reading.requests], reading.end


def end(result: Talk) -> str:
    """The edge's end of a connection in the words of the reference."""
    return "refused" if result.refused else "closed" if result.ended else "open"


ALIKE = {
    "a length": post(b"Content-Length: 2\r\n\r\nab"),
    "a length with zeros in front": post(b"Content-Length: 002\r\n\r\nab"),
    "a length in white space": post(b"Content-Length: \t2 \t\r\n\r\nab"),
    "a length in Arabic digits": post("Content-Length: ٢\r\n\r\nab".encode()),
    "a length with an underscore": post(b"Content-Length: 1_0\r\n\r\n0123456789"),
    "a length after a vertical tab": post(b"Content-Length: \x0b2\r\n\r\nab"),
    "a header that only looks like a length": post(b"Content_Length: 5\r\n\r\n"),
    "a GET with a body": post(b"Content-Length: 2\r\n\r\nab", line=b"GET / HTTP/1.1\r\n"),
    "chunks": chunked(b"2\r\nab\r\n0\r\n\r\n"),
    "chunked in mixed case": post(b"Transfer-Encoding: ChunKed\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    "a chunk size with zeros in front": chunked(b"0002\r\nab\r\n00\r\n\r\n"),
    "a chunk extension": chunked(b"2;a=b\r\nab\r\n0\r\n\r\n"),
    "a quoted chunk extension": chunked(b'2;a="b;\\"c"\r\nab\r\n0\r\n\r\n'),
    "a chunk extension with spaces": chunked(b"2 ; a = b\r\nab\r\n0\r\n\r\n"),
    "a chunk extension ended by a bare newline": chunked(b"2;a\nab\r\n0\r\n\r\n"),
    "a chunk without a size": chunked(b"\r\nab\r\n0\r\n\r\n"),
    "a signed chunk size": chunked(b"+2\r\nab\r\n0\r\n\r\n"),
    "a space before a chunk size": chunked(b" 2\r\nab\r\n0\r\n\r\n"),
    "a chunk ended by a bare newline": chunked(b"2\r\nab\n0\r\n\r\n"),
    "a chunk that runs on": chunked(b"2\r\nab0\r\n\r\n"),
    "a last chunk ended by bare newlines": chunked(b"2\r\nab\r\n0\n\n"),
    "trailers": chunked(b"0\r\nA: b\r\n\r\n"),
    "a trailer without a colon": chunked(b"0\r\nA b\r\n\r\n"),
    "chunked behind a tab": post(b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"),
    "gzip under chunked": post(b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "gzip under chunked on two lines": post(b"Transfer-Encoding: gzip\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
    "identity under chunked": post(b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
    "an empty coding under chunked": post(b"Transfer-Encoding:\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
    "nothing and chunked": post(b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    "chunked and nothing": post(b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity\r\n\r\n"),
    "chunked after a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "chunked with HTTP/1.0": post(CHUNKED + b"\r\n0\r\n\r\n", line=b"POST / HTTP/1.0\r\n"),
    "a value in white space": post(b"X: \t a b \t\r\nY:\r\nZ:   \r\n\r\n"),
    "a value with bytes beyond ASCII": post(b"X: a\xffb\r\n\r\n"),
    "a colon in a value": post(b"X: a:b\r\n\r\n"),
    "a bare return in a value": post(b"X: a\rb\r\n\r\n"),
    "a line ended by a bare return": post(b"X: a\rY: b\r\n\r\n"),
    "a line ended by two returns": post(b"X: a\r\r\n\r\n"),
    "a NUL in a value": post(b"X: a\x00b\r\n\r\n"),
    "a space before the colon": post(b"X : a\r\n\r\n"),
    "a tab before the colon": post(b"X\t: a\r\n\r\n"),
    "a line without a colon": post(b"X\r\n\r\n"),
    "a header without a name": post(b": a\r\n\r\n"),
    "a name with a parenthesis": post(b"X(: a\r\n\r\n"),
    "a name beyond ASCII": post(b"X\xff: a\r\n\r\n"),
    "a first header that is folded": post(b"X: a\r\n\r\n", host=b" Host: t\r\n"),
    "two Host headers": post(b"Host: u\r\n\r\n"),
    "two Host headers with HTTP/1.0": post(b"Host: u\r\n\r\n", line=b"GET / HTTP/1.0\r\n"),
    "no Host header": post(b"\r\n", host=b""),
    "no Host header with HTTP/1.0": post(b"\r\n", host=b"", line=b"GET / HTTP/1.0\r\n"),
    "an empty Host header": post(b"\r\n", host=b"Host:\r\n"),
    "an IPv6 host": post(b"\r\n", host=b"Host: [::1]:80\r\n"),
    "an asterisk for OPTIONS": post(b"\r\n", line=b"OPTIONS * HTTP/1.1\r\n"),
    "two slashes": get(b"//a"),
    "what no URI may hold, but clients send": get(b'/"<>\\^`{|}'),
    "a target beyond ASCII": get(b"/\xff"),
    "a tab in the target": get(b"/\ta"),
    "a form feed in the target": get(b"/\x0ca"),
    "a NUL in the target": get(b"/\x00a"),
    "a DEL in the target": get(b"/\x7fa"),
    "a space after the version": get(b"/", b"HTTP/1.1 "),
    "a space before the method": b" " + get(b"/"),
    "a method of an extension": b"PURGE" + get(b"/").removeprefix(b"GET"),
    "a version of two digits": get(b"/", b"HTTP/1.10"),
    "a version with a zero in front": get(b"/", b"HTTP/01.1"),
    "a version in lower case": get(b"/", b"http/1.1"),
    "close": post(b"Connection: close\r\n\r\n"),
    "close in a list": post(b"Connection: x, Close\r\n\r\n"),
    "close on a second line": post(b"Connection: keep-alive\r\nConnection: close\r\n\r\n"),
    "close and keep-alive": post(b"Connection: close, keep-alive\r\n\r\n"),
    "an upgrade": post(b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab"),
    "an upgrade with chunks": post(b"Connection: upgrade\r\nUpgrade: h2c\r\n" + CHUNKED + b"\r\n2\r\nab\r\n0\r\n\r\n"),
    "an unknown expectation": post(b"Expect: 200-maybe\r\nContent-Length: 2\r\n\r\nab"),
}


@pytest.mark.parametrize("raw", ALIKE.values(), ids=ALIKE)
def test_the_edge_and_h11_see_the_same(raw: bytes) -> None:
    result = talk([raw + NEXT])

    assert (messages(result.seen), end(result)) == reference(raw + NEXT)


STRICTER = {
    # What h11 takes and the edge does not: the status, and the paragraph of RFC 9112 (RFC 9110 where it says so).
    "6.1: both length and chunks may be refused": (post(b"Content-Length: 2\r\n" + CHUNKED + b"\r\n0\r\n\r\n"), 400),
    "6.1: also beside an upgrade": (
        post(b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
        400,
    ),
    "6.1: llhttp knows no tab behind chunked": (post(b"Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n"), 400),
    "6.3: a list of equal lengths may be refused": (post(b"Content-Length: 2, 2\r\n\r\nab"), 400),
    "6.3: equal lengths on two lines may be refused": (post(b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), 400),
    "6.3: a length beyond 64 bits can't be kept": (post(b"Content-Length: 18446744073709551616\r\n\r\n"), 400),
    "9110, 15.5.14: a length over the limit": (post(b"Content-Length: 18446744073709551615\r\n\r\n"), 413),
    "5.2: a folded header must be refused, or unfolded": (post(b"X: a\r\n b\r\n\r\n"), 400),
    "5.2: also the length": (post(b"Content-Length:\r\n 2\r\n\r\nab"), 400),
    "5.2: also a trailer": (chunked(b"0\r\nA: b\r\n c\r\n\r\n"), 400),
    "2.2: a bare newline may end a line, or not": (get(b"/").replace(b"\r\n", b"\n"), 400),
    "2.2: also one line of many": (post(b"X: a\nY: b\r\n\r\n"), 400),
    "2.2: also the last line of the head": (post(b"X: a\r\n\n"), 400),
    "9110, 5.5: control characters are invalid": (post(b"X: a\x01b\r\n\r\n"), 400),
    "9110, 5.5: DEL too": (post(b"X: a\x7fb\r\n\r\n"), 400),
    "7.1.1: a bare return in an extension is invalid": (chunked(b"2;a\rb\r\nab\r\n0\r\n\r\n"), 400),
    "7.1.1: a NUL too": (chunked(b"2;a\x00b\r\nab\r\n0\r\n\r\n"), 400),
    "7.1.1: an extension has a name": (chunked(b"2;\r\nab\r\n0\r\n\r\n"), 400),
    "7.1.1: an extension's value is a token or quoted": (chunked(b"2;a=\xff\r\nab\r\n0\r\n\r\n"), 400),
    "7.1: no white space behind a chunk size": (chunked(b"2 \r\nab\r\n0\r\n\r\n"), 400),
    "7.1: a chunk size that can't be kept": (chunked(b"10000000000000002\r\nab\r\n0\r\n\r\n"), 400),
    "6.5.1 of 9110: a length is no trailer": (chunked(b"0\r\nContent-Length: 5\r\n\r\n"), 400),
    "6.5.1 of 9110: nor is a coding": (chunked(b"0\r\n" + CHUNKED + b"\r\n"), 400),
    "3.2: a space in Host": (post(b"\r\n", host=b"Host: a b\r\n"), 400),
    "3.2: a path in Host": (post(b"\r\n", host=b"Host: a/b\r\n"), 400),
    "3.2: a user in Host": (post(b"\r\n", host=b"Host: a@b\r\n"), 400),
    "3.2: a list in Host": (post(b"\r\n", host=b"Host: a, b\r\n"), 400),
    "3.2.1: a target begins with a slash": (get(b"foo"), 400),
    "3.2.1: a query alone is no target": (get(b"?a"), 400),
    "3.2.1: a fragment is no part of a target": (get(b"/a#b"), 400),
    "3.2.2: no other scheme is served": (get(b"ftp://o/x"), 400),
    "9110, 4.2.4: a user in a target": (get(b"http://u@o/x"), 400),
    "3.2.3: an authority is for CONNECT": (get(b"o:80"), 400),
    "3.2.4: an asterisk is for OPTIONS": (get(b"*"), 400),
    "3.2.4: and stands alone": (get(b"*a"), 400),
    "9110, 9.3.6: tunnels are not built here": (b"CONNECT o:80 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "3.1: methods are known or refused, here as malformed": (b"FOO" + get(b"/").removeprefix(b"GET"), 400),
    "9110, 9.1: methods have their case": (b"get" + get(b"/").removeprefix(b"GET"), 400),
    "9110, 15.6.6: an old version": (get(b"/", b"HTTP/0.9"), 505),
    "9110, 15.6.6: a later version": (get(b"/", b"HTTP/2.0"), 505),
    "9110, 2.5: a minor version to come may be refused": (get(b"/", b"HTTP/1.2"), 400),
}


@pytest.mark.parametrize(("raw", "status"), STRICTER.values(), ids=STRICTER)
def test_the_edge_refuses_what_h11_lets_pass(raw: bytes, status: int) -> None:
    result = talk([raw + NEXT])

    assert (result.seen, result.refused, result.ended) == ([], status, True)
    assert reference(raw + NEXT)[1] != "refused", "no longer a difference: move it to ALIKE"


LAXER = {
    # What the edge takes and h11 does not, each seen the same by every reader that takes it at all.
    "2.2: an empty line before a request is ignored": (b"\r\n" + get(b"/"), [b"/", b"/next"]),
    "2.2: also two, and bare ones, by llhttp": (b"\n\r\r\n" + get(b"/"), [b"/", b"/next"]),
    "2.2: also behind a body": (post(b"Content-Length: 2\r\n\r\nab\r\n"), [b"/", b"/next"]),
    "3: more spaces in the request line": (get(b" /", b" HTTP/1.1"), [b"/", b"/next"]),
    "7.1: a chunk size with many zeros in front": (chunked(b"0" * 30 + b"2\r\nab\r\n0\r\n\r\n"), [b"/", b"/next"]),
    "C.2.2: HTTP/1.0 may be kept alive": (
        post(b"Connection: keep-alive\r\n\r\n", line=b"GET / HTTP/1.0\r\n"),
        [b"/", b"/next"],
    ),
}


@pytest.mark.parametrize(("raw", "targets"), LAXER.values(), ids=LAXER)
def test_the_edge_takes_what_h11_refuses_or_ends(raw: bytes, targets: list[bytes]) -> None:
    result = talk([raw + NEXT])

    assert ([seen.target for seen in result.seen], end(result)) == (targets, "open")
    assert reference(raw + NEXT)[1] != "open", "no longer a difference: move it to ALIKE"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://o/x?y", b"/x?y"),
        (b"HTTPS://o:1/x", b"/x"),
        (b"http://o", b"/"),
        (b"http://o?y", b"/?y"),
        (b"http://[::1]:80/", b"/"),
    ],
)
def test_an_absolute_target_is_brought_into_origin_form_and_its_host_counts(target: bytes, path: bytes) -> None:
    result = talk([get(target) + NEXT])

    assert [seen.target for seen in result.seen] == [path, b"/next"]
    assert [value for name, value in result.seen[0].headers if name == b"host"] == [
        target.split(b"/")[2].partition(b"?")[0]
    ]


@pytest.mark.parametrize("target", [b"http://", b"http:///x", b"http:/x", b"http://a b/", b"http://a@b", b"http://o#f"])
def test_a_malformed_absolute_target_is_refused(target: bytes) -> None:
    assert talk([get(target)]).refused == 400


def test_an_upgrade_by_http_1_0_is_ignored_as_that() -> None:
    result = talk([b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"])

    assert [seen.target for seen in result.seen] == [b"/"]
    assert result.ended
    assert not result.refused


# expectations


def expecting(version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST / " + version + b"\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"


def test_an_expectation_of_http_1_0_is_ignored() -> None:
    assert talk([expecting(b"HTTP/1.0"), b"body"]).written.startswith(b"HTTP/1.1 200")


def test_the_body_is_asked_for_when_the_answers_before_it_have_left() -> None:
    result = talk([NEXT + expecting()], Application(later=True))

    assert result.written.endswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert result.written.count(b"HTTP/1.1 ") == 2


# messages made by hypothesis

TOKEN = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=8).map(str.encode)
VALUE = st.binary(max_size=20).map(lambda raw: bytes(b for b in raw if b >= 32 and b != 127).strip())
RESERVED = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade", b"keep-alive")
)
METHODS = st.sampled_from([b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
TARGETS = st.text("/abc?&=%20.~", max_size=12).map(lambda text: b"/" + text.encode())


@st.composite
def fields(draw: st.DrawFn) -> list[tuple[bytes, bytes]]:
    named = draw(st.lists(st.tuples(TOKEN, VALUE), max_size=4))
    return [(name, value) for name, value in named if name.lower() not in RESERVED]


@st.composite
def framed(draw: st.DrawFn, body: bytes) -> tuple[bytes, bytes]:
    """The header line and the bytes by which a body travels."""
    if draw(st.booleans()):
        zeros = b"0" * draw(st.integers(0, 3))
        return b"Content-Length: %b%d\r\n" % (zeros, len(body)), body
    wire, left = b"", body
    while left:
        size = draw(st.integers(1, len(left)))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b;c";d']))
        wire += b"%x%b\r\n%b\r\n" % (size, extension, left[:size])
        left = left[size:]
    trailers = b"".join(b"%b: %b\r\n" % field for field in draw(fields()))
    return CHUNKED, wire + b"0\r\n" + trailers + b"\r\n"


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Message]:
    """A valid request: its bytes, and what it says."""
    method, target, body = draw(METHODS), draw(TARGETS), draw(st.binary(max_size=60))
    line, wire = draw(framed(body)) if body or draw(st.booleans()) else (b"", b"")
    lines = [HOST, *(b"%b:%b%b\r\n" % (name, draw(st.sampled_from([b"", b" ", b"\t "])), value)
                     for name, value in draw(fields())), line]  # fmt: skip
    parsed = [tuple(part.strip(b" \t") for part in one.split(b":", 1)) for one in lines if one]
    headers = tuple((name.lower(), value.rstrip(b"\r\n").strip(b" \t")) for name, value in parsed)
    raw = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, target, b"".join(lines), wire)
    return raw, (method, target, headers, body)


pipelines = st.lists(requests(), min_size=1, max_size=4)


@given(pipelines, st.booleans())
def test_valid_requests_are_seen_as_they_were_meant(sent: list[tuple[bytes, Message]], later: bool) -> None:
    stream = b"".join(raw for raw, _ in sent)
    result = talk([stream], Application(later=later))

    assert messages(result.seen) == [meant for _, meant in sent]
    assert end(result) == "open"
    assert result.written.count(b"HTTP/1.1 200 OK\r\n") == len(sent)


NASTY = [
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b"\x0b", b":", b",", b";", b"0", b"1", b"-", b"+", b"_", b"0x",
    b"\xff",
    b"\r\n\r\n", b"\r\n ", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", CHUNKED, b"Transfer-Encoding: gzip\r\n",
    b"Transfer-Encoding: x, chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Host: u\r\n", b"Connection: close\r\n",
    b"Connection: upgrade\r\nUpgrade: x\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n", b"3\r\nabc\r\n", NEXT,
    b"ffffffffffffffff\r\n", b"10000000000000000\r\n", b"HTTP/1.0", b"http://o", b"#", b"*", b"CONNECT ",
]  # fmt: skip
mutations = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 6), st.sampled_from([b"", *NASTY]), st.booleans()), min_size=1, max_size=3
)


def mutated(stream: bytes, changes: list[tuple[float, int, bytes, bool]]) -> bytes:
    """The stream with bytes cut out and others put in, half of the times where a line begins."""
    for where, cut, insert, at_line in changes:
        starts = [match.end() for match in re.finditer(b"\r\n", stream)] if at_line else []
        places = starts or range(len(stream) + 1)
        place = places[min(len(places) - 1, int(where * len(places)))]
        stream = stream[:place] + insert + stream[place + (0 if at_line else cut) :]
    return stream


LENIENT = re.compile(rb"(^|\r\n|[^\r])[\r\n]+[A-Z-]+ |[A-Z-]+  +|  +HTTP/|0{20}|HTTP/1\.0")
"""What may make the edge see more requests than h11: the list in LAXER."""


@settings(max_examples=400)
@given(pipelines, mutations)
@example([(get(b"/"), (b"", b"", (), b""))], [(0.0, 0, b"\r\n", False)])
def test_a_damaged_stream_is_never_read_as_other_requests_than_h11_reads(
    sent: list[tuple[bytes, Message]], changes: list[tuple[float, int, bytes, bool]]
) -> None:
    stream = mutated(b"".join(raw for raw, _ in sent), changes)
    result = talk([stream])
    seen, (theirs, their_end) = messages(result.seen), reference(stream)

    for mine, other in zip(seen, theirs, strict=False):
        assert mine == other or b"://" in other[1]
    if len(seen) > len(theirs):
        assert LENIENT.search(stream), f"h11: {their_end}"
    if len(seen) < len(theirs):
        assert result.refused or theirs[len(seen)][0] == b"CONNECT", "the edge waits for a request that h11 has seen"
    if result.refused and not result.written.startswith(b"HTTP/1.1 100"):
        assert re.search(rb'\r\n\r\n(\{"error": "[^\n]+"\}\n)?\Z', result.written)


def same(one: Talk, other: Talk) -> bool:
    """Whether two connections went the same way; the second of the clock and the parser's words for an error aside."""
    return (one.seen, one.ended, reworded(one.written)) == (other.seen, other.ended, reworded(other.written))


def reworded(written: bytes) -> bytes:
    *before, last = written.rpartition(b"HTTP/1.1 400 ")
    if b"malformed request: " in last:
        last = re.sub(rb"content-length: \d+\r\n|malformed request: [^\n]*", b"", last)
    without_words = b"".join((*before, last))
    return re.sub(rb"date: [^\r]*\r\n", b"", without_words)


@settings(max_examples=200)
@given(pipelines, st.one_of(st.just([]), mutations), st.booleans(), st.data())
def test_how_a_stream_is_cut_changes_nothing(
    sent: list[tuple[bytes, Message]], changes: list[tuple[float, int, bytes, bool]], later: bool, data: st.DataObject
) -> None:
    stream = mutated(b"".join(raw for raw, _ in sent), changes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a < b]
    whole = talk([stream], Application(later=later))

    assert same(whole, talk(pieces, Application(later=later)))
    assert same(whole, talk([bytes([byte]) for byte in stream], Application(later=later)))


CORPUS = {**ALIKE, **{why: raw for why, (raw, _) in STRICTER.items()}, **{why: raw for why, (raw, _) in LAXER.items()}}


@pytest.mark.parametrize("raw", CORPUS.values(), ids=CORPUS)
def test_each_listed_message_cut_at_each_byte_is_the_same_message(raw: bytes) -> None:
    stream = raw + NEXT
    whole = talk([stream])

    for cut in range(1, len(stream)):
        assert same(whole, talk([stream[:cut], stream[cut:]])), cut


# what a client can make the front hold


def test_a_body_in_tiny_chunks_costs_no_object_a_chunk() -> None:
    sizes: list[int] = []
    result = talk([chunked(b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")])
    sizes.append(len(result.seen[0].body))

    assert sizes == [50_000]
