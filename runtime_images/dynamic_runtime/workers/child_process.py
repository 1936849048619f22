"""The processes behind workers: spawned by this one, or forked by a zygote, how they end, and what they print."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import log_lines
from runtime_images.dynamic_runtime.workers.line_quota import LineQuota
from runtime_images.dynamic_runtime.workers.orphans import collect

BOOT = Path(__file__).parents[1] / "worker" / "boot.py"
_COLLECT_TRIES = 100
_COLLECT_PAUSE_S = 0.01
_SILENCE_S = 1.0  # after so long without a line, the last ones are told that were over the quota
_LINES_A_TURN = 256  # how many lines are passed on before the event loop has another turn: clients wait for it

REPORT_TIMEOUT_S = 2.0
"""The longest that a zygote may take to report the end of a worker."""

LineSink = Callable[[str, str, int | None], None]
"""Takes stream name, line and the number of the request, if known."""


class ChildProcess(Protocol):
    """A process that can be waited for: spawned by this one, or forked by a zygote."""

    @property
    def pid(self) -> int:
        """The process's id."""

    async def wait(self) -> int:
        """Return the exit code once it has ended; minus the number of a signal that ended it."""

    def kill(self) -> None:
        """End it at once, or raise ProcessLookupError if it has ended."""


async def spawn(
    settings: Settings, role: str, environ: Mapping[str, str], outputs: Sequence[int], descriptors: Sequence[int]
) -> asyncio.subprocess.Process:
    """Start boot.py in the function's own environment, in a session of its own; the descriptors stay the caller's.

    Raises:
        OSError: the interpreter cannot be started.
    """
    return await asyncio.create_subprocess_exec(
        settings.function_python or sys.executable, "-P", str(BOOT), role, *map(str, descriptors),
        pass_fds=descriptors, stdin=asyncio.subprocess.DEVNULL, stdout=outputs[0], stderr=outputs[1],
        env=environ, cwd=settings.function_dir, start_new_session=True,
    )  # fmt: skip


class ForkedProcess:
    """A process that a zygote has forked; `watch` is its pidfd."""

    def __init__(self, pid: int, watch: int) -> None:
        loop = asyncio.get_running_loop()
        self.pid = pid
        self._watch = watch
        self._code: asyncio.Future[int] = loop.create_future()
        self._gone = asyncio.Event()
        loop.add_reader(watch, self._see_end)

    def _see_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watch)
        self._gone.set()

    async def is_missed(self) -> bool:
        """Wait for the end; return whether its zygote then says nothing of it, and so is stopped or hangs."""
        await self._gone.wait()
        await asyncio.wait([self._code], timeout=REPORT_TIMEOUT_S)
        return not self._code.done()

    async def wait(self) -> int:
        """Return the exit code; minus the number of a signal that ended it."""
        return await asyncio.shield(self._code)

    def kill(self) -> None:
        """End it at once."""
        if not self._code.done():
            signal.pidfd_send_signal(self._watch, signal.SIGKILL)

    def ended(self, code: int) -> None:
        """Set the exit code."""
        if not self._code.done():
            self._code.set_result(code)
            self._see_end()
            os.close(self._watch)

    async def outlive_zygote(self) -> None:
        """Wait for it here: its zygote is gone, so it is a child of this process (orphans.py)."""
        await self._gone.wait()
        for _ in range(_COLLECT_TRIES):  # the kernel hands the orphan over a moment after the zygote's socket closes
            if (code := collect(os.P_PIDFD, self._watch)) is not None:
                self.ended(code)
                return
            await asyncio.sleep(_COLLECT_PAUSE_S)
        self.ended(1)  # another process has taken it over: it failed, and how it did is not known


def ending(code: int) -> str:
    """Return an exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


@dataclass(eq=False, slots=True)
class OutputPipe:
    """The end to read, and until `hand_over` the end that the process gets, `inner`."""

    stream: str
    reader: asyncio.StreamReader
    transport: asyncio.BaseTransport
    inner: int

    def hand_over(self) -> None:
        """Close the end that the process now has, so that the pipe ends with the process."""
        os.close(self.inner)

    def close(self) -> None:
        """Stop reading."""
        self.transport.close()

    async def read_lines(self, log: LineSink) -> None:
        """Pass the lines on, so many a second, until the last process that holds the other end is gone."""
        now, quota, rest = asyncio.get_running_loop().time, LineQuota(), b""
        try:
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_S if quota.holds_back else None):
                        chunk = await self.reader.read(65536)
                except TimeoutError:
                    await self._pass_all(quota.flush(), log)
                    continue
                if not chunk:
                    break
                whole, rest = log_lines.cut(rest + chunk)
                await self._pass_all(quota.take(whole, now()), log)
            await self._pass_all([*quota.take([rest] if rest else [], now()), *quota.flush()], log)
        finally:
            self.close()

    async def _pass_all(self, lines: Sequence[bytes], log: LineSink) -> None:
        for number, line in enumerate(lines, 1):
            self._pass_on(line, log)
            if number % _LINES_A_TURN == 0:
                await asyncio.sleep(0)

    def _pass_on(self, line: bytes, log: LineSink) -> None:
        request, text = log_lines.split(line)
        log(self.stream, text[: log_lines.MAX_LINE_BYTES].rstrip(b"\r").decode("utf-8", "replace"), request)


class _Descriptor:
    """A descriptor for uvloop, which closes it, and then the object: a file's own `close` could hit its successor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None: ...


async def open_outputs(handed_over: ExitStack, if_it_fails: ExitStack) -> list[OutputPipe]:
    """Open pipes for the stdout and stderr of a process, and have the two stacks close this side's ends.

    Raises:
        OSError: there are no descriptors left.
    """
    outputs = []
    for stream in ("stdout", "stderr"):
        outputs.append(await _open_output(stream))
        handed_over.callback(outputs[-1].hand_over)
        if_it_fails.callback(outputs[-1].close)
    return outputs


async def _open_output(stream: str) -> OutputPipe:
    outer, inner = os.pipe2(os.O_CLOEXEC)
    reader = asyncio.StreamReader()
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), _Descriptor(outer)
        )
    except BaseException:
        os.close(inner)
        raise
    return OutputPipe(stream, reader, transport, inner)
