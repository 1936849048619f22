"""Requests to play, one JSON object a line: written by hand, or recorded.

    {"at_s": 0.5, "json": {"size": 300}}
    {"at_s": 0.9, "method": "GET", "path": "/health/readiness"}

A first line that says so makes it a closed loop, in which no request has a time:

    {"after": "answer", "clients": 4, "think_s": 0.5}
    {"json": {"size": 300}}

The whole file is checked before anything starts, so a slip in line 900 costs no wait and no half-played load.
"""

import json
import re
from pathlib import Path
from typing import Any

from analyzers.lean.files import DATA_BYTES, read_named
from gaia_cli.errors import UsageError
from gaia_cli.places import working_tree
from gaia_cli.running.playing.load import MOST_CLIENTS, ClosedLoop, Load, PlannedRequest

_EXAMPLE = 'a line looks like {"at_s": 0.5, "json": {"size": 300}}'
_LOOP_EXAMPLE = 'a closed loop begins with {"after": "answer", "clients": 4}, and its requests have no at_s'
_KEYS = ("at_s", "method", "path", "json", "body", "headers")
_LOOP = "after"
_LOOP_KEYS = (_LOOP, "clients", "think_s")
MAX_AT_S = 1e7
"""The longest load, in seconds: about four months."""

_ANY = re.compile(r"(?s).*")
_PATH = re.compile(r"/[!-~]*")
_VALUE = re.compile(r"[ -~\xa1-\xac\xae-\xff]*")  # printable Latin-1
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-zA-Z]+")


class _MalformedLine(Exception):  # noqa: N818 -- says what happened; it never leaves this module
    """A line is no request; the message says what is wrong with it."""


def read_requests(path: Path) -> Load:
    """Read the load at `path`; empty lines are skipped.

    Raises:
        UsageError: the file cannot be read, or a line is no request; the message names the line.
    """
    try:
        text = read_named(working_tree(), str(path), DATA_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read the requests in {path}: {said}", _EXAMPLE) from None
    loop: ClosedLoop | None = None
    requests: list[PlannedRequest] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            raw = _object(line)
            if _LOOP in raw:
                if loop or requests:
                    raise _MalformedLine("after belongs in the first line, once: it says how all requests are sent")
                loop = _loop(raw)
            else:
                requests.append(_request(raw, requests[-1].at_s if requests else 0.0, loop))
        except _MalformedLine as error:
            hint = _LOOP_EXAMPLE if loop or _LOOP in line else _EXAMPLE
            raise UsageError(f"{path}:{number}: {error}", hint) from None
    if not requests:
        raise UsageError(f"{path} contains no request", _EXAMPLE)
    return Load(tuple(requests), loop)


def _object(line: str) -> dict[str, Any]:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _MalformedLine(f"not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise _MalformedLine("not a JSON object")
    return raw


def _loop(raw: dict[str, Any]) -> ClosedLoop:
    _check_keys(raw, _LOOP_KEYS)
    if raw[_LOOP] != "answer":
        raise _MalformedLine(f'{_LOOP} must be "answer", not {raw[_LOOP]!r}')
    clients = raw.get("clients", 1)
    if isinstance(clients, bool) or not isinstance(clients, int) or not 1 <= clients <= MOST_CLIENTS:
        raise _MalformedLine(f"clients must be a whole number from 1 to {MOST_CLIENTS}, not {clients!r}")
    return ClosedLoop(clients, _seconds("think_s", raw.get("think_s", 0.0)))


def _check_keys(raw: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = [key for key in raw if key not in known]
    if unknown:
        raise _MalformedLine(f"unknown key {unknown[0]!r}; known are {', '.join(known)}")


def _request(raw: dict[str, Any], last_s: float, loop: ClosedLoop | None) -> PlannedRequest:
    """Return the request of an object; `last_s` is the time of the one before."""
    _check_keys(raw, _KEYS)
    if loop is not None and "at_s" in raw:
        raise _MalformedLine("at_s has no place in a closed loop, where a request follows an answer")
    at_s = _seconds("at_s", raw.get("at_s")) if loop is None else 0.0
    if at_s < last_s:
        raise _MalformedLine(f"at_s {at_s:g} comes before {last_s:g}; sort the lines")
    if "json" in raw and "body" in raw:
        raise _MalformedLine("give json or body, not both")
    body, headers = _text(raw, "body", "", _ANY, "be text").encode("utf-8", "surrogatepass"), _headers(raw)
    if "json" in raw:
        body, headers = _json(raw["json"]), {"content-type": "application/json"} | headers
    method = _text(raw, "method", "POST", _TOKEN, "be an HTTP method").upper()
    path = _text(raw, "path", "/", _PATH, "start with / and hold printable ASCII without spaces")
    return PlannedRequest(at_s, method, path, body, headers)


def _json(value: object) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError:
        raise _MalformedLine("json must hold numbers that JSON has, not NaN or Infinity") from None


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_AT_S:
        raise _MalformedLine(f"{key} must be 0 or more seconds, not {value!r}")
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
