"""Keeps one zygote: started when the first worker is, replaced in the background when it dies, given up in the end."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.workers.output_pipe import PrintedLine, open_output
from runtime_images.dynamic_runtime.workers.zygote_process import ZygoteProcess, ending, start_zygote

MAX_LOST = 5
"""How many zygotes may die in a row before there is none any more."""
STEADY_AFTER_S = 60.0
"""One that has lived this long was healthy."""

ZygoteSink = Callable[[str, int, str], None]
"""Told state (`unfit`, `exited`), pid and reason of a zygote that is no more use."""


class ZygoteKeeper:
    """`prepared` gives the zygote; `printed` gets what its imports print, `told` what becomes of it."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        environ: Mapping[str, str],
        lifeline: int,
        told: ZygoteSink,
        printed: Callable[[int], PrintedLine],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._environ = environ
        self._lifeline = lifeline
        self._told = told
        self._printed = printed
        self._preparing: asyncio.Task[ZygoteProcess | None] | None = None
        self._background = Background()
        self._lost = 0
        self._given_up = False
        self.zygote: ZygoteProcess | None = None

    async def prepared(self) -> ZygoteProcess | None:
        """The zygote, its imports done; None where there is none, or no more."""
        if self._preparing is None:
            self._preparing = self._background.spawn(self._prepare())
        return await asyncio.shield(self._preparing)

    def hand_over(self, zygote: ZygoteProcess) -> None:
        """The zygote becomes a worker: it is none any more, and there will be no other.

        Raises:
            BrokenPipeError: it has become one already.
        """
        if self.zygote is not zygote:
            raise BrokenPipeError("the zygote has become a worker")
        self.zygote = None
        self._given_up = True
        self._preparing = None

    async def close(self) -> None:
        """Let the zygote go and wait for its end."""
        self._given_up = True
        if self.zygote is not None:
            zygote, self.zygote = self.zygote, None
            zygote.close()
            with contextlib.suppress(ProcessLookupError):
                zygote.process.kill()  # it may be in the middle of an import
            await zygote.process.wait()
        await self._background.cancel()

    async def _prepare(self) -> ZygoteProcess | None:
        if self._given_up:
            return None
        begun_s = self._clock.monotonic()
        try:
            zygote = self.zygote = await self._start()
        except OSError:
            return None  # a worker cannot be started either, and will tell
        self._background.spawn(self._watch(zygote, begun_s))
        try:
            zygote.unfit = await zygote.prepared
        except EOFError:
            return None
        if zygote.unfit:
            self._told("unfit", zygote.pid, zygote.unfit)
        return zygote

    async def _start(self) -> ZygoteProcess:
        outputs = [await open_output(), await open_output()]
        try:
            zygote = await start_zygote(
                self._settings, self._environ, self._lifeline, outputs[0].inner, outputs[1].inner
            )
        finally:
            for output in outputs:
                output.hand_over()
        for name, output in zip(("stdout", "stderr"), outputs, strict=True):
            self._background.spawn(output.read_lines(name, self._printed(zygote.pid)))
        return zygote

    async def _watch(self, zygote: ZygoteProcess, begun_s: float) -> None:
        """Wait for the end of a zygote, and replace it if nobody has asked for it."""
        code = await zygote.process.wait()
        zygote.close()
        if self.zygote is not zygote or self._given_up:
            return
        self.zygote = None
        self._lost = 1 if self._clock.monotonic() - begun_s > STEADY_AFTER_S else self._lost + 1
        imported = zygote.prepared.done() and zygote.prepared.exception() is None
        self._given_up = not imported or self._lost >= MAX_LOST
        self._told("exited", zygote.pid, f"it ended with {ending(code)}" + ("" if imported else " while it imported"))
        self._preparing = self._background.spawn(self._prepare())
