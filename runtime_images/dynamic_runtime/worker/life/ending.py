"""How a worker is asked to end, and what it does before it does so.

What ends a worker must not end what its function has started, and the other way round: a forked process has its
parent's handlers of signals, and with an event loop even the pipe through which they wake it. So they are taken from
each of them, and nothing is ignored that a program started by the function should obey.
"""

import atexit
import contextlib
import os
import signal
import threading
import traceback
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def ignore_interrupts() -> None:
    """Leave a terminal's Ctrl-C to the front. A signal that is ignored would be ignored by programs, too."""

    def nothing(_number: int, _frame: FrameType | None) -> None: ...

    signal.signal(signal.SIGINT, nothing)


def keep_from_children() -> None:
    """Give processes that are forked from here on the signals that others have, but for the function's own handlers."""
    ours = [signal.getsignal(number) for number in _SIGNALS]

    def forget() -> None:
        with contextlib.suppress(ValueError):  # not in the main thread of an interpreter
            signal.set_wakeup_fd(-1)
            for number, handler in zip(_SIGNALS, ours, strict=True):
                if signal.getsignal(number) == handler:
                    signal.signal(number, signal.SIG_DFL if number is signal.SIGTERM else signal.default_int_handler)

    os.register_at_fork(after_in_child=forget)


def finish() -> None:
    """Do what an interpreter does at its end: wait for threads, then run the exit hooks.

    Temporary directories are removed by them, and telemetry is sent. The front ends a worker that takes too long.
    """
    for step in (getattr(threading, "_shutdown", None), atexit._run_exitfuncs):
        try:
            if step is not None:
                step()
        except BaseException:  # noqa: BLE001 -- the user's code may raise anything
            with contextlib.suppress(BaseException):
                traceback.print_exc()
