"""The loop around the cases: the same again from a seed, the smallest case, and what ends or stops a process."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from random import Random

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.apart import interruptible, run_apart
from tests.fuzz.catalogue import FUZZERS
from tests.fuzz.fuzzer import Fuzzer, fault, run, smallest

SECONDS = 0.3


class Fails(Fuzzer):
    """Fails where two letters stand in a case, and elsewhere in another way."""

    name = "fails"

    def make(self, random: Random) -> bytes:
        return bytes(random.choices(b"aabcdefgh", k=6))

    def check(self, case: bytes) -> None:
        assert not (b"a" in case and b"b" in case), "a and b"
        if b"c" in case:
            raise ValueError("c")


class Dies(Fails):
    """Ends its process."""

    def check(self, case: bytes) -> None:
        if b"aa" in case:
            os._exit(7)


class Fills(Fails):
    """Takes more memory than it may."""

    memory_bytes = 1 << 30

    def check(self, case: bytes) -> None:
        if b"aa" in case:
            bytearray(1 << 31)


class Turns(Fails):
    """Takes for ever, and catches what it can."""

    limit_s = 0.05

    def check(self, case: bytes) -> None:
        while b"aa" in case:
            with contextlib.suppress(Exception):
                time.monotonic()


@pytest.mark.parametrize("name", FUZZERS)
def test_a_seed_makes_the_same_cases_again(name: str) -> None:
    cases = [FUZZERS[name]().case(3, number) for number in range(20)]

    assert cases == [FUZZERS[name]().case(3, number) for number in range(20)]
    assert cases != [FUZZERS[name]().case(4, number) for number in range(20)]


def test_each_fault_is_kept_once_with_its_smallest_case() -> None:
    outcome = run(Fails(), seed=1, cases=100)

    assert {bytes(sorted(failure.case)) for failure in outcome.failures} == {b"ab", b"c"}
    assert sum(failure.count for failure in outcome.failures) > len(outcome.failures)


def test_what_is_left_of_a_case_is_all_needed() -> None:
    assert (
        smallest(b"x" * 500 + b"a" + b"y" * 300 + b"b", lambda case: b"a" in case and b"b" in case, lambda: True)
        == b"ab"
    )


def test_a_case_that_hangs_is_broken_off_and_three_end_the_run() -> None:
    outcome = run(Turns(), seed=1, cases=1000)

    (failure,) = outcome.failures
    assert failure.case == b"aa"
    assert (failure.count, outcome.cases < 1000) == (3, True)


def test_a_process_that_dies_is_a_failure_of_the_case_that_it_was_at() -> None:
    with interruptible() as interrupt:
        outcome = run_apart(Dies, 1, SECONDS, interrupt)

    (failure,) = outcome.failures
    assert "code 7" in failure.what
    assert b"aa" in failure.case


def test_memory_is_bounded() -> None:
    with interruptible() as interrupt:
        outcome = run_apart(Fills, 1, SECONDS, interrupt)

    assert "MemoryError" in outcome.failures[0].what


def test_a_printed_case_can_be_checked_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(FUZZERS, "fails", Fails)

    assert main(["fails", "--seconds", str(SECONDS), "--seed", "5"]) == 1
    printed = capsys.readouterr().out
    cases = re.findall(r"^b'.*'$", printed, re.MULTILINE)
    assert [main(["fails", "--case", case]) for case in cases] == [1, 1]
    assert main(["fails", "--case", "b'xyz'"]) == 0
    assert "SEED=5" in printed
    assert re.search(r"^fails +[\d,]+ +\d", printed, re.MULTILINE)


def test_a_case_is_never_caught_by_the_code_under_test() -> None:
    failure = fault(Turns(), b"aa")

    assert failure is not None
    assert failure.is_hang


def test_an_interrupt_ends_with_the_summary() -> None:
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "tests.fuzz", "heads", "events", "--seconds", "100"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert "seed" in running.stdout.readline()
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    printed, _ = running.communicate(timeout=60)

    assert "interrupted" in printed
    assert re.search(r"^heads ", printed, re.MULTILINE)
    assert "events " not in printed
