"""The event stream: JSON lines on standard output, a replay buffer, and subscribers on the admin address.

A thread of its own writes, because a slow reader or a full disk must not stall the front. When the reader falls far
behind, lines that may be frequent (one a request, a second or a worker) are left out, and a `dropped` event that counts
them comes next; the others are kept.
"""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.events import codec
from runtime_images.events.lifecycle import SetupFailed, WorkerChanged, WorkerExit
from runtime_images.events.model import Event
from runtime_images.events.traffic import BadAnswer, Dropped, LogLine, Requests, Window

_REPLAY_BYTES = 8 * 1024 * 1024
"""A function may print lines that take 48 KB each as JSON, so bytes are what is bounded, here and below."""

_MAX_BEHIND_BYTES = 16 * 1024 * 1024
_DROPPABLE = (LogLine, Window, Requests, BadAnswer, WorkerChanged, WorkerExit, SetupFailed)


class EventLog:
    """Collects events and passes them on. `fd` is where the lines go; None writes nowhere."""

    def __init__(self, clock: Clock, fd: int | None) -> None:
        self._clock = clock
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._replay: deque[bytes] = deque()
        self._replay_bytes = 0
        self._emitted_bytes = self._written_bytes = 0
        self._subscribers: set[Callable[[bytes], None]] = set()
        self._writer: threading.Thread | None = None
        self._dropped = 0
        if fd is not None:
            self._writer = threading.Thread(target=self._write, args=(fd,), name="events", daemon=True)
            self._writer.start()

    def emit(self, event: Event) -> None:
        """Add an event that happens now."""
        line = codec.encode(event, self._clock.time())
        self._keep(line)
        for subscriber in list(self._subscribers):
            subscriber(line)
        if self._writer is None:
            return
        if isinstance(event, _DROPPABLE) and self._emitted_bytes - self._written_bytes > _MAX_BEHIND_BYTES:
            self._dropped += 1
            return
        if self._dropped:
            self._put(codec.encode(Dropped(self._dropped), self._clock.time()))
            self._dropped = 0
        self._put(line)

    def _put(self, line: bytes) -> None:
        self._emitted_bytes += len(line)
        self._lines.put(line)

    def _keep(self, line: bytes) -> None:
        """Keep a line for later subscribers, and drop the oldest ones."""
        self._replay.append(line)
        self._replay_bytes += len(line)
        while self._replay_bytes > _REPLAY_BYTES:
            self._replay_bytes -= len(self._replay.popleft())

    def subscribe(self, subscriber: Callable[[bytes], None], *, replay: bool) -> Callable[[], None]:
        """Pass each further line to `subscriber`, the kept ones first if asked; the result ends it."""
        if replay:
            for line in list(self._replay):
                subscriber(line)
        self._subscribers.add(subscriber)
        return lambda: self._subscribers.discard(subscriber)

    def close(self) -> None:
        """Write what is left, waiting a few seconds at most for a slow reader."""
        if self._writer is not None:
            self._lines.put(None)
            self._writer.join(timeout=5)

    def _write(self, fd: int) -> None:
        while (line := self._lines.get()) is not None:
            self._written_bytes += len(line)
            try:
                while line:
                    line = line[os.write(fd, line) :]
            except OSError:  # the reader is gone or the disk is full: serving goes on
                continue
