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
    """The machine's own clocks, without a call between; `monotonic` is the same in every process of this machine."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)
