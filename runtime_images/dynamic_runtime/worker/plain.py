"""Calls of a plain `handler(payload)` inside a worker: the payload decoded, the result encoded, errors made answers.

A traceback goes to the function's log only, never to the client: it may hold what clients must not see.
"""

import contextlib
import json
import re
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import CoroutineType, TracebackType
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import status_line
from runtime_images.dynamic_runtime.worker.values import parts
from runtime_images.dynamic_runtime.worker.values.jsonable import ResultError
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError, decode_payload
from runtime_images.dynamic_runtime.worker.values.results import JSON_TYPE, encode, to_json

Handler = Callable[[Any], Any]
_OURS = "runtime_images."

_content_type = re.compile(rb"\r\ncontent-type:[ \t]*+([^\r\n]*+)", re.IGNORECASE).search
_JSON_LINE = b"\r\ncontent-type: application/json\r\n"
"""How most clients write it, or the front for them: found in a fraction of the time that the expression takes
(`benchmarks.serving`, "trivial", gaia handler)."""


def call_blocking(handler: Handler, head: bytes, body: bytes) -> tuple[bytes, bytes | Iterator[bytes]]:
    """Call the handler in this thread; return the head and the body of the answer, or the parts of the body."""
    try:
        return answer_blocking(handler, _payload(head, body))
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        return failed(error)


def answer_blocking(handler: Handler, payload: Any) -> tuple[bytes, bytes | Iterator[bytes]]:  # noqa: ANN401
    """Do so with a payload. Raises what the handler raises, or ResultError."""
    answer = encode(handler(payload))
    return answer if answer[0] else parts.opened(answer[1], to_json)


def call_awaiting(
    handler: Handler, head: bytes, body: bytes
) -> Coroutine[Any, Any, tuple[bytes, bytes | AsyncIterator[bytes]]]:
    """Await the handler; return the head and the body of the answer, or its parts. Raises what the handler raises."""
    return answer_awaiting(handler, _payload(head, body))


async def answer_awaiting(handler: Handler, payload: Any) -> tuple[bytes, bytes | AsyncIterator[bytes]]:  # noqa: ANN401
    """Do so with a payload."""
    result = handler(payload)
    if type(result) is CoroutineType or hasattr(result, "__await__"):
        result = await result
    answer = encode(result)
    return answer if answer[0] else await parts.opened_async(answer[1], to_json)


def failure(error: BaseException) -> tuple[int, bytes]:
    """Return status and JSON body for what the user's code, or the decoding for it, has raised; log what it was."""
    if isinstance(error, PayloadError):
        return 400, error_body(str(error))
    with contextlib.suppress(BaseException):  # the function may have closed its standard error, or raise in __str__
        if isinstance(error, ResultError):
            sys.stderr.write(f"{error}\n")
        else:
            traceback.print_exception(error.with_traceback(_users_part(error.__traceback__)))
    if isinstance(error, ResultError):
        return 500, error_body("the function returned what JSON cannot hold")
    return 500, error_body(f"the function raised {type(error).__name__}")


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without what stands above the function's own code; all of it if there is none of that."""
    part = trace
    while part is not None and part.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        part = part.tb_next
    return part or trace


def failed(error: BaseException) -> tuple[bytes, bytes]:
    """Return head and body of the answer for what the user's code has raised."""
    status, body = failure(error)
    return status_line(status) + JSON_TYPE, body


def error_body(message: str) -> bytes:
    """Return the JSON body of an error answer."""
    return json.dumps({"error": message}).encode()


def _payload(head: bytes, body: bytes) -> Any:  # noqa: ANN401 -- JSON's own type
    if not body:
        return decode_payload(b"", b"", head.split(b" ", 2)[1].partition(b"?")[2])
    if _JSON_LINE in head:
        return decode_payload(b"application/json", body, b"")
    found = _content_type(head)
    return decode_payload(found[1] if found else b"", body, b"")
