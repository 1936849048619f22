"""What a handler gives in parts, an iterator or an asynchronous one: each part leaves when it is there.

The first part says what the answer is: text makes server-sent events, other values JSON lines, and bytes stay as they
are. So nothing is sent before it is there, and a function that raises before it is answered with a 500 like any other.
Whoever iterates closes the iterator: its `finally` runs when the client has left, too. An open file is its content.
"""

import asyncio
import contextlib
import io
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import status_line
from runtime_images.dynamic_runtime.worker.values.jsonable import ResultError

Encode = Callable[[Any], bytes]

_EVENTS = status_line(200) + b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
_LINES = status_line(200) + b"content-type: application/x-ndjson\r\n"
_RAW = status_line(200) + b"content-type: application/octet-stream\r\n"

_TEXT_FILE = status_line(200) + b"content-type: text/plain; charset=utf-8\r\n", str.encode
_PIECE = 64 * 1024

_LINE_END = re.compile("\r\n|\r|\n")  # those of events (HTML, 9.2.6): str.splitlines knows more of them
_IS_EVENT = re.compile(r"(?:(?:data|event|id|retry)(?::|\r?\n)|:)")
_END = object()
_own = threading.local()


def opened(source: Any, to_json: Encode) -> tuple[bytes, Iterator[bytes]]:  # noqa: ANN401 -- any iterator
    """Return head and parts of what a blocking handler has returned; this thread waits for the first of them."""
    values = _values(source) if hasattr(source, "__next__") else _in_this_thread(source)
    first = next(values, _END)
    head, encode = _TEXT_FILE if isinstance(source, io.TextIOBase) else _form(first, to_json)
    return head, _encoded(first, values, encode)


async def opened_async(source: Any, to_json: Encode) -> tuple[bytes, AsyncIterator[bytes]]:  # noqa: ANN401 -- any iterator
    """Return head and parts of what an `async` handler has returned, once the first of them is there."""
    values = _in_other_threads(_values(source)) if hasattr(source, "__next__") else aiter(source)
    first = await anext(values, _END)
    head, encode = _TEXT_FILE if isinstance(source, io.TextIOBase) else _form(first, to_json)
    return head, _encoded_async(first, values, encode)


def awaited(value: Awaitable[Any]) -> Any:  # noqa: ANN401
    """Return what an awaitable gives, on an event loop that this thread keeps: what it opens there stays usable."""
    loop = getattr(_own, "loop", None)
    if loop is None:
        loop = _own.loop = asyncio.new_event_loop()
    return loop.run_until_complete(_as_coroutine(value))


async def _as_coroutine(value: Awaitable[Any]) -> Any:  # noqa: ANN401
    return await value


def _values(source: Any) -> Iterator[Any]:  # noqa: ANN401
    """Return an iterator; that of a file goes by pieces, since lines may be of any length."""
    if not isinstance(source, io.IOBase):
        return iter(source)
    return _pieces(source)


def _pieces(file: Any) -> Iterator[Any]:  # noqa: ANN401 -- of bytes, or of text
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _form(first: Any, to_json: Encode) -> tuple[bytes, Encode]:  # noqa: ANN401
    """Return the head for an answer that begins with this part, and how its parts are encoded."""
    if isinstance(first, str):
        return _EVENTS, lambda value: _event(value if isinstance(value, str) else to_json(value).decode())
    if isinstance(first, bytes | bytearray | memoryview):
        return _RAW, _raw
    return _LINES, lambda value: to_json(value) + b"\n"


def _event(text: str) -> bytes:
    """Return the text as one event; what is written as an event is one already."""
    if text.endswith(("\n\n", "\r\n\r\n")) and _IS_EVENT.match(text):
        return text.encode(errors="replace")
    return b"".join(b"data: %b\n" % line.encode(errors="replace") for line in _LINE_END.split(text)) + b"\n"


def _raw(value: Any) -> bytes:  # noqa: ANN401
    if not isinstance(value, bytes | bytearray | memoryview):
        raise ResultError(f"the function's stream began with bytes, and went on with {type(value).__qualname__}")
    return memoryview(value).tobytes()


def _encoded(first: object, values: Iterator[Any], encode: Encode) -> Iterator[bytes]:
    try:
        if first is not _END:
            yield encode(first)
            yield from map(encode, values)
    finally:
        if hasattr(values, "close"):
            values.close()


async def _encoded_async(first: object, values: AsyncIterator[Any], encode: Encode) -> AsyncIterator[bytes]:
    try:
        if first is not _END:
            yield encode(first)
            async for value in values:
                yield encode(value)
    finally:
        if hasattr(values, "aclose"):
            await values.aclose()


def _in_this_thread(source: Any) -> Iterator[Any]:  # noqa: ANN401
    """Iterate over an asynchronous source of a blocking handler."""
    values = aiter(source)
    try:
        while (value := awaited(anext(values, _END))) is not _END:
            yield value
    finally:
        if hasattr(values, "aclose"):
            awaited(values.aclose())


async def _in_other_threads(values: Iterator[Any]) -> AsyncIterator[Any]:
    """Iterate over a blocking source of an `async` handler without holding up other requests."""
    step = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, values, _END))
            if (value := await asyncio.shield(step)) is _END:
                return
            yield value
    finally:
        if step is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait([step])  # a generator that runs cannot be closed
        if hasattr(values, "close"):
            await asyncio.to_thread(values.close)
