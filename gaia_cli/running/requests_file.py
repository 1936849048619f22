"""Requests to play, one JSON object a line: written by hand, or recorded.

    {"at_s": 0.5, "json": {"size": 300}}
    {"at_s": 0.9, "method": "GET", "path": "/health/readiness"}

The whole file is read and checked before anything is started, so a slip in line 900 costs no wait and no
half-played load.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaia_cli.errors import UsageError

_EXAMPLE = 'a line looks like {"at_s": 0.5, "json": {"size": 300}}'
_KEYS = ("at_s", "method", "path", "json", "body", "headers")
MAX_AT_S = 1e7
"""The longest load, in seconds: about four months."""

_PATH = re.compile(r"/[!-~]*")
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class _MalformedLine(Exception):  # noqa: N818 -- says what happened; it never leaves this module
    """A line is no request; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a load: `at_s` is seconds after the load's start."""

    at_s: float
    method: str = "POST"
    path: str = "/"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def read_requests(path: Path) -> list[PlannedRequest]:
    """Read the load at `path`; empty lines are passed over.

    Raises:
        UsageError: the file cannot be read, or a line is no request; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the requests in {path}: {error.strerror}", _EXAMPLE) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read the requests in {path}: {error}", _EXAMPLE) from None
    requests: list[PlannedRequest] = []
    for number, line in _lines(text):
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


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


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
    body, headers = _body(raw)
    return PlannedRequest(_at(raw), _method(raw), _path(raw), body, headers)


def _at(raw: dict[str, Any]) -> float:
    value = raw.get("at_s")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_AT_S:
        raise _MalformedLine(f"at_s must be 0 or more seconds, not {value!r}")
    return float(value)


def _method(raw: dict[str, Any]) -> str:
    value = raw.get("method", "POST")
    if not isinstance(value, str) or not value or not set(value) <= _TOKEN:
        raise _MalformedLine(f"method must be an HTTP method, not {value!r}")
    return value.upper()


def _path(raw: dict[str, Any]) -> str:
    value = raw.get("path", "/")
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise _MalformedLine(f"path must start with / and hold printable ASCII without spaces, not {value!r}")
    return value


def _body(raw: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    if "json" in raw and "body" in raw:
        raise _MalformedLine("give json or body, not both")
    headers = _headers(raw.get("headers", {}))
    if "json" in raw:
        return json.dumps(raw["json"]).encode(), {"content-type": "application/json"} | headers
    body = raw.get("body", "")
    if not isinstance(body, str):
        raise _MalformedLine(f"body must be text, not {body!r}")
    return body.encode("utf-8", "surrogatepass"), headers


def _headers(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise _MalformedLine(f"headers must be an object of texts, not {raw!r}")
    headers: dict[str, str] = {}
    for name, value in raw.items():
        if not name or not set(name) <= _TOKEN or not isinstance(value, str) or not _is_field_value(value):
            raise _MalformedLine(f"header {name!r}: {value!r} cannot be sent")
        if name.lower() in ("host", "connection", "content-length", "transfer-encoding"):
            raise _MalformedLine(f"header {name!r} is set by the player")
        headers[name.lower()] = value
    return headers


def _is_field_value(value: str) -> bool:
    return value.isprintable() and all(ord(character) < 256 for character in value)
