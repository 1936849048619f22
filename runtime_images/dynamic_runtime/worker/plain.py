"""Calls of a plain `handler(payload)` inside a worker: the payload decoded, the result encoded, errors made answers.

A traceback goes to the function's log only, never to the client: it may hold what clients must not see.
"""

import asyncio
import contextlib
import json
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES
from runtime_images.dynamic_runtime.wire.frames import CHUNK, FINAL, IN_ARENA, MAX_CHUNK_BYTES, RESPONSE, Kind
from runtime_images.dynamic_runtime.worker.bodies import Bodies
from runtime_images.dynamic_runtime.worker.contract import PayloadError, ResultError, decode_payload, encode_result

Handler = Callable[[Any], Any]

Content = tuple[bytes, bytes]
"""Content type and body."""

_content_type = re.compile(rb"\r\ncontent-type:[ \t]*([^\r\n]*)", re.IGNORECASE).search
_JSON_LINE = b"\r\ncontent-type: application/json\r\n"
"""How most clients write it, or the front for them: found in a fraction of the time that the expression takes."""

_pack = frames.HEADER.pack
_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def call_blocking(handler: Handler, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Call the handler in this thread; the head and the body of the answer."""
    try:
        content_type, answer = encode_result(handler(_payload(head, body)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        return _failed(error)
    return _head(200, content_type), answer


async def call_awaiting(handler: Handler, head: bytes, body: bytes) -> tuple[bytes, bytes] | None:
    """Await the handler; the head and the body of the answer, None if it was cancelled."""
    try:
        content_type, answer = encode_result(await handler(_payload(head, body)))
    except asyncio.CancelledError:
        return None
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        return _failed(error)
    return _head(200, content_type), answer


def failure(error: BaseException) -> tuple[int, Content]:
    """Status and content for what the user's code, or the decoding for it, has raised."""
    if isinstance(error, PayloadError):
        return 400, _error_content(str(error))
    if isinstance(error, ResultError):
        with contextlib.suppress(Exception):  # the function may have closed its own standard error
            sys.stderr.write(f"{error}\n")
        return 500, _error_content("the function returned what JSON cannot hold")
    frame_of_ours = error.__traceback__
    with contextlib.suppress(Exception):  # the function may have closed its own standard error
        traceback.print_exception(error.with_traceback(frame_of_ours.tb_next if frame_of_ours else None))
    return 500, _error_content(f"the function raised {type(error).__name__}")


def dropped(request_id: int) -> bytes:
    """The answer to a request that was cancelled; nobody reads it, but the front counts the request off."""
    timing = (time.monotonic_ns(), 0, 0)
    return frames.encode(Kind.CHUNK, request_id, flags=frames.ABORTED | FINAL, timing=timing)


def answer_parts(
    request_id: int, head: bytes, body: bytes, timing: tuple[int, int, int], bodies: Bodies
) -> Sequence[bytes]:
    """The frame of a whole answer, in parts; a large body is placed in shared memory. Empty: it needs a stream."""
    place = bodies.place(body) if len(body) > LEAST_BYTES else None
    if place is not None:
        return (frames.encode(RESPONSE, request_id, head, place, FINAL | IN_ARENA, timing),)
    if len(body) > MAX_CHUNK_BYTES:
        return ()
    size, head_length = len(head) + len(body), len(head)
    begun_ns, service_ns, cpu_ns = timing
    return _pack(size, request_id, RESPONSE, FINAL, head_length, begun_ns, service_ns, cpu_ns), head, body


def stream(request_id: int, head: bytes, body: bytes) -> Iterator[bytes]:
    """The frames of a long answer, but for the last, which `stream_end` makes: the front bounds what a frame holds."""
    head += b"content-length: %d\r\n" % len(body)
    yield frames.encode(RESPONSE, request_id, head, body[:MAX_CHUNK_BYTES])
    for cut in range(MAX_CHUNK_BYTES, len(body), MAX_CHUNK_BYTES):
        yield frames.encode(CHUNK, request_id, body=body[cut : cut + MAX_CHUNK_BYTES])


def stream_end(request_id: int, timing: tuple[int, int, int]) -> bytes:
    """The last frame of such an answer, when the client has taken what came before."""
    return frames.encode(CHUNK, request_id, flags=FINAL, timing=timing)


def _failed(error: BaseException) -> tuple[bytes, bytes]:
    status, (content_type, body) = failure(error)
    return _head(status, content_type), body


def _head(status: int, content_type: bytes) -> bytes:
    if status == 200 and content_type == b"application/json":
        return _JSON_HEAD
    return frames.status_line(status) + b"content-type: %b\r\n" % content_type


def _error_content(message: str) -> Content:
    return b"application/json", json.dumps({"error": message}).encode()


def _payload(head: bytes, body: bytes) -> Any:  # noqa: ANN401 -- JSON's own type
    """The payload of a request."""
    if not body:
        return decode_payload(b"", b"", head.split(b" ", 2)[1].partition(b"?")[2])
    if _JSON_LINE in head:
        return decode_payload(b"application/json", body, b"")
    found = _content_type(head)
    return decode_payload(found[1] if found else b"", body, b"")
