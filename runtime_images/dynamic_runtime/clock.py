"""Time behind a seam: the runtime reads it from a Clock, tests and the simulator from a FakeClock that they move."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from, in seconds."""

    def monotonic(self) -> float:
        """Seconds since some moment, never going back."""

    def time(self) -> float:
        """Seconds since the epoch."""


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)
    """Seconds of CLOCK_MONOTONIC, the same in every process of this machine; without a call between."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class FakeClock:
    """A clock that stands still until `advance` is called."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s

    def monotonic(self) -> float:
        """The time that the clock was moved to."""
        return self._now_s

    def time(self) -> float:
        """The same: a fake second is a second of both clocks."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now_s += seconds
