"""What the edge needs of those around it: of the application that answers, and of the server that connections share."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from runtime_images.dynamic_runtime.edge.budget import Budget
from runtime_images.dynamic_runtime.edge.exchange import Exchange, Refusal
from runtime_images.dynamic_runtime.edge.outlet import SharedHead
from runtime_images.dynamic_runtime.wire.arenas import Requests

E_contra = TypeVar("E_contra", bound=Exchange, contravariant=True)
C_contra = TypeVar("C_contra", contravariant=True)


class Application(Protocol[E_contra]):
    """Whoever answers requests."""

    def handle(self, exchange: E_contra) -> None:
        """Answer the exchange, now or later; never raise."""

    def client_gone(self, exchange: E_contra) -> None:
        """Learn that the client left before it was answered."""

    def half_closed(self, exchange: E_contra) -> None:
        """Learn that the client left before it was answered, or sends no more and waits."""

    def drained(self, exchange: E_contra) -> None:
        """Learn that the client has taken what was written of the answer so far."""


class Server(Protocol[C_contra]):
    """What a connection needs of the server that it belongs to.

    `make_exchange` takes what `Exchange` does; `refusal` says of a head whether its body is read in vain.
    """

    application: Application[Any]
    make_exchange: Callable[..., Exchange]
    max_body_bytes: int
    requests: Requests | None
    refusal: Callable[[Any], Refusal | None]
    budget: Budget
    shared_head: SharedHead
    loop: asyncio.AbstractEventLoop
    now: Callable[[], float]

    def opened(self, connection: C_contra) -> None: ...
    def closed(self, connection: C_contra) -> None: ...
