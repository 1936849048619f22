"""Run another program to its end; it gets a process group of its own, which never outlives the call."""

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_KEPT_LINES = 15


class ToolError(Exception):
    """A program could not be started or ended with an error; `last_lines` is what it said before."""

    def __init__(self, last_lines: Sequence[str]) -> None:
        super().__init__("\n".join(last_lines))
        self.last_lines = tuple(last_lines)


def run_tool(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], on_line: Callable[[str], None]) -> None:
    """Run `command` to its end, passing each line of its output to `on_line`.

    Raises:
        ToolError: it could not be started, or ended with an error.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError([f"{command[0]}: {error.strerror}"]) from None
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                last.append(line.rstrip())
                on_line(line.strip())
            code = process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if code != 0:
        raise ToolError(last)
