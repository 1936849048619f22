"""The third way to call a function: a `Request` in, an `Answer` with a status and headers of its own out.

Forms that need more of a request than its payload, and are no ASGI either, are made callables of this kind when the
worker loads (`forms/`). An answer whose body is not at hand leaves in parts, each as soon as there is one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Parts = Iterator[bytes] | AsyncIterator[bytes]
"""A body that leaves in parts. What has `close` or `aclose` is closed at its end, and when the client leaves."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the client sent it; `query` is without its question mark, names of headers are in lower case."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    http_version: str
    scheme: str
    client: tuple[str, int] | None
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first value of a header, empty if there is none."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), "")


class Answer(NamedTuple):
    """What the client gets; the length of a body of bytes need not be among the headers."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | Parts


Exchange = Callable[[Request], Answer]
AsyncExchange = Callable[[Request], Awaitable[Answer]]


def octets(value: Any, what: str) -> bytes:  # noqa: ANN401 -- a function may send anything
    """Return the bytes of what holds bytes, whatever its items and their order in memory.

    An answer's length has to be that of its bytes: of an array it is that of its items, of a text of its characters.

    Raises:
        TypeError: it is something else; the sentence begins with `what`.
    """
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise TypeError(f"{what} must be bytes, not {type(value).__name__}") from None


def close(made: object) -> None:
    """Let the function give up what it holds for an answer; raises what its `close` raises."""
    if (own := getattr(made, "close", None)) is not None:
        own()


def request_of(scope: dict[str, Any], body: bytes) -> Request:
    """Return the request of an ASGI scope."""
    return Request(
        scope["method"],
        scope["path"],
        scope["raw_path"],
        scope["query_string"],
        scope["http_version"],
        scope["scheme"],
        scope["client"],
        scope["headers"],
        body,
    )
