"""A function that computes is told from one that waits, from outside its process, whatever its threads do."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.telemetry.cpu_share import CpuMeter, cpu_share, process_cpu_s, waiting_s
from runtime_images.dynamic_runtime.telemetry.runnable import Runnable
from runtime_images.dynamic_runtime.telemetry.throttling import ROOT, Throttling
from runtime_images.dynamic_runtime.wire import in_flight
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.policy.model import ExecutionMode
from runtime_images.policy.settings import PolicySettings
from tests.support.processes import eventually

WAITING_SHARE = PolicySettings(ExecutionMode.CPU).waiting_share
"""Below that the policy takes a function for one that waits."""
SPAN_S = 1.0
BURN = "end = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: hashlib.sha256(DATA).digest()\n"
IN_ONE_THREAD = BURN
IN_A_POOL = """
    def burn():
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end: hashlib.sha256(DATA).digest()

    pool = ThreadPoolExecutor(4)
    for done in [pool.submit(burn) for _ in range(4)]: done.result()
"""
IN_A_POOL_THAT_ENDS = f"{IN_A_POOL}    pool.shutdown()\n"
ONE_THREAD_AFTER_THE_OTHER = """
    def burn():
        end = time.monotonic() + 0.02
        while time.monotonic() < end: hashlib.sha256(DATA).digest()

    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        thread = threading.Thread(target=burn)
        thread.start()
        thread.join()
"""
WAITS = """
    def wait():
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end:
            hashlib.sha256(DATA[:100_000]).digest()
            time.sleep(0.1)

    pool = ThreadPoolExecutor(8)
    for done in [pool.submit(wait) for _ in range(8)]: done.result()
