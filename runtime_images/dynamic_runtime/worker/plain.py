"""Calls of a plain `handler(payload)` inside a worker: the payload decoded, the result encoded, errors made answers.

A traceback goes to the function's log only, never to the client: it may hold what clients must not see.
"""

import asyncio
import contextlib
import json
import re
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from runtime_images.dynamic_runtime.wire.frames import status_line
from runtime_images.dynamic_runtime.worker.contract import describe_error

Handler = Callable[[Any], Any]

_content_type = re.compile(rb"\r\ncontent-type:[ \t]*+([^\r\n]*+)", re.IGNORECASE).search
_JSON_LINE = b"\r\ncontent-type: application/json\r\n"
"""How most clients write it, or the front for them: found in a fraction of the time that the expression takes
(`benchmarks.serving`, "trivial", gaia handler)."""

_JSON_TYPE = b"content-type: application/json\r\n"
_JSON_HEAD = status_line(200) + _JSON_TYPE
_BYTES_HEAD = status_line(200) + b"content-type: application/octet-stream\r\n"


class PayloadError(ValueError):
    """The request body cannot be decoded as its content type says."""


class ResultError(ValueError):
    """What a plain handler returned cannot be sent."""


def call_blocking(handler: Handler, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Call the handler in this thread; return the head and the body of the answer."""
    try:
        return _encode(handler(_payload(head, body)))
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        return failed(error)


async def call_awaiting(handler: Handler, head: bytes, body: bytes) -> tuple[bytes, bytes] | None:
    """Await the handler; return the head and the body of the answer, None if it was cancelled."""
    try:
        return _encode(await handler(_payload(head, body)))
    except asyncio.CancelledError:
        return None
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        return failed(error)


def failure(error: BaseException) -> tuple[int, bytes]:
    """Return status and JSON body for what the user's code, or the decoding for it, has raised."""
    if isinstance(error, PayloadError):
        return 400, _error_body(str(error))
    if isinstance(error, ResultError):
        with contextlib.suppress(Exception):  # the function may have closed its own standard error
            sys.stderr.write(f"{error}\n")
        return 500, _error_body("the function returned what JSON cannot hold")
    frame_of_ours = error.__traceback__
    with contextlib.suppress(Exception):  # the function may have closed its own standard error
        traceback.print_exception(error.with_traceback(frame_of_ours.tb_next if frame_of_ours else None))
    return 500, _error_body(f"the function raised {type(error).__name__}")


def failed(error: BaseException) -> tuple[bytes, bytes]:
    """Return head and JSON body of the answer to what the user's code has raised."""
    status, body = failure(error)
    return status_line(status) + _JSON_TYPE, body


def _error_body(message: str) -> bytes:
    return json.dumps({"error": message}).encode()


def _payload(head: bytes, body: bytes) -> Any:  # noqa: ANN401 -- JSON's own type
    if not body:
        return decode_payload(b"", b"", head.split(b" ", 2)[1].partition(b"?")[2])
    if _JSON_LINE in head:
        return decode_payload(b"application/json", body, b"")
    found = _content_type(head)
    return decode_payload(found[1] if found else b"", body, b"")


def decode_payload(content_type: bytes, body: bytes, query: bytes) -> Any:  # noqa: ANN401 -- JSON's own type
    """Return what a plain handler gets: JSON decoded, text as str, other types as bytes.

    Without a body it gets the query's parameters.

    Raises:
        PayloadError: the body is not the JSON, or the text, that its content type announces.
    """
    if not body:
        return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    kind = _media_type(content_type)
    try:
        if kind.startswith(b"text/"):
            return body.decode()
        if kind == b"application/x-www-form-urlencoded":
            return _form_or_json(body)
        if not kind or kind.endswith((b"/json", b"+json")):
            return _from_json(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the body is not valid {kind.decode('latin-1') or 'JSON'}: {error}") from None
    return body


@lru_cache(maxsize=128)
def _media_type(content_type: bytes) -> bytes:
    """Return the type without its parameters; clients use few of them."""
    return content_type.partition(b";")[0].strip().lower()


_decode_first = json.JSONDecoder().raw_decode
"""Made once: json.loads would guess the coding of bytes, which costs a short request more than its parsing
(`benchmarks.serving`, "trivial", gaia handler)."""

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode
"""Bound once: json.dumps with options makes an encoder for each call. What holds itself recurses."""


def _from_json(body: bytes) -> Any:  # noqa: ANN401
    try:
        text = body.decode()
        value, end = _decode_first(text)
    except ValueError:
        return json.loads(body)  # white space in front, another coding than UTF-8, or the same error
    return value if end == len(text) else json.loads(body)


def _form_or_json(body: bytes) -> Any:  # noqa: ANN401
    """Return JSON that curl has sent, by default under the name of a form; else the form's fields."""
    try:
        return json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def _encode(result: Any) -> tuple[bytes, bytes]:  # noqa: ANN401
    """Return head and body for a handler's result: bytes as they are, all else as JSON, or raise ResultError."""
    if isinstance(result, bytes | bytearray):
        return _BYTES_HEAD, bytes(result)
    try:
        return _JSON_HEAD, _encode_json(result).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultError(f"the function returned what JSON cannot hold: {describe_error(error)}") from None
