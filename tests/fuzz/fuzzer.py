"""What a fuzzer is, and the loop that tries its cases: each within a limit, each failure cut down to its smallest case.

A case is bytes, made from the seed, the fuzzer's name and the case's number alone, so that a seed reproduces a run.
"""

import contextlib
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Self

_ROOT = Path(__file__).resolve().parents[2]
_MOST_HANGS = 3
"""Cases that take too long, before a run ends: each costs as much time as thousands of others."""
_SHOWN_CHARACTERS = 600


class TooSlowError(BaseException):
    """A case took longer than its limit. No `except Exception` of the code under test may hide it."""


class Fuzzer:
    """Makes cases and checks them. It is entered before the first case, and left after the last one."""

    name = ""
    limit_s = 5.0
    """The processor time that a case may take: a busy machine is no failure."""
    shrink_s = 20.0
    """The time that is spent on making a failing case smaller."""
    memory_bytes = 2 << 30
    """The address space of the process, everything included."""

    def make(self, random: Random) -> bytes:
        """Make a case."""
        raise NotImplementedError

    def check(self, case: bytes) -> None:
        """Raise whatever, AssertionError mostly, if something is wrong with what comes of `case`."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Leave nothing behind."""

    def case(self, seed: int, number: int) -> bytes:
        """Return the case of this number in the run of this seed."""
        return self.make(Random(f"{self.name} {seed} {number}"))


class FuzzerInDirectory(Fuzzer):
    """Has a directory for its cases, which goes when it is left."""

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="gaia-fuzz-")
        self.directory = Path(self._temporary.name)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._temporary.cleanup()


@dataclass
class Failure:
    """What went wrong with `case`, and how many cases failed in the same way, at the same place."""

    what: str
    place: str
    case: bytes
    number: int
    count: int = 1

    @property
    def is_hang(self) -> bool:
        """Whether it took too long."""
        return self.what.startswith(TooSlowError.__name__)

    @property
    def kind(self) -> tuple[str, str]:
        """What failures have in common that are one fault."""
        return self.what.partition(":")[0], self.place


@dataclass
class Outcome:
    """What a fuzzer's run came to. `peak_bytes` is the memory that its process had at most."""

    name: str
    cases: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    failures: list[Failure] = field(default_factory=list)


def run(
    fuzzer: Fuzzer,
    seed: int,
    cases: int | None = None,
    goes_on: Callable[[Outcome], bool] = lambda _: True,
    begin: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Try `cases` cases, as long as the run `goes_on` after those before; `begin` learns of each before it is tried."""
    outcome, begun_s = Outcome(fuzzer.name), time.monotonic()
    with fuzzer:
        while goes_on(outcome) and (cases is None or outcome.cases < cases):
            begin(outcome.cases)
            case = fuzzer.case(seed, outcome.cases)
            if failure := fault(fuzzer, case, outcome.cases):
                _keep(outcome.failures, failure, fuzzer, lambda: goes_on(outcome))
            outcome.cases += 1
            if sum(one.count for one in outcome.failures if one.is_hang) >= _MOST_HANGS:
                break
    outcome.seconds = time.monotonic() - begun_s
    return outcome


def fault(fuzzer: Fuzzer, case: bytes, number: int = 0) -> Failure | None:
    """Check one case; return how it failed, None if it did not."""
    try:
        with _within(fuzzer.limit_s), warnings.catch_warnings():
            warnings.simplefilter("error")  # a user would see it
            fuzzer.check(case)
    except (Exception, TooSlowError) as error:  # noqa: BLE001 -- whatever it raises is what is looked for
        what = f"{type(error).__name__}: {error}"[:_SHOWN_CHARACTERS]
        return Failure(what, _place(error), case, number)
    return None


def _keep(known: list[Failure], failure: Failure, fuzzer: Fuzzer, goes_on: Callable[[], bool]) -> None:
    """Count a failure of a known kind; cut the first of a kind down to its smallest case."""
    for one in known:
        if one.kind == failure.kind:
            one.count += 1
            return
    until_s = time.monotonic() + fuzzer.shrink_s
    latest = failure

    def fails(case: bytes) -> bool:
        nonlocal latest
        tried = fault(fuzzer, case, failure.number)
        if tried is None or tried.kind != failure.kind:
            return False
        latest = tried
        return True

    smallest(failure.case, fails, lambda: time.monotonic() < until_s and goes_on())
    known.append(latest)


def smallest(case: bytes, fails: Callable[[bytes], bool], goes_on: Callable[[], bool]) -> bytes:
    """Cut ever smaller parts out of a case that fails, as long as what is left still does."""
    size = len(case)
    while size > 1 and goes_on():
        size = -(-size // 2)
        at = 0
        while at < len(case) and goes_on():
            shorter = case[:at] + case[at + size :]
            if fails(shorter):
                case = shorter
            else:
                at += size
    return case


@contextlib.contextmanager
def _within(limit_s: float) -> Iterator[None]:
    """Raise TooSlowError once `limit_s` of this process's processor time have gone by."""

    def too_slow(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError(f"it took more than {limit_s:g} s of processor time")

    before = signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(error: BaseException) -> str:
    """Return where it was raised, in the sources of the project if anywhere; for TooSlowError that place varies."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)]
    if isinstance(error, TooSlowError) or not frames:
        return ""
    frame = (ours or frames)[-1]
    path = Path(frame.filename)
    shown = path.relative_to(_ROOT) if ours else path
    return f"{shown}:{frame.lineno}"
