"""The user's warm-up request: run once in each new worker, before it takes traffic.

The first call of a function is often its slowest: weights are uploaded, kernels chosen, caches filled. No client shall
pay for that. A warm-up that fails fails the start: what cannot answer its own user's example gets no other request.
"""

import asyncio
import collections
import contextlib
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import unquote

from runtime_images.dynamic_runtime.worker import plain
from runtime_images.dynamic_runtime.worker.asgi import build_scope
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, Message, Scope, SetupError, describe_error
from runtime_images.dynamic_runtime.worker.exchange import Request, request_of
from runtime_images.dynamic_runtime.worker.values.payloads import decode_payload
from runtime_images.policy.model import WarmUp

LOWEST_ERROR = 400


async def warm_up(function: LoadedFunction, request: WarmUp, state: dict[str, Any]) -> None:
    """Call an `async` function once, or raise SetupError; `state` is what a framework's start-up has left."""
    with _failing_the_start(function, request):
        if function.plain is not None:
            _, body = await plain.answer_awaiting(function.plain, _payload(request))
            await _exhaust(body)
            return
        if function.exchange is not None:
            exchange: Any = function.exchange
            status, _, body = await exchange(_exchanged(request))
            _check(function, request, status)
            await _exhaust(body)
            return
        status = await _call_asgi(function, _scope(request, state), request.body.encode())
        _check(function, request, status)


def warm_up_blocking(function: LoadedFunction, request: WarmUp) -> None:
    """Call what blocks once, in the thread that goes on calling it, or raise SetupError."""
    with _failing_the_start(function, request):
        if function.plain is not None:
            _, body = plain.answer_blocking(function.plain, _payload(request))
        else:
            exchange: Any = function.exchange
            status, _, body = exchange(_exchanged(request))
            _check(function, request, status)
        if not isinstance(body, bytes):
            collections.deque(body, maxlen=0)


@contextlib.contextmanager
def _failing_the_start(function: LoadedFunction, request: WarmUp) -> Iterator[None]:
    try:
        yield
    except SetupError:
        raise
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        traceback.print_exc()
        raise _failure(function, request, f"made the function raise {describe_error(error)}") from None


def _failure(function: LoadedFunction, request: WarmUp, what: str) -> SetupError:
    entry = function.entry
    message = f"{entry.path}:{entry.line}: the warm-up request ({request.method} {request.path}) {what}"
    return SetupError("warmup", message, entry.path, entry.line)


async def _exhaust(body: bytes | AsyncIterator[bytes]) -> None:
    if not isinstance(body, bytes):
        async for _ in body:
            pass


def _check(function: LoadedFunction, request: WarmUp, status: int) -> None:
    if not 0 < status < LOWEST_ERROR:
        raise _failure(function, request, f"was answered with status {status}" if status else "was not answered")


def _exchanged(request: WarmUp) -> Request:
    return request_of(_scope(request, {}), request.body.encode())


def _payload(request: WarmUp) -> Any:  # noqa: ANN401 -- JSON's own type
    return decode_payload(b"", request.body.encode(), request.path.partition("?")[2].encode())


async def _call_asgi(function: LoadedFunction, scope: Scope, body: bytes) -> int:
    """Return the status that the function sends; 0 if it sends none."""
    assert function.asgi is not None
    status = 0
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()  # this client does not leave
        return incoming.pop()

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])

    await function.asgi(scope, receive, send)
    return status


def _scope(request: WarmUp, state: dict[str, Any]) -> Scope:
    """Return the scope of a request such as the front passes on, with method and target as the user wrote them."""
    path, _, query = request.path.partition("?")
    length = b"content-length: %d\r\n\r\n" % len(request.body.encode())
    head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" + length
    asked = {"method": request.method, "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode()}
    return build_scope(head, state, None) | asked
