"""A quick look at what a client sent: is it exactly one ordinary request, whole?

Nearly every read is, and then nothing need be taken apart: the worker gets the bytes as they came. The llhttp parser
reads all of them and refuses what is malformed, but it calls back only at the end of a message: a call a header costs
more than the one regular expression that finds what must be known of a head. What the two do not agree on, or what
needs more than that, is left to the slow reader (`reading.py`).
"""

import re

import httptools

MAX_HEAD_BYTES = 63 * 1024
"""Longer heads are measured, and mostly refused, by the slow reader."""

_LINES = rb"(?:(?i:content-length): *([0-9]+)\r\n|(?!(?i:host|content-length):)[^\r]+\r\n)*"
_ORDINARY_HEAD = re.compile(
    rb"(?:GET|POST|PUT|DELETE|PATCH|OPTIONS) /[!-\x22$-~]* HTTP/1\.1\r\n"
    + _LINES
    + rb"(?i:host): *[0-9A-Za-z._-]*(?::[0-9]*)?\r\n"
    + _LINES
    + rb"\r\n"
).match
"""A common method, a target in origin form, exactly one Host; the last group that matched is the Content-Length.

Of well-formed heads only: that the lines are header lines, and that they frame one message, is llhttp's to say.
"""

_WAITS_OR_CHANGES = re.compile(rb"\r\n(?:expect|upgrade|connection(?!: keep-alive\r)):?", re.IGNORECASE).search
_KEPT, _CLOSED = 1, 2


class Glance:
    """Looks at reads that begin a request; `limit` is the longest body in bytes.

    `missing` is what `look` found wanting: how many bytes of an ordinary request's body are still to come.
    """

    def __init__(self, limit: int) -> None:
        self.missing = 0
        self._limit = limit
        self._ended = 0
        self._parser = httptools.HttpRequestParser(self)

    def look(self, data: bytes) -> int:
        """The length of the head, if `data` is one ordinary request or the beginning of one with a longer body; else 0.

        Ordinary means also: HTTP/1.1, no coding, and the connection kept.
        """
        self._ended = 0
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return self._leave()  # the slow reader finds the same, and answers it
        head = _ORDINARY_HEAD(data)
        if head is None:
            return self._leave()
        head_length = head.end()
        group = head.lastindex
        length = int(head[group]) if group else 0
        self.missing = head_length + length - len(data)
        # One message has ended, and it is as long as the data: so nothing of another one has begun.
        if self._ended == _KEPT and not self.missing and head_length <= MAX_HEAD_BYTES and length <= self._limit:
            return head_length
        self._leave()
        if self._ended or self.missing <= 0 or head_length > MAX_HEAD_BYTES or length > self._limit:
            return 0
        return 0 if _WAITS_OR_CHANGES(data, 0, head_length) else head_length

    def _leave(self) -> int:
        """Begin anew with the next read: the parser is in the middle of something."""
        self._parser = httptools.HttpRequestParser(self)
        return 0

    def on_message_complete(self) -> None:
        """A message has ended."""
        self._ended += _KEPT if self._parser.should_keep_alive() else _CLOSED
