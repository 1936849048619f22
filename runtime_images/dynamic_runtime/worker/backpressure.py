"""How much of one answer is on its way to a client who reads at its own pace, between the threads of a worker.

Standard library only: it runs in the function's own environment.
"""

import threading


class UnderWay:
    """The chunks of one answer that were sent and not yet taken; `left` once nobody waits for the answer."""

    def __init__(self) -> None:
        self.left = False
        self._chunks = 0
        self._changed = threading.Condition()

    def sent(self) -> None:
        """A chunk is on its way."""
        with self._changed:
            self._chunks += 1

    def taken(self) -> None:
        """The client has taken a chunk."""
        with self._changed:
            self._chunks -= 1
            self._changed.notify()

    def leave(self) -> None:
        """The client has left, or its time is over."""
        with self._changed:
            self.left = True
            self._changed.notify()

    def at_most(self, chunks: int) -> bool:
        """Whether so few are under way, or none need be sent any more."""
        return self.left or self._chunks <= chunks

    def wait(self, timeout_s: float) -> None:
        """Wait for a change, not longer than `timeout_s`."""
        with self._changed:
            self._changed.wait(timeout_s)
