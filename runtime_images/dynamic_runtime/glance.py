"""A quick look at what a client sent: is it exactly one ordinary request, whole?

Nearly every read is, and then nothing need be taken apart: the worker gets the bytes as they came. The llhttp parser
still reads all of them and refuses what is malformed; only few callbacks reach Python, and what they see decides
whether the slow reader (`reading.py`) must look again.
"""

import re

import httptools

from runtime_images.dynamic_runtime.request_target import is_host

MAX_HEAD_BYTES = 63 * 1024
"""Longer heads are measured, and mostly refused, by the slow reader."""

_ORDINARY_LINE = re.compile(rb"(?:GET|POST|PUT|DELETE|PATCH|OPTIONS) /[!-\x22$-~]* HTTP/1\.1\r\n").match
_HEAD_END = b"\r\n\r\n"
_LOOKED_AT = frozenset((b"host", b"content-length", b"connection", b"expect", b"transfer-encoding", b"upgrade"))
_HOST, _COMPLETE, _ODD = 1, 1 << 20, 1 << 40
_WHOLE = _HOST + _COMPLETE
_HALF = _HOST


class Glance:
    """Looks at reads that begin a request; `limit` is the longest body in bytes.

    `missing` is what `look` found wanting: how many bytes of an ordinary request's body are still to come.
    """

    def __init__(self, limit: int) -> None:
        self.missing = 0
        self._limit = limit
        self._length = 0
        self._seen = 0  # hosts, completed messages and oddities, counted in one number: one comparison tells all
        self._parser = httptools.HttpRequestParser(self)

    def look(self, data: bytes) -> int:
        """The length of the head, if `data` is one ordinary request or the beginning of one with a longer body; else 0.

        Ordinary means HTTP/1.1, a common method, a target in origin form, one well-formed Host, no coding, no
        expectation, and the connection kept.
        """
        self._seen = self._length = 0
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._seen = _ODD  # the slow reader finds the same, and answers it
        head_length = data.find(_HEAD_END) + 4
        self.missing = head_length + self._length - len(data)
        if self._seen == _WHOLE and not self.missing and _ORDINARY_LINE(data) and head_length <= MAX_HEAD_BYTES:
            return head_length
        self._parser = httptools.HttpRequestParser(self)  # the old one is in the middle of something
        if self._seen == _HALF and self.missing > 0 and 4 <= head_length <= MAX_HEAD_BYTES and _ORDINARY_LINE(data):
            return head_length
        return 0

    # httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line: those that say how the message is framed, or where it goes, matter."""
        name = name.lower()
        if name not in _LOOKED_AT:
            return
        if name == b"content-length":
            self._length = int(value)  # the parser has refused what is no number
            if self._length > self._limit:
                self._seen += _ODD
        elif name == b"host":
            self._seen += _HOST if is_host(value) else _ODD
        elif name != b"connection" or value.lower() != b"keep-alive":
            self._seen += _ODD

    def on_message_complete(self) -> None:
        """A message has ended."""
        self._seen += _COMPLETE
