"""The event stream as its reader gets it."""

import json
import os
import threading
from typing import Any

from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.events.decisions import GpuLost
from runtime_images.events.lifecycle import SetupFailed, WorkerChanged, WorkerExit, WorkerState
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import Backend
from tests.support.clock import FakeClock


def test_a_reader_that_is_far_behind_is_told_how_many_lines_it_has_missed() -> None:
    reading, writing = os.pipe()
    events = EventLog(FakeClock(), writing)
    for number in range(20_000):  # many more than a pipe and the queue behind it hold
        events.emit(LogLine(Backend.CPU, 1, "stdout", str(number).rjust(2000), None))
    events.emit(GpuLost("done"))

    told: list[dict[str, Any]] = []

    def read() -> None:
        with os.fdopen(reading) as stream:
            told.extend(json.loads(line) for line in stream)

    reader = threading.Thread(target=read)
    reader.start()
    events.close()
    os.close(writing)
    reader.join(timeout=30)

    lines = [event for event in told if event["event"] == "log"]
    dropped = [event["lines"] for event in told if event["event"] == "dropped"]  # several, when the reader catches up
    assert [event["event"] for event in told[-2:]] == ["dropped", "gpu_lost"]
    assert sum(dropped) == 20_000 - len(lines) > 0


def test_a_reader_that_keeps_up_misses_nothing() -> None:
    reading, writing = os.pipe()
    events = EventLog(FakeClock(), writing)
    for number in range(100):
        events.emit(LogLine(Backend.CPU, 1, "stdout", str(number), None))
    events.close()
    os.close(writing)

    with os.fdopen(reading) as stream:
        assert [json.loads(line)["event"] for line in stream] == ["log"] * 100


def test_a_function_that_dies_and_fails_without_end_does_not_fill_the_memory_behind_a_reader_that_stands_still() -> (
    None
):
    reading, writing = os.pipe()
    events = EventLog(FakeClock(), writing)
    for _ in range(2000):
        events.emit(SetupFailed(Backend.CPU, "exit", "m" * 2000, log=("\1" * 8192,) * 3))
        events.emit(WorkerExit(Backend.CPU, 1, None, 9, 0, 1, 0.0))
        events.emit(WorkerChanged(Backend.CPU, 1, WorkerState.EXITED, -9, "r" * 2000))
    behind = events._emitted_bytes - events._written_bytes
    os.close(reading)
    events.close()
    os.close(writing)

    assert behind < 20_000_000
