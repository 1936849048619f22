"""A function that computes is told from one that waits, from outside its process."""

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.telemetry.cpu_share import CpuMeter, cpu_share, process_cpu_s
from runtime_images.dynamic_runtime.wire import in_flight
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal

seconds = st.floats(0, 1000, allow_nan=False)


@given(seconds, seconds, seconds)
def test_a_share_is_always_between_0_and_1(cpu_s: float, busy_s: float, wait_s: float) -> None:
    assert 0 <= cpu_share(cpu_s, busy_s, wait_s) <= 1


def test_a_starved_computation_is_not_taken_for_a_sleeper() -> None:
    assert cpu_share(cpu_s=0.5, busy_s=1.0, wait_s=0.5) == 1.0
    assert cpu_share(cpu_s=0.02, busy_s=1.0, wait_s=0.0) == 0.02


def test_another_process_is_measured_by_its_own_clock() -> None:
    burn = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    code = burn + "print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        used_s = process_cpu_s(child.pid)
        meter = CpuMeter(child.pid)
        share = meter.update(busy_s=10.0)
        child.communicate(b"\n")

    assert used_s >= 0.2
    assert share is not None
    assert 0 < share < 0.5


def test_the_share_stays_what_it_was_when_there_was_too_little_to_measure() -> None:
    meter = CpuMeter(os.getpid())
    meter.share = 0.7

    assert meter.update(busy_s=0.001) == 0.7


def test_a_meter_of_a_dead_process_keeps_its_last_share() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        child.wait()
        meter = CpuMeter(child.pid)
        meter.share = 0.4

        assert meter.update(busy_s=5.0) == 0.4


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
