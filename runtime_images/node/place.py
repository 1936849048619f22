"""Where a node's table is, a file or an address of HTTP: read within bounds of size and time, named without secrets.

Somebody else writes it, so neither may hold the reader up: a file must be an ordinary one, an answer of many small
pieces ends with the time that it has in all.
"""

import os
import stat
import time
import urllib.error
import urllib.request
from base64 import b64encode
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

TABLE_BYTES = 1024 * 1024
"""More than a year of hourly rows."""
MOST_S = 10.0
"""The longest that one reading may take."""

_ADDRESSES = ("http", "https")
_PIECE_BYTES = 64 * 1024


class UnreadableError(Exception):
    """The table could not be read; the message says why, and holds no secret."""


def public_name(place: str) -> str:
    """Return a place as logs may have it: an address without user, password and query."""
    if not is_address(place):
        return place
    parts = urlsplit(place)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_address(place: str) -> bool:
    """Return whether a place is an address, and not a file."""
    return place.partition("://")[0].lower() in _ADDRESSES


def read_place(place: str, directory: Path) -> tuple[bytes, float]:
    """Return what is there, and when it was written, in seconds since 1970; a relative path begins at `directory`.

    An answer counts as written when it came.

    Raises:
        UnreadableError: it is not there, is too long, or takes too long.
    """
    try:
        if is_address(place):
            return _answer_of(place), time.time()
        return _file(directory / place)
    except urllib.error.HTTPError as error:
        error.close()
        raise UnreadableError(f"the answer has the status {error.code}") from None
    except urllib.error.URLError as error:
        raise UnreadableError(_in_words(error.reason)) from None
    except (OSError, ValueError, HTTPException) as error:
        raise UnreadableError(_in_words(error)) from None


def _in_words(error: object) -> str:
    """Return what an error says of the place, but never the place itself, which may hold a secret."""
    if isinstance(error, TimeoutError):
        return f"no whole answer within {MOST_S:.0f} s"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _file(path: Path) -> tuple[bytes, float]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("it is no ordinary file")
        return _bounded(file.read(TABLE_BYTES + 1)), status.st_mtime


def _answer_of(address: str) -> bytes:
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host, fragment="")))  # noqa: S310 -- is_address
    if user:
        request.add_unredirected_header("Authorization", f"Basic {b64encode(unquote(user).encode()).decode()}")
    end = time.monotonic() + MOST_S
    with urllib.request.urlopen(request, timeout=MOST_S) as answer:  # noqa: S310
        data = b""
        while chunk := answer.read1(_PIECE_BYTES):
            data = _bounded(data + chunk)
            if time.monotonic() > end:
                raise TimeoutError
    return data


def _bounded(data: bytes) -> bytes:
    if len(data) > TABLE_BYTES:
        raise UnreadableError(f"it is longer than {TABLE_BYTES // 1024} KiB")
    return data
