"""Calls of a function that answers requests (`exchange`): the request read, the answer's head written."""

from runtime_images.dynamic_runtime.wire.frames import REFUSED
from runtime_images.dynamic_runtime.worker import plain
from runtime_images.dynamic_runtime.worker.asgi import announcing, build_scope, encode_head, whole_head
from runtime_images.dynamic_runtime.worker.exchange import Answer, AsyncExchange, Exchange, Parts, Request, request_of


def call_blocking(
    exchange: Exchange, head: bytes, body: bytes, client: tuple[str, int] | None
) -> tuple[bytes, bytes | Parts]:
    """Call the function in this thread; return the head and the body of the answer."""
    try:
        return _encoded(head, exchange(_request(head, body, client)))
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        return plain.failed(error)


async def call_awaiting(
    exchange: AsyncExchange, head: bytes, body: bytes, client: tuple[str, int] | None
) -> tuple[bytes, bytes | Parts]:
    """Await the function; return the head and the body of the answer. Raises what the function raises."""
    return _encoded(head, await exchange(_request(head, body, client)))


def _request(head: bytes, body: bytes, client: tuple[str, int] | None) -> Request:
    return request_of(build_scope(head, {}, client), body)


def _encoded(request_head: bytes, answer: Answer) -> tuple[bytes, bytes | Parts]:
    head, length = encode_head(answer.status, answer.headers)
    if isinstance(answer.body, bytes):
        whole = whole_head(request_head, head, length, len(answer.body))
        return whole, b"" if whole.startswith(REFUSED) else answer.body
    return announcing(head, length), answer.body
