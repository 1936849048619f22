"""One request inside a worker that runs an event loop, from the frame that brought it to the frame that ends it."""

import asyncio
import time
from collections.abc import Callable
from typing import ClassVar

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.worker.bodies import Bodies

_pack = frames.HEADER.pack


class Call:
    """A request with its body and what is known of it. `write` sends the parts of encoded frames to the front."""

    # Class attributes, for most calls keep most of them: what is set in every instance costs every request.
    begun_ns = 0
    ended = False
    cancelled = False
    task: asyncio.Task[None] | None = None
    flags = 0
    _cpu_ns = 0

    bodies: ClassVar[Bodies] = Bodies()
    """Where long bodies go: a process has one pair of arenas at most, and sets it here before its first request."""

    def __init__(self, request_id: int, head: bytes, body: bytes, write: Callable[..., None]) -> None:
        self.request_id = request_id
        self.head = head
        self.body = body
        self._write = write

    def take_body(self) -> bytes:
        """The body. A long one is copied out of the arena only now: so few copies exist at a time, in warm memory."""
        return self.bodies.take(self.flags, self.body) if self.flags else self.body

    def measure_cpu(self) -> None:
        """Start the process's CPU clock; reading it costs as much as twenty readings of the other one."""
        self._cpu_ns = time.process_time_ns()

    def timing(self) -> tuple[int, int, int]:
        """Begun, service and CPU time until now, in ns."""
        cpu_ns = time.process_time_ns() - self._cpu_ns if self._cpu_ns else 0
        return self.begun_ns, time.monotonic_ns() - self.begun_ns, cpu_ns

    def end(self, kind: int, flags: int, head: bytes, body: bytes) -> None:
        """Send the final frame; every request is ended by exactly one, the front counts on it."""
        if not self.ended:
            self.ended = True
            size, head_length = len(head) + len(body), len(head)
            begun_ns = self.begun_ns
            service_ns = time.monotonic_ns() - begun_ns
            cpu_ns = time.process_time_ns() - self._cpu_ns if self._cpu_ns else 0
            header = _pack(size, self.request_id, kind, flags, head_length, begun_ns, service_ns, cpu_ns)
            self._write(header, head, body)

    # what the front may say meanwhile: a plain handler takes no notice

    def grant(self) -> None:
        """The client has taken a chunk."""

    def disconnect(self) -> None:
        """The client has left."""
