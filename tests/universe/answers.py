"""What a client makes of the bytes that it gets: answers, cut as strictly as HTTP/1.1 allows (RFC 9112)."""

import re
from dataclasses import dataclass, field

_HEAD = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]*\r\n((?:[!-9;-~]+: ?[\t -~\x80-\xff]*\r\n)*)\r\n")
_BEGINS = b"HTTP/1.1 "
_SIZE = re.compile(rb"[0-9a-f]+\r\n")
_BODILESS = (204, 304)
MANY = (b"a", b"x-a")
"""Headers that functions send many times."""


class NoAnswerError(Exception):
    """The bytes are no answer."""


@dataclass
class Answer:
    """An answer, `whole` once all of it is here."""

    status: int
    headers: dict[bytes, bytes]
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False

    @property
    def closes(self) -> bool:
        """Whether the connection ends with it."""
        return self.headers.get(b"connection") == b"close"


class AnswerReader:
    """Reads the answers to requests whose methods are in `methods`, one after the other; `answers` are those begun."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.answers: list[Answer] = []
        self.continues = 0
        self._data = bytearray()
        self._left: int | None = None
        self._chunked = self._until_end = self._last = False

    def feed(self, data: bytes) -> None:
        """Take what has come; raise NoAnswerError if it can be no answer."""
        self._data += data
        while self._data and self._step():
            pass

    def end(self, *, clean: bool) -> None:
        """Note the end of the connection: it may end an answer, unless it is a reset."""
        if not clean:
            return
        if self._until_end:
            self.answers[-1].whole = True
        elif self._data and not self.open and self._data[:9] != _BEGINS[: len(self._data)]:
            # a long head may be cut in two, but nothing else may stand there
            raise NoAnswerError(f"the connection ends behind what is no answer: {bytes(self._data[:80])!r}")

    @property
    def open(self) -> bool:
        """Whether an answer has begun that is not whole."""
        return bool(self.answers) and not self.answers[-1].whole

    def _step(self) -> bool:
        """Take one thing; return whether to go on."""
        if not self.open:
            return self._begin()
        if self._until_end:
            self._take(len(self._data))
            return False
        if self._left is None:
            return self._begin_chunk()
        self._take(min(self._left, len(self._data)))
        if self._left:
            return False
        return self._end_chunk() if self._chunked else self._finish()

    def _begin(self) -> bool:
        end = self._data.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        match = _HEAD.fullmatch(bytes(self._data[:end]))
        if match is None:
            raise NoAnswerError(f"a head that is none: {bytes(self._data[:end])!r}")
        del self._data[:end]
        if match[1] == b"100":
            self.continues += 1
            return True
        if len(self.answers) >= len(self.methods):
            raise NoAnswerError(f"an answer with {int(match[1])} to nothing that was asked")
        lines = [line.partition(b":") for line in match[2].split(b"\r\n")[:-1]]
        answer = Answer(int(match[1]), {name: value.strip() for name, _, value in lines})
        names = [name for name, _, _ in lines if name not in MANY]
        if len(names) != len(set(names)):
            raise NoAnswerError(f"a header that comes twice: {match[0][-200:]!r}")
        self.answers.append(answer)
        self._frame(answer, self.methods[len(self.answers) - 1])
        return True

    def _frame(self, answer: Answer, method: str) -> None:
        self._chunked = answer.headers.get(b"transfer-encoding") == b"chunked"
        length = answer.headers.get(b"content-length")
        if self._chunked and length is not None:
            raise NoAnswerError("an answer with two framings")
        self._left = None if self._chunked else int(length) if length is not None else -1
        self._until_end = not self._chunked and length is None
        bodiless = method == "HEAD" or answer.status in _BODILESS
        if self._until_end and not answer.closes and not bodiless:
            raise NoAnswerError("an answer without a framing, on a connection that goes on")
        if bodiless or self._left == 0:
            self._finish()

    def _begin_chunk(self) -> bool:
        end = self._data.find(b"\r\n") + 2
        if end < 2:
            return False
        if _SIZE.fullmatch(bytes(self._data[:end])) is None:
            raise NoAnswerError(f"a chunk without a size: {bytes(self._data[:end])!r}")
        self._left = int(self._data[: end - 2], 16)
        self._last = self._left == 0
        del self._data[:end]
        return not self._last or self._end_chunk()

    def _end_chunk(self) -> bool:
        """Take the line end behind a chunk; behind the last one the answer is whole."""
        if len(self._data) < 2:
            return False
        if self._data[:2] != b"\r\n":
            raise NoAnswerError("a chunk without an end")
        del self._data[:2]
        if self._last:
            return self._finish()
        self._left = None
        return True

    def _take(self, size: int) -> None:
        self.answers[-1].body += self._data[:size]
        del self._data[:size]
        if self._left is not None:
            self._left -= size

    def _finish(self) -> bool:
        self.answers[-1].whole = True
        self._until_end = self._chunked = self._last = False
        self._left = None
        return True