"""

seconds = st.floats(0, 1000, allow_nan=False)
shares = st.floats(0, 1)


@given(
    st.floats(0.05, 1000),
    st.floats(1, 100),
    st.builds(Runnable, shares, seconds, seconds) | st.none(),
    seconds,
    seconds,
)
def test_a_share_is_always_between_0_and_1(
    busy_s: float, at_once: float, runnable: Runnable | None, cpu_s: float, throttled_s: float
) -> None:
    waited_s = waiting_s(busy_s, at_once, runnable, cpu_s, throttled_s)

    assert 0 <= waited_s <= busy_s
    assert 0 <= cpu_share(cpu_s, waited_s) <= 1


@given(st.floats(0.001, 1), st.floats(0, 1))
def test_of_a_single_thread_what_it_waits_for_a_processor_is_taken_out(cpu_s: float, starved: float) -> None:
    starved_s = starved * (1 - cpu_s)
    waited_s = waiting_s(1.0, 1.0, Runnable(cpu_s + starved_s, cpu_s + starved_s, cpu_s), cpu_s, 0.0)

    assert waited_s == pytest.approx(1 - cpu_s - starved_s)


def test_threads_that_wake_for_a_moment_each_do_not_make_a_function_compute() -> None:
    waited_s = waiting_s(1.0, 200.0, Runnable(most=0.021, total=4.2, ran=0.15), 0.15, 0.0)

    assert cpu_share(0.15, waited_s) < WAITING_SHARE


def test_throttling_counts_where_no_thread_was_seen_to_run_and_not_where_others_of_the_group_were_throttled() -> None:
    unseen = waiting_s(1.0, 1.0, Runnable(most=0.0, total=0.0, ran=0.0), 0.15, 0.8)
    unknown = waiting_s(1.0, 1.0, None, 0.15, 0.8)
    others = waiting_s(1.0, 1.0, Runnable(most=0.1, total=0.1, ran=0.1), 0.1, 0.8)

    assert cpu_share(0.15, unseen) > 0.7
    assert cpu_share(0.15, unknown) > 0.7
    assert cpu_share(0.1, others) == 0.1


@contextmanager
def child(code: str, span_s: float = SPAN_S, processors: set[int] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does this for so long when it is given a line, and then says so; on these processors only."""
    imports = (
        "import hashlib, sys, threading, time\nfrom concurrent.futures import ThreadPoolExecutor\nDATA = bytes(2**20)\n"
    )
    whole = f"{imports}print(flush=True)\ninput()\n{textwrap.dedent(code)}\nprint(flush=True)\ninput()\n"
    with subprocess.Popen(
        [sys.executable, "-c", whole, str(span_s)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if processors is not None:
            os.sched_setaffinity(process.pid, processors)
        try:
            yield process
        finally:
            process.kill()


def go_on(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def share_of(process: "subprocess.Popen[bytes]", at_once: float = 1.0) -> float:
    """What a meter says of it after it has done its work."""
    assert process.stdout is not None
    meter = CpuMeter(process.pid)
    meter.reset()
    go_on(process)
    process.stdout.readline()
    share = meter.update(SPAN_S, at_once * SPAN_S)
    assert share is not None
    return share


@contextmanager
def beside_others(count: int = 3) -> Iterator[set[int]]:
    """One processor, on which so many processes compute."""
    processors = {min(os.sched_getaffinity(0))}
    burning = [child(BURN, 60.0, processors) for _ in range(count)]
    entered = [one.__enter__() for one in burning]
    try:
        for process in entered:
            go_on(process)
        yield processors
    finally:
        for process in entered:
            process.kill()
        for one in burning:
            one.__exit__(None, None, None)


def _is_empty(group: Path) -> bool:
    return not (group / "cgroup.procs").read_text()


@pytest.fixture
def limited() -> Iterator[Path]:
    """A cgroup that may use 15 % of one processor, where we may make one."""
    versions = ((ROOT / "cpu", ("cpu.cfs_quota_us", "15000")), (ROOT, ("cpu.max", "15000 100000")))
    for parent, limits in versions:
        group = parent / f"gaia-test-{os.getpid()}"
        try:
            group.mkdir()
            (group / limits[0]).write_text(limits[1])
        except OSError:  # no such interface, or not ours to use
            with suppress(OSError):
                group.rmdir()
            continue
        yield group
        assert eventually(partial(_is_empty, group))
        group.rmdir()
        return
    pytest.skip("needs a cgroup of its own: root, and the controller cpu")


@pytest.mark.parametrize("code", [IN_ONE_THREAD, IN_A_POOL, ONE_THREAD_AFTER_THE_OTHER], ids=["alone", "pool", "many"])
def test_a_computation_that_its_limit_throttles_computes(limited: Path, code: str) -> None:
    with child(code) as process:
        (limited / "cgroup.procs").write_text(str(process.pid))
        share = share_of(process)
        throttled_s = Throttling(process.pid).so_far_s()

    assert throttled_s > 0.1
    assert share > 0.8


def test_a_sleeper_below_its_limit_waits(limited: Path) -> None:
    with child(WAITS) as process:
        (limited / "cgroup.procs").write_text(str(process.pid))
        share = share_of(process, at_once=8.0)

    assert share < WAITING_SHARE


@pytest.mark.parametrize("code", [IN_ONE_THREAD, IN_A_POOL, IN_A_POOL_THAT_ENDS], ids=["alone", "pool", "ended"])
def test_a_starved_computation_is_not_taken_for_a_sleeper_whatever_threads_it_is_in(code: str) -> None:
    with beside_others() as processors, child(code, processors=processors) as process:
        assert share_of(process) > 0.8


def test_a_sleeper_with_many_threads_on_a_busy_processor_still_waits() -> None:
    with beside_others() as processors, child(WAITS, processors=processors) as process:
        assert share_of(process, at_once=8.0) < WAITING_SHARE


def test_threads_that_nobody_saw_count_with_their_processor_time() -> None:
    with child(ONE_THREAD_AFTER_THE_OTHER) as process:
        assert share_of(process) > WAITING_SHARE


def test_a_pool_that_computes_freely_and_one_that_waits_are_told_apart() -> None:
    with child(IN_A_POOL) as computing:
        assert share_of(computing) > 0.8
    with child(WAITS) as waiting:
        assert share_of(waiting, at_once=8.0) < WAITING_SHARE


def test_another_process_is_measured_by_its_own_clock() -> None:
    with child(IN_ONE_THREAD, 0.2) as process:
        go_on(process)
        assert process.stdout is not None
        process.stdout.readline()
        used_s = process_cpu_s(process.pid)
        share = CpuMeter(process.pid).update(10.0, 10.0)

    assert used_s >= 0.02
    assert share is not None
    assert 0 < share < 0.5


def test_the_share_stays_what_it_was_when_there_was_too_little_to_measure() -> None:
    meter = CpuMeter(os.getpid())
    meter.share = 0.7

    assert meter.update(0.001, 0.001) == 0.7


def test_a_meter_of_a_dead_process_keeps_its_last_share() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
        meter = CpuMeter(process.pid)
        meter.share = 0.4

        assert meter.update(5.0, 5.0) == 0.4


@given(st.lists(st.integers(1, 2**32 - 1), max_size=50, unique_by=lambda number: number % in_flight.SLOTS))
def test_marks_are_seen_through_another_mapping_and_only_for_what_was_begun(ids: list[int]) -> None:
    memory = in_flight.create_memory()
    worker, front = InFlightJournal(memory), InFlightJournal(memory)
    os.close(memory)
    for request_id in ids:
        worker.note(request_id)

    seen = [front.has(request_id) for request_id in ids]
    strangers = [front.has(request_id + in_flight.SLOTS) for request_id in ids]
    worker.close()
    front.close()

    assert all(seen)
    assert not any(strangers)
