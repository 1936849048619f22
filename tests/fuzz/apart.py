"""Runs a fuzzer in a process of its own: what ends or stops that process is a failure of the case that it was at.

A parser written in C may hang where no signal is heard, or use all memory; the process is then ended, and its case made
again from its number. The process is the leader of a session, so that Ctrl-C reaches it through its parent alone and
neither a case nor a runtime under test is broken off in the middle.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TYPE_CHECKING

from tests.fuzz.fuzzer import Failure, Fuzzer, Outcome, run

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

_STANDSTILL_S = 120.0
"""A case, or an attempt to make it smaller, that takes longer hangs: the limits of processor time are far below."""
_LAST_S = 30.0
"""How long a process that was asked to end may take."""
_LOOK_S = 0.2


class Interrupt:
    """Whether Ctrl-C was pressed, while this is entered; `to` is passed the signal."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.seen = True


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Let Ctrl-C be noted, not raised."""
    interrupt = Interrupt()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_apart(kind: type[Fuzzer], seed: int, seconds: float, interrupt: Interrupt) -> Outcome:
    """Run the fuzzer of this kind for so many seconds in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    number = context.Value("L", 0)
    process = context.Process(target=_fuzz, args=(kind, seed, seconds, number, sending))
    begun_s = time.monotonic()
    process.start()
    sending.close()
    try:
        report = _wait(process, receiving, number, interrupt)
    finally:
        _end(process)
    if isinstance(report, Outcome):
        return report
    at = number.value
    failure = Failure(report, "", kind().case(seed, at), at)
    return Outcome(kind.name, at + 1, time.monotonic() - begun_s, failures=[failure])


def _wait(
    process: BaseProcess, receiving: Connection, number: "Synchronized[int]", interrupt: Interrupt
) -> Outcome | str:
    """Return what the process reports, else why there is no report."""
    last, moved_s, asked = -1, time.monotonic(), False
    while not receiving.poll(_LOOK_S):
        now_s = time.monotonic()
        if number.value != last:
            last, moved_s = number.value, now_s
        if interrupt.seen and not asked:
            asked, moved_s = True, now_s
            os.kill(process.pid or 0, signal.SIGINT)
        if now_s - moved_s > (_LAST_S if asked else _STANDSTILL_S):
            return f"Standstill: nothing came of it in {now_s - moved_s:.0f} s"
    try:
        outcome: Outcome = receiving.recv()
    except EOFError:
        process.join()
        return f"Death: the process ended with the code {process.exitcode}"
    return outcome


def _end(process: BaseProcess) -> None:
    """End the process and whatever it has started."""
    process.join(timeout=0.5)
    if process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()


def _fuzz(kind: type[Fuzzer], seed: int, seconds: float, number: "Synchronized[int]", sending: Connection) -> None:
    """Be the process."""
    os.setsid()
    fuzzer = kind()
    resource.setrlimit(resource.RLIMIT_AS, (fuzzer.memory_bytes, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with interruptible() as interrupt:
        end_s = time.monotonic() + seconds

        def begin(at: int) -> None:
            number.value = at

        outcome = run(fuzzer, seed, goes_on=lambda _: time.monotonic() < end_s and not interrupt.seen, begin=begin)
    outcome.peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sending.send(outcome)
