"""The threads of a process: how long each could run, with a bound on what one look costs."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runtime_images.dynamic_runtime.telemetry import runnable
from runtime_images.dynamic_runtime.telemetry.runnable import Threads

MANY = """
import threading, time

for _ in range(200):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print(flush=True)
end = time.thread_time() + 0.05
while time.thread_time() < end: pass
print(flush=True)
input()
"""


@pytest.fixture
def many() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", MANY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_look_reads_a_bounded_number_of_threads_and_all_of_them_in_turn(
    many: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    assert many.stdout is not None
    many.stdout.readline()
    threads = Threads(many.pid)
    threads.begin(0.0)
    many.stdout.readline()
    read: list[int] = []
    own_read = threads._read

    def read_and_count(thread: int) -> Any:  # noqa: ANN401
        read.append(thread)
        return own_read(thread)

    monkeypatch.setattr(threads, "_read", read_and_count)
    counts: list[int] = []
    seen: list[float] = []
    for number in range(1, 5):
        look = threads.look(0.1 * number)
        assert look is not None
        counts.append(len(read) - sum(counts))
        seen.append(look.most)

    assert counts == [runnable.THREADS_A_LOOK] * 4
    assert len(set(read)) == 201
    assert max(seen) > 0.1, "the one that worked was among them"


def test_what_threads_did_before_the_beginning_does_not_count() -> None:
    threads = Threads(os.getpid())
    threads.begin(0.0)
    look = threads.look(1000.0)

    assert look is not None
    assert look.total < 0.01


def test_a_thread_that_is_new_counts_from_its_beginning() -> None:
    threads = Threads(os.getpid())
    threads.begin(0.0)
    may_end = threading.Event()
    worked = threading.Event()

    def work() -> None:
        sum(range(3_000_000))
        worked.set()
        may_end.wait()

    thread = threading.Thread(target=work)
    thread.start()
    worked.wait()
    look = threads.look(0.05)
    may_end.set()
    thread.join()

    assert look is not None
    assert look.most > 0.2


def test_a_process_that_has_ended_and_a_kernel_without_these_numbers_are_unknown() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    threads = Threads(process.pid)
    threads.begin(0.0)

    assert threads.look(1.0) is None
