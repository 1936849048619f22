"""Requests to play, one JSON object a line: written by hand, or recorded.

    {"at_s": 0.5, "json": {"size": 300}}
    {"at_s": 0.9, "method": "GET", "path": "/health/readiness"}

The whole file is checked before anything starts, so a slip in line 900 costs no wait and no half-played load.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzers.lean.files import DATA_BYTES, read_named
from gaia_cli.errors import UsageError
from gaia_cli.places import working_tree

_EXAMPLE = 'a line looks like {"at_s": 0.5, "json": {"size": 300}}'
_KEYS = ("at_s", "method", "path", "json", "body", "headers")
MAX_AT_S = 1e7
"""The longest load, in seconds: about four months."""

_ANY = re.compile(r"(?s).*")
_PATH = re.compile(r"/[!-~]*")
_VALUE = re.compile(r"[ -~\xa1-\xac\xae-\xff]*")  # printable Latin-1
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-zA-Z]+")


class _MalformedLine(Exception):  # noqa: N818 -- says what happened; it never leaves this module
    """A line is no request; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a load, `at_s` seconds after the load's start."""

    at_s: float
    method: str = "POST"
    path: str = "/"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def read_requests(path: Path) -> list[PlannedRequest]:
    """Read the load at `path`; empty lines are skipped.

    Raises:
        UsageError: the file cannot be read, or a line is no request; the message names the line.
    """
    try:
        text = read_named(working_tree(), str(path), DATA_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read the requests in {path}: {said}", _EXAMPLE) from None
    requests: list[PlannedRequest] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            request = _request(line)
            if requests and request.at_s < requests[-1].at_s:
                raise _MalformedLine(f"at_s {request.at_s:g} comes before {requests[-1].at_s:g}; sort the lines")
        except _MalformedLine as error:
            raise UsageError(f"{path}:{number}: {error}", _EXAMPLE) from None
        requests.append(request)
    if not requests:
        raise UsageError(f"{path} contains no request", _EXAMPLE)
    return requests


def _request(line: str) -> PlannedRequest:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _MalformedLine(f"not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise _MalformedLine("not a JSON object")
    unknown = [key for key in raw if key not in _KEYS]
    if unknown:
        raise _MalformedLine(f"unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    if "json" in raw and "body" in raw:
        raise _MalformedLine("give json or body, not both")
    body, headers = _text(raw, "body", "", _ANY, "be text").encode("utf-8", "surrogatepass"), _headers(raw)
    if "json" in raw:
        body, headers = _json(raw["json"]), {"content-type": "application/json"} | headers
    method = _text(raw, "method", "POST", _TOKEN, "be an HTTP method").upper()
    path = _text(raw, "path", "/", _PATH, "start with / and hold printable ASCII without spaces")
    return PlannedRequest(_at(raw), method, path, body, headers)


def _json(value: object) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError:
        raise _MalformedLine("json must hold numbers that JSON has, not NaN or Infinity") from None


def _at(raw: dict[str, Any]) -> float:
    value = raw.get("at_s")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_AT_S:
        raise _MalformedLine(f"at_s must be 0 or more seconds, not {value!r}")
    return float(value)


def _text(raw: dict[str, Any], key: str, default: str, pattern: re.Pattern[str], rule: str) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _MalformedLine(f"{key} must {rule}, not {value!r}")
    return value


def _headers(raw: dict[str, Any]) -> dict[str, str]:
    given = raw.get("headers", {})
    if not isinstance(given, dict):
        raise _MalformedLine(f"headers must be an object of texts, not {given!r}")
    headers: dict[str, str] = {}
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise _MalformedLine(f"header {name!r}: {value!r} cannot be sent")
        if name.lower() in ("host", "connection", "content-length", "transfer-encoding"):
            raise _MalformedLine(f"header {name!r} is set by the player")
        headers[name.lower()] = value
    return headers
