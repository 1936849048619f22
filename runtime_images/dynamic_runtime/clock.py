"""Time behind a seam: the runtime takes it from a Clock, tests from one whose time they move."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from, in seconds. Timeouts are the event loop's: in virtual time the loop is the clock, too."""

    def monotonic(self) -> float:
        """Return seconds since some moment, never going back."""

    def time(self) -> float:
        """Return seconds since the epoch."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)
    """Seconds of CLOCK_MONOTONIC, the same in every process of this machine; without a call between."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s

    def monotonic(self) -> float:
        """Return the time that the clock was moved to."""
        return self._now_s

    def time(self) -> float:
        """Return the same: a fake second is a second of both clocks."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Move on, and let others run."""
        self.advance(seconds)
        await asyncio.sleep(0)
