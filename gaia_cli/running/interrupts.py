"""Ctrl-C and its relatives: a signal breaks off a preparation, and is only noted while a function serves.

A preparation (pip, an image build) blocks, so the signal raises there and every `finally` cleans up. A serving function
drains: the handler puts the signal among the events and the one loop acts on it. Later signals are ignored during a
clean-up, so that they do not break it off.
"""

import contextlib
import signal
from collections.abc import Callable
from types import FrameType
from typing import Self

from gaia_cli.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal broke off a preparation; `exit_code` is what the program ends with."""

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__()
        self.exit_code = exit_code


class Interrupts(contextlib.ExitStack):
    """Handles the signals that end a run, for as long as it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self._note: Callable[[ExitCode], None] | None = None
        self._raised = False

    def note_with(self, note: Callable[[ExitCode], None] | None) -> None:
        """Call `note`, which must be safe in a signal handler, for each signal from now on; None raises again."""
        self._note = note

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self.callback(signal.signal, number, signal.signal(number, self._handle))
        return self

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED
        if self._note is not None:
            self._note(code)
        elif not self._raised:
            self._raised = True
            raise Interrupted(code)
