"""Calls of a plain `handler(payload)` inside a worker: the payload decoded, the result encoded, errors made answers.

A traceback goes to the function's log only, never to the client: it may hold what clients must not see.
"""

import asyncio
import contextlib
import json
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from runtime_images.dynamic_runtime import frames
from runtime_images.dynamic_runtime.contract import PayloadError, decode_payload, encode_result
from runtime_images.dynamic_runtime.frames import Frame, Kind, Stopwatch, Timing

Content = tuple[bytes, bytes]
"""Content type and body."""


def call_blocking(frame: Frame, handler: Callable[[Any], Any]) -> bytes:
    """Call the handler in this thread; the encoded frames of the answer."""
    clock = Stopwatch()
    try:
        answer = 200, encode_result(handler(_payload(frame)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        answer = failure(error)
    return _encode(frame.request_id, *answer, clock.stop())


async def call_awaiting(frame: Frame, handler: Callable[[Any], Awaitable[Any]]) -> bytes:
    """Await the handler; the encoded frames of the answer. One that is cancelled is counted off as dropped."""
    clock = Stopwatch()
    try:
        answer = 200, encode_result(await handler(_payload(frame)))
    except asyncio.CancelledError:
        return dropped(frame.request_id)
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        answer = failure(error)
    return _encode(frame.request_id, *answer, clock.stop())


def failure(error: BaseException) -> tuple[int, Content]:
    """Status and content for what the user's code, or the decoding for it, has raised."""
    if isinstance(error, PayloadError):
        return 400, _error_content(str(error))
    frame_of_ours = error.__traceback__
    with contextlib.suppress(Exception):  # the function may have closed its own standard error
        traceback.print_exception(error.with_traceback(frame_of_ours.tb_next if frame_of_ours else None))
    return 500, _error_content(f"the function raised {type(error).__name__}")


def dropped(request_id: int) -> bytes:
    """The answer to a request that was cancelled; nobody reads it, but the front counts the request off."""
    now_ns = time.monotonic_ns()
    return frames.encode_final(Kind.CHUNK, request_id, Timing(now_ns, now_ns, 0), flags=frames.ABORTED)


def _error_content(message: str) -> Content:
    return b"application/json", json.dumps({"error": message}).encode()


def _payload(frame: Frame) -> Any:  # noqa: ANN401 -- JSON's own type
    """The payload of a request frame (head: method, target, version, name, value, ...)."""
    fields = frames.split_fields(frame.head)
    names = fields[3::2]
    content_type = fields[4 + 2 * names.index(b"content-type")] if b"content-type" in names else b""
    return decode_payload(content_type, frame.body, fields[1].partition(b"?")[2])


def _encode(request_id: int, status: int, content: Content, timing: Timing) -> bytes:
    """The frames of a whole answer; a large body is cut, because the front bounds what one frame may hold."""
    content_type, body = content
    head = frames.join_fields((b"%d" % status, b"content-type", content_type))
    if len(body) <= frames.MAX_CHUNK_BYTES:
        return frames.encode_final(Kind.RESPONSE, request_id, timing, head, body)
    head += frames.join_fields((b"", b"content-length", b"%d" % len(body)))
    cuts = range(0, len(body), frames.MAX_CHUNK_BYTES)
    chunks = [frames.encode(Kind.CHUNK, request_id, body=body[cut : cut + frames.MAX_CHUNK_BYTES]) for cut in cuts]
    first, last = frames.encode(Kind.RESPONSE, request_id, head), frames.encode_final(Kind.CHUNK, request_id, timing)
    return b"".join((first, *chunks, last))
