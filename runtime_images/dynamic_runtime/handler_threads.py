"""Threads that call a blocking handler, so that the event loop stays free for what must not wait.

An answer is sent by the thread that made it: no hop back to the event loop. While further requests are waiting, answers
are held for up to half a millisecond and sent together, because every system call on the socket wakes the front.
"""

import queue
import select
import socket
import threading
import time
from collections.abc import Callable

from runtime_images.dynamic_runtime.frames import Frame

HOLD_S = 0.0005


class HandlerThreads:
    """`count` threads that turn request frames into encoded answers by `call`, and send them on `channel`."""

    def __init__(self, count: int, channel: socket.socket, call: Callable[[Frame], bytes]) -> None:
        self._channel = channel
        self._call = call
        self._sending = threading.Lock()
        self._requests: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"handler-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, frame: Frame) -> None:
        """Have a request answered when a thread is free."""
        self._requests.put(frame)

    def send(self, data: bytes) -> None:
        """Send whole frames; from any thread. Waits while the socket is full.

        Raises:
            OSError: the front is gone.
        """
        with self._sending:
            rest = memoryview(data)
            while rest:
                try:
                    rest = rest[self._channel.send(rest) :]
                except BlockingIOError:
                    select.select([], [self._channel], [])

    def finish(self) -> None:
        """Wait until everything submitted is answered and sent."""
        for _ in self._threads:
            self._requests.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        answers: list[bytes] = []
        held_since = 0.0
        while (frame := self._requests.get()) is not None:
            answers.append(self._call(frame))
            now = time.monotonic()
            if len(answers) == 1:
                held_since = now
            if self._requests.empty() or now - held_since >= HOLD_S:
                self._flush(answers)
        self._flush(answers)

    def _flush(self, answers: list[bytes]) -> None:
        data = b"".join(answers)
        answers.clear()
        try:
            self.send(data)
        except OSError:
            return  # the front is gone: the event loop sees it too, and ends the worker
