"""An event loop whose time passes at once: when nothing can run, its clock jumps to the next thing that is due."""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, TypeVarTuple

Ts = TypeVarTuple("Ts")


_TICK_S = 2e-9
"""The least time until something later. asyncio runs a timer up to a nanosecond early: who then waited for the rest, a
rounding error of the clock, would do so again and again, as no time would pass."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code that takes its time from the loop, or from this as a Clock, and does no I/O but in memory."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now_s

    def monotonic(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        later_s = max(when, self._now_s + _TICK_S) if when > self._now_s else when
        return super().call_at(later_s, callback, *args, context=context)

    def jump(self, seconds: float) -> None:
        self._now_s += seconds

    def settle(self) -> None:
        """Run everything that can run now."""
        for _ in range(30):
            self.run_until_complete(asyncio.sleep(0))

    def pass_time(self, seconds: float) -> None:
        self.run_until_complete(asyncio.sleep(seconds))


class _JumpingSelector(selectors.BaseSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self._loop.jump(timeout)
        return self._real.select(0)
