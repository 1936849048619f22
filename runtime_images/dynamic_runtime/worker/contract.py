"""The function contract: whatever the user wrote becomes a `LoadedFunction`, which is called in one of three ways.

An ASGI callable is called on the event loop, as the user's own object. A plain `handler(payload)` gets a decoded
payload and returns a value. All other forms are made callables that take a request and return an answer (`exchange`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import LONGEST_TEXT
from runtime_images.dynamic_runtime.worker.exchange import AsyncExchange, Exchange
from runtime_images.entrypoint import Entry

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiCallable = Callable[[Scope, Receive, Send], Awaitable[None]]
Hook = Callable[..., Any]


class SetupError(Exception):
    """The function cannot be served. `kind` is one of those of the `setup_failed` event (docs/events.md)."""

    def __init__(self, kind: str, message: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.path = path
        self.line = line

    def describe(self) -> dict[str, str | int]:
        """Return the error as the event's fields."""
        message = self.message[:LONGEST_TEXT]
        return {"kind": self.kind, "message": message, "path": self.path, "line": self.line}


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """A function ready to be called: one of `asgi`, `plain` and `exchange` is set.

    Hooks that the user did not write are None.

    `blocking` says that a call may block the thread, so it belongs off the event loop. `lifespan` says that the ASGI
    callable is a framework's application, which expects the lifespan protocol, `web_sockets` that it may be called for
    one. `threads` is how many requests at once
    are given to what blocks, where the user does not say.
    """

    entry: Entry
    blocking: bool
    asgi: AsgiCallable | None = None
    plain: Callable[[Any], Any] | None = None
    exchange: Exchange | AsyncExchange | None = None
    lifespan: bool = False
    web_sockets: bool = False
    threads: int = 1
    start: Hook | None = None
    stop: Hook | None = None
    alive: Hook | None = None
    ready: Hook | None = None


def describe_error(error: BaseException) -> str:
    """Return type and text of an exception in one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 -- the user's own exceptions may raise anything when asked for their text
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
