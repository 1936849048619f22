"""Heads of responses as functions send them: checked in linear time, and as a slow, plain reading says."""

import string
import time
from dataclasses import dataclass
from random import Random

from runtime_images.dynamic_runtime.edge import response_head
from runtime_images.dynamic_runtime.wire.frames import REFUSED
from tests.fuzz.chance import damaged, mostly, noise
from tests.fuzz.fuzzer import Fuzzer

_PUMPED_BYTES = 48 * 1024
_LONGEST_S = 0.1
"""A head of 64 KB takes about a millisecond; a busy machine must not matter."""

_STATUS_LINES = (b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 204 ", b"HTTP/1.1 599 a~b")
_ODD_STATUS_LINES = (
    b"HTTP/1.1 200", b"HTTP/1.1 199 x", b"HTTP/1.1 600 x", b"HTTP/1.0 200 OK", b"HTTP/1.1 20 x", b"",
    b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 200 \xc3\xa9", b" HTTP/1.1 200 OK", b"\0a reason",
)  # fmt: skip
_NAMES = (b"x-h", b"content-type", b"content-length", b"date", b"connection", b"set-cookie", b"transfer-encoding")
_ODD_NAMES = (b"", b"X-H", b"x h", b"x-h ", b"x\xff", b"x\0", b"(", b"x-gaia-backend", b"te", b"!#$%&'*+-.^_`|~09az")
_VALUES = (b"v", b" v", b"", b" 12", b" text/plain; a=b", b"\tv\t", b" " * 9, b" caf\xc3\xa9", b" a:b")
_ODD_VALUES = (
    b" a\x00b",
    b" a\rb",
    b" a\nb",
    b" \x7f",
    b" \x1b[31m",
    b" 1, 1",
    b" +1",
    b" 1_0",
    b" \xd9\xa2",
    b" 9" * 20,
)
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~" + string.digits.encode() + string.ascii_lowercase.encode())
_CONTROLS = frozenset(range(32)) - {9} | {127}
_OURS = frozenset((
    b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"date", b"x-gaia-backend",
    b"x-gaia-fallback",
))  # fmt: skip


class Heads(Fuzzer):
    """Gives heads to the front's check."""

    name = "heads"
    limit_s = 2.0

    def make(self, random: Random) -> bytes:
        lines = [mostly(random, _STATUS_LINES, _ODD_STATUS_LINES)]
        lines += [_field(random) for _ in range(random.choice((0, 1, 2, 3, 30)))]
        head = b"".join(
            line + mostly(random, (b"\r\n",), (b"\n", b"\r", b"", b"\r\n ", b"\r\r\n"), 0.02) for line in lines
        )
        return damaged(random, head) if random.random() < 0.3 else head + mostly(random, (b"",), (noise(random),))

    def check(self, case: bytes) -> None:
        found, expected = response_head.check_head.__wrapped__(case), _read(case)
        if expected is None:
            assert found is None, "it is let pass"
            assert response_head.why_refused(case)
        else:
            assert found is not None, f"it is refused: {response_head.why_refused(case)}"
            read = _Read(found.status, tuple(found.lines.split(b"\r\n")), found.length)
            assert read == expected, f"{read} is read, not {expected}"
        self._takes_linear_time(case)

    def _takes_linear_time(self, case: bytes) -> None:
        """Repeat some part of the head, before a bad end, to the greatest size."""
        random = Random(case)
        begin = random.randint(0, len(case))
        part = case[begin : begin + random.choice((1, 2, 5, 60))] or b" "
        long = case[:begin] + part * (_PUMPED_BYTES // len(part)) + case[begin:] + b"x: \x00\r\n"
        for judge in (response_head.check_head.__wrapped__, response_head.why_refused):
            begun_s = time.thread_time()
            judge(long)
            took_s = time.thread_time() - begun_s
            assert took_s < _LONGEST_S, f"{part!r} repeated at {begin}: {judge.__name__} takes {took_s:.2f} s"


def _field(random: Random) -> bytes:
    return mostly(random, _NAMES, _ODD_NAMES, 0.05) + b":" + mostly(random, _VALUES, _ODD_VALUES, 0.05)


@dataclass(frozen=True)
class _Read:
    """A head that may leave: its lines as far as they are the function's to set."""

    status: int
    lines: tuple[bytes, ...]
    length: int | None


def _read(raw: bytes) -> _Read | None:
    """Read a head letter by letter; None if it may not leave."""
    if raw.startswith(REFUSED):
        return None
    line, *fields, end = raw.split(b"\r\n") if b"\r\n" in raw else (b"", b"x")
    status, reason = line[9:12], line[13:]
    fits = line.startswith(b"HTTP/1.1 ") and line[12:13] == b" " and len(status) == 3 and status.isdigit()
    if not fits or not 200 <= int(status) <= 599 or end or any(not 32 <= byte < 127 for byte in reason):
        return None
    kept, lengths = [line], []
    for field in fields:
        name, colon, value = field.partition(b":")
        if not colon or not name or set(name) - _TOKEN or set(value) & _CONTROLS:
            return None
        if name == b"content-length":
            lengths.append(value.strip(b" \t"))
        elif name not in _OURS:
            kept.append(field)
    if len(lengths) > 1 or any(not digits.isdigit() or len(digits) > 18 for digits in lengths):
        return None
    return _Read(int(status), (*kept, b""), int(lengths[0]) if lengths else None)
