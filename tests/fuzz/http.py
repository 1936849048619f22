"""HTTP messages of hostile grammar: read the same however they are cut, and as no other requests than others read.

A stream is sent in one piece, in two, and byte by byte. h11 and httptools read the same bytes. Where both take a
request, it must be the same one; where the edge takes more than h11, it is one of the listed differences (`LENIENT`):
mostly up to two empty lines before a request.
"""

import logging
import re
from collections.abc import Sequence
from random import Random
from typing import Self

import httptools

from tests.fuzz.chance import damaged, mostly, noise
from tests.fuzz.fuzzer import Fuzzer
from tests.runtime_images.dynamic_runtime.edge.test_request_conformance import LENIENT, messages, reference, same
from tests.support.edge import Application, Talk, talk

_CUTS = 3
_SHARES = (0.0, 0.02, 0.1)  # of the parts of a message that are odd
_METHODS = b"GET POST PUT HEAD OPTIONS DELETE PATCH".split()
_ODD_METHODS = (b"CONNECT", b"PRI", b"get", b"PURGE", b"FOO", b"", b"GET ", b"SOURCE", b"G\x00T", b"M-SEARCH")
_TARGETS = (b"/", b"/a?b=c&d", b"/%00%2e", b"//x", b"/" + b"a" * 90)
_ODD_TARGETS = (
    b"*", b"http://o/x", b"http://o", b"HTTPS://o:1?y", b"http://u@o/", b"o:80", b"/a b", b"/\xff", b"/#f", b"", b"x",
    b"/\x00", b"/\t", b"/\x7f", b"ftp://o/", b"http://", b"/\\^`{|}<>\"",
)  # fmt: skip
_VERSIONS = (b"HTTP/1.1",)
_ODD_VERSIONS = (b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.10", b"")
_ENDS = (b"\r\n",)
_ODD_ENDS = (b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\r\n ", b"\r\n\t", b"\x00\r\n", b"\x0b\r\n", b"")
_HOSTS = (b"Host: t", b"host:t", b"HOST: o:80")
_ODD_HOSTS = (
    b"", b"Host: a b", b"Host: a\r\nHost: b", b"Host:", b"Host: [::1]", b"Host: u@o", b" Host: t", b"Host : t",
)  # fmt: skip
_FIELDS = (b"X: a", b"Accept: */*", b"x-y:", b"X: a:b", b"X:\t a \t", b"Cookie: a=b; c", b"Connection: keep-alive")
_ODD_FIELDS = (
    b"Connection: close", b"Connection: x, Close", b"Connection: Upgrade\r\nUpgrade: h2c", b"Upgrade: websocket",
    b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", b"X: a\r\n b",
    b"Expect: 100-continue", b"Expect: 200-maybe", b"X: a\rb", b"X: a\nb", b"X: a\x00b", b"X: \xff\x80", b"X\xff: a",
    b"X : a", b": a", b"X", b"X(: a", b"X: a\x1b", b"Connection: Content-Length", b"TE: trailers", b"Trailer: X",
    b"Connection: X-Forwarded-For", b"X-HTTP-Method-Override: DELETE", b"Content_Length: 5", b"Keep-Alive: timeout=5",
)  # fmt: skip
_LENGTHS = (b"%d", b"%d", b"00%d", b" %d", b"%d \t")
_ODD_LENGTHS = (
    b"+%d", b"-%d", b"0x%d", b"%d, %d", b"%d_", b"1%d", b"9%d", b"", b"%d\r\nContent-Length: %d", b"%d;", b"\x0b%d",
    b"18446744073709551616%d", b"\xd9\xa2%d",
)  # fmt: skip
_CODINGS = (b"chunked", b"Chunked")
_ODD_CODINGS = (
    b"gzip", b"gzip, chunked", b"chunked, gzip", b"identity", b"chunked, chunked", b"", b",chunked", b"xchunked",
    b"chunked\r\nTransfer-Encoding: chunked", b"\x0bchunked", b"chunked;q=1", b"chunked\t", b'"chunked"',
)  # fmt: skip
_EXTENSIONS = (b"", b"", b";a", b";a=b", b';a="b;c"')
_SIZES = (b"%x", b"%X", b"0%x")
_ODD_SIZES = (b"0x%x", b"+%x", b" %x", b"%x ", b"f%x", b"%x" + b"0" * 16, b"1%x")
_LAST = (b"0\r\n",)
_ODD_LAST = (b"00\r\n", b"0;a\r\n", b"0\n", b"", b"0 \r\n", b"-0\r\n")
_TRAILERS = (b"", b"", b"A: b\r\n")
_ODD_TRAILERS = (b"Content-Length: 5\r\n", b"A: b\r\n c\r\n", b"A b\r\n", b"Host: x\r\n")
_ODD_EXTENSIONS = (b";", b" ", b"\t;a", b";a\n", b";a\rb", b";\x00", b';a="', b"x", b";\xff=1", b"_")


class Http(Fuzzer):
    """Gives streams of requests to the edge."""

    name = "http"
    limit_s = 10.0  # byte by byte, with a new parser at times

    def __init__(self) -> None:
        self._complaints = _Complaints()

    def __enter__(self) -> Self:
        logging.getLogger("asyncio").addHandler(self._complaints)
        return self

    def __exit__(self, *_exc: object) -> None:
        logging.getLogger("asyncio").removeHandler(self._complaints)

    def make(self, random: Random) -> bytes:
        writer = _Writer(random, random.choice(_SHARES))
        stream = b"".join(writer.message() for _ in range(random.choice((1, 1, 2, 3))))
        if random.random() < 0.3:  # one end of a line, in what may be ordinary else
            place = random.choice([match.start() for match in re.finditer(b"\r\n", stream)] or [0])
            stream = stream[:place] + random.choice(_ODD_ENDS) + stream[place + 2 :]
        return damaged(random, stream) if random.random() < 0.2 else stream

    def check(self, case: bytes) -> None:
        if not case:
            return
        self._complaints.said.clear()
        whole = talk([case])
        random = Random(case)
        places = {random.randint(1, len(case)) for _ in range(_CUTS)}
        for place in sorted(places):
            assert same(whole, talk([case[:place], case[place:]])), f"cut at {place} it is read in another way"
        assert same(whole, talk([bytes([byte]) for byte in case])), "byte by byte it is read in another way"
        later = talk([case], Application(later=True))  # a 100 (Continue) may then be left out
        assert (later.seen, later.ended) == (whole.seen, whole.ended), "answered later it is read in another way"
        _compare_with_h11(case, whole)
        _compare_with_httptools(case, whole)
        assert not self._complaints.said, self._complaints.said[0]


class _Writer:
    """Writes messages of which a `share` of the parts is odd."""

    def __init__(self, random: Random, share: float) -> None:
        self._random = random
        self._share = share

    def message(self) -> bytes:
        random = self._random
        before = self._mostly((b"",), (b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\r"))
        line = (self._mostly(_METHODS, _ODD_METHODS), self._mostly(_TARGETS, _ODD_TARGETS))
        framing, body = self._body()
        fields = [self._mostly(_FIELDS, _ODD_FIELDS, 2.0) for _ in range(random.randint(0, 3))]
        fields += [self._mostly(_HOSTS, _ODD_HOSTS), *framing]
        random.shuffle(fields)
        lines = [b" ".join((*line, self._mostly(_VERSIONS, _ODD_VERSIONS))), *(field for field in fields if field)]
        return before + b"".join(one + self._end() for one in lines) + self._end() + body

    def _mostly(self, ordinary: Sequence[bytes], odd: Sequence[bytes], times: float = 1.0) -> bytes:
        return mostly(self._random, ordinary, odd, times * self._share)

    def _end(self) -> bytes:
        return self._mostly(_ENDS, _ODD_ENDS, 0.5)

    def _body(self) -> tuple[list[bytes], bytes]:
        """Return the header lines that frame a body, and the body as it travels."""
        content = self._mostly(
            (b"", b"ab", b"abc\r\n"), (noise(self._random), b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"), 2.0
        )
        kind = self._random.random()
        if kind < 0.4:
            return [], self._mostly((b"",), (content,))
        framing, body = [], content
        if kind < 0.7 or self._random.random() < self._share:
            length = self._mostly(_LENGTHS, _ODD_LENGTHS)
            framing.append(b"Content-Length:" + length.replace(b"%d", b"%d" % len(content)))
        if kind >= 0.7 or self._random.random() < self._share:
            framing.append(b"Transfer-Encoding: " + self._mostly(_CODINGS, _ODD_CODINGS))
            body = self._chunks(content)
        return framing, body

    def _chunks(self, content: bytes) -> bytes:
        wire = b""
        while content:
            size = self._random.randint(1, len(content))
            digits = self._mostly(_SIZES, _ODD_SIZES)
            extension = self._mostly(_EXTENSIONS, _ODD_EXTENSIONS)
            wire += digits % size + extension + self._end() + content[:size] + self._end()
            content = content[size:]
        return wire + self._mostly(_LAST, _ODD_LAST) + self._mostly(_TRAILERS, _ODD_TRAILERS) + self._end()


def _compare_with_h11(stream: bytes, whole: Talk) -> None:
    seen, (theirs, their_end) = messages(whole.seen), reference(stream)
    for mine, other in zip(seen, theirs, strict=False):
        assert mine == other or b"://" in other[1], f"h11 reads {other}, the edge {mine}"
    if len(seen) > len(theirs):
        assert LENIENT.search(stream), f"the edge takes {seen[len(theirs)]}, h11 has {their_end}"
    if len(seen) < len(theirs):
        unread = theirs[len(seen)]
        assert whole.refused or whole.ended or unread[0] == b"CONNECT", f"the edge waits, h11 has {unread}"


def _compare_with_httptools(stream: bytes, whole: Talk) -> None:
    seen = [(one.method, one.target, one.body) for one in whole.seen]
    for mine, other in zip(seen, _Reading(stream).requests, strict=False):
        assert mine == other or b"://" in other[1], f"httptools reads {other}, the edge {mine}"


class _Reading:
    """What httptools alone makes of a stream, up to an error or an upgrade, whose body it leaves alone."""

    def __init__(self, stream: bytes) -> None:
        self.requests: list[tuple[bytes, bytes, bytes]] = []
        self._url = self._body = b""
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(stream)
        except httptools.HttpParserUpgrade:
            self.requests.pop()
        except httptools.HttpParserError:
            pass

    def on_message_begin(self) -> None:
        self._url = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.requests.append((self._parser.get_method(), self._url, self._body))


class _Complaints(logging.Handler):
    """What an event loop logs of callbacks that raise."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))
