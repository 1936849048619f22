"""Pipes for what a process prints, read line by line. A line that never ends is cut, so that it is bounded."""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack

from runtime_images.dynamic_runtime.wire import log_lines

LineSink = Callable[[str, str, int | None], None]
"""Takes stream name, line and the number of the request, if known."""


class OutputPipe:
    """The end to read, and until `hand_over` the end that the process gets."""

    def __init__(self, stream: str, reader: asyncio.StreamReader, transport: asyncio.BaseTransport, inner: int) -> None:
        self.inner = inner
        self._stream = stream
        self._reader = reader
        self._transport = transport

    def hand_over(self) -> None:
        """Close the end that the process now has, so that the pipe ends with the process."""
        os.close(self.inner)

    def close(self) -> None:
        """Stop reading."""
        self._transport.close()

    async def read_lines(self, log: LineSink) -> None:
        """Pass the lines on until the last process that holds the other end is gone."""
        rest = b""
        try:
            while chunk := await self._reader.read(65536):
                whole, rest = log_lines.cut(rest + chunk)
                for line in whole:
                    self._pass_on(line, log)
            if rest:
                self._pass_on(rest, log)
        finally:
            self.close()

    def _pass_on(self, line: bytes, log: LineSink) -> None:
        request, text = log_lines.split(line)
        log(self._stream, text[: log_lines.MAX_LINE_BYTES].rstrip(b"\r").decode("utf-8", "replace"), request)


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
