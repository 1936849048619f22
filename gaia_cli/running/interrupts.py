"""Ctrl-C and its relatives: a signal breaks a preparation off, and is only noted while a function serves.

A preparation (pip, an image build) blocks, so the signal must raise there and let every `finally` clean up. A
serving function is to drain: the handler puts the signal among the events and the one loop acts on it. What
comes after the first signal during a clean-up is not heard, or it would break off the cleaning up.
"""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from gaia_cli.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal broke off a preparation; `exit_code` is what the program ends with."""

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__()
        self.exit_code = exit_code


class Interrupts:
    """Handles the signals that end a run, for as long as it is entered."""

    def __init__(self) -> None:
        self._note: Callable[[ExitCode], None] | None = None
        self._raised = False
        self._before: dict[int, signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = {}

    def note_with(self, note: Callable[[ExitCode], None] | None) -> None:
        """From now on call `note` for each signal, which must be safe in a signal handler; None raises again."""
        self._note = note

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED
        if self._note is not None:
            self._note(code)
        elif not self._raised:
            self._raised = True
            raise Interrupted(code)
