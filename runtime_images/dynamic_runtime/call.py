"""One request inside a worker that runs an event loop, from the frame that brought it to the frame that ends it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime import frames

if TYPE_CHECKING:
    import asyncio

_pack = frames.HEADER.pack


class Call:
    """A request with its body and what is known of it. `write` sends encoded frames to the front."""

    __slots__ = ("_cpu_ns", "_write", "begun_ns", "body", "cancelled", "ended", "head", "request_id", "task")

    def __init__(self, request_id: int, head: bytes, body: bytes, write: Callable[[bytes], None]) -> None:
        self.request_id = request_id
        self.head = head
        self.body = body
        self.begun_ns = 0
        self.ended = False
        self.cancelled = False
        self.task: asyncio.Task[None] | None = None
        self._cpu_ns = 0
        self._write = write

    def begin(self, *, measure_cpu: bool) -> None:
        """Start the clocks; the CPU clock is the whole process's, and costs as much as twenty readings of the other."""
        self.begun_ns = time.monotonic_ns()
        if measure_cpu:
            self._cpu_ns = time.process_time_ns()

    def timing(self) -> tuple[int, int, int]:
        """Begun, service and CPU time until now, in ns."""
        cpu_ns = time.process_time_ns() - self._cpu_ns if self._cpu_ns else 0
        return self.begun_ns, time.monotonic_ns() - self.begun_ns, cpu_ns

    def end(self, kind: int, flags: int, head: bytes, body: bytes) -> None:
        """Send the final frame; every request is ended by exactly one, the front counts on it."""
        if not self.ended:
            self.ended = True
            begun_ns, service_ns, cpu_ns = self.timing()
            head_length = len(head)
            size = head_length + len(body)
            header = _pack(size, self.request_id, kind, flags, head_length, begun_ns, service_ns, cpu_ns)
            self._write(b"".join((header, head, body)))

    # what the front may say meanwhile: a plain handler takes no notice

    def grant(self) -> None:
        """The client has taken a chunk."""

    def disconnect(self) -> None:
        """The client has left."""
