"""A clock whose time a test moves."""

import asyncio


class FakeClock:
    """A clock that stands still until it is moved; a second is a second of both clocks."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s

    def monotonic(self) -> float:
        return self._now_s

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        self._now_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Move on, and let others run."""
        self.advance(seconds)
        await asyncio.sleep(0)
