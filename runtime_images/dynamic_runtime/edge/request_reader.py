"""Cuts what one client sends into requests, and collects those that come in pieces.

Ordinary requests are recognized by their heads; long bodies are read from the socket straight into the arena where the
worker will find them. All else goes through the parser of the slow path.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

from runtime_images.dynamic_runtime.edge import slow_path
from runtime_images.dynamic_runtime.edge.fast_path import FastPath, lengths_of
from runtime_images.dynamic_runtime.edge.limits import Patience
from runtime_images.dynamic_runtime.edge.slow_path import Payload, SlowPath
from runtime_images.dynamic_runtime.wire.arenas import Requests, Slot

if TYPE_CHECKING:
    from collections.abc import Callable


class Recipient(slow_path.Recipient, Protocol):
    """The connection whose requests are read. A long body lies in `slot`; such a one is received into its memory."""

    def ordinary_request(self, payload: bytes, head_length: int, slot: Slot | None = None) -> None: ...
    def receive_into(self, memory: memoryview) -> None: ...
    def receive_here(self) -> None: ...


class RequestReader:
    """Reads one connection's requests. `partial` takes what comes next, while a request is not whole."""

    def __init__(
        self, recipient: Recipient, patience: Patience, max_body_bytes: int, requests: Requests | None
    ) -> None:
        self.partial: Callable[[bytes], None] | None = None
        self.fast_path = FastPath(max_body_bytes)
        self.patience = patience
        self._recipient = recipient
        self._max_body = max_body_bytes
        self._requests = requests
        self._slow: SlowPath | None = None
        self._collected: Payload | None = None
        self._head = b""
        self._slot: Slot | None = None
        self._head_length = self._missing = 0

    @property
    def stopped(self) -> bool:
        return self.partial is _ignore

    def stop(self) -> None:
        """Read no further request: whatever still comes is ignored."""
        self._slow = self._collected = None
        self.partial = _ignore
        if self._slot is not None:
            self._slot.free()
            self._slot = None
            self._recipient.receive_here()

    def feed(self, data: bytes, start: int = 0) -> None:
        """Take requests from what came: ordinary ones one by one, the last one's body may be still on its way."""
        while self.partial is None and start < len(data):
            lengths = lengths_of(data, start)
            if lengths is None or lengths[1] > self._max_body:
                break
            head_length, length = lengths
            end = start + head_length + length
            if end > len(data):
                self._collect_from(data[start:], head_length, end - len(data))
                return
            self._recipient.ordinary_request(data[start:end], head_length)
            start = end
        if start < len(data):
            (self.partial or self._parse)(data[start:] if start else data)

    def _collect_from(self, data: bytes, head_length: int, missing: int) -> None:
        """Collect the rest of a body: a long one is read from the socket to where the worker will find it."""
        self.patience.body_begins()
        self.partial = self._collect
        begun = memoryview(data)[head_length:]
        self._slot = slot = self._requests.take(len(begun) + missing) if self._requests is not None else None
        if slot is None:
            self._collected = Payload(data)
            self._head_length, self._missing = head_length, missing
        else:
            slot.memory[: len(begun)] = begun
            self._head = data[:head_length]
            self._recipient.receive_into(slot.memory[len(begun) :])

    def _collect(self, data: bytes) -> None:
        assert self._collected is not None
        self.patience.body_moved(len(data))
        end = self._missing
        self._missing -= len(data)
        self._collected.add(data if self._missing >= 0 else data[:end])
        if self._missing > 0:
            return
        payload, self._collected, self.partial = self._collected.join(), None, None
        self._recipient.ordinary_request(payload, self._head_length)
        self.feed(data, end)

    def body_complete(self) -> None:
        """Hand over a request whose body in the arena is whole."""
        slot, self._slot, self.partial = self._slot, None, None
        self._recipient.receive_here()
        self._recipient.ordinary_request(self._head, len(self._head), slot)

    def _parse(self, data: bytes) -> None:
        """Feed the slow path, until it stands between two requests again."""
        slow = self._slow
        if slow is None:
            slow = self._slow = SlowPath(self._recipient, self._max_body)
            self.patience.head_begins()
            self.partial = self._parse
        was_in_body = slow.in_body
        slow.feed(data)
        if slow.in_body:
            if not was_in_body:
                self.patience.body_begins()
            self.patience.body_moved(len(data))
        elif slow.between_requests and self._slow is not None:
            self._slow = self.partial = None


def _ignore(data: bytes) -> None:
    """Take bytes that come after the last request that is read on a connection."""


class BodyReceiver(asyncio.BufferedProtocol):
    """Takes the place of a connection's protocol until `memory` is full; not a byte more is read."""

    def __init__(self, connection: asyncio.Protocol, reader: RequestReader, memory: memoryview) -> None:
        self._connection = connection
        self._reader = reader
        self._missing = memory

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's signature
        return self._missing

    def buffer_updated(self, nbytes: int) -> None:
        self._missing = self._missing[nbytes:]
        if self._missing:
            self._reader.patience.body_moved(nbytes)
        else:
            self._reader.body_complete()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)
