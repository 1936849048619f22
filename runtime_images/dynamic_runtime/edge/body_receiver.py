"""A large body on its way from a client's socket straight into its slot of the arena, without a copy in between."""

import asyncio
from typing import Protocol


class Waiting(Protocol):
    """The connection whose request the body belongs to; it is the transport's protocol before and after."""

    def body_moved(self, size: int) -> None:
        """A part of the body has come."""

    def body_complete(self) -> None:
        """The body is whole."""

    def pause_writing(self) -> None:
        """As for any protocol."""

    def resume_writing(self) -> None:
        """As for any protocol."""

    def eof_received(self) -> bool:
        """As for any protocol."""

    def connection_lost(self, exc: Exception | None) -> None:
        """As for any protocol."""


class BodyReceiver(asyncio.BufferedProtocol):
    """Takes the place of a connection's protocol until `memory` is full; not a byte more is read."""

    def __init__(self, connection: Waiting, memory: memoryview) -> None:
        self._connection = connection
        self._missing = memory

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's signature
        """Where the next part goes."""
        return self._missing

    def buffer_updated(self, nbytes: int) -> None:
        """A part has come."""
        self._missing = self._missing[nbytes:]
        if self._missing:
            self._connection.body_moved(nbytes)
        else:
            self._connection.body_complete()

    def pause_writing(self) -> None:
        """The connection's business."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The connection's business."""
        self._connection.resume_writing()

    def eof_received(self) -> bool:
        """The connection's business."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection's business."""
        self._connection.connection_lost(exc)
