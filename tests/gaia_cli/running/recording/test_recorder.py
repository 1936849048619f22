import csv
import os
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.simulator.traces.trace_files import CLIENT_COLUMN, COLUMNS, CONDITIONS_COLUMN
from runtime_images.events.traffic import Dropped, RequestRow, Requests
from runtime_images.policy.model import Backend


def served(arrival_s: float, backend: Backend, service_ms: float, cpu_time_ms: float, status: int = 200) -> RequestRow:
    return RequestRow(arrival_s, backend, service_ms, service_ms + 2.0, cpu_time_ms, status)


def test_a_recorded_trace_is_a_csv_in_the_order_of_arrival_without_failed_requests(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    recorder = TraceRecorder(path, Path())
    recorder.apply(Dropped(1))
    rows = (served(2.0, Backend.GPU, 10.0, 1.0), served(3.0, Backend.CPU, 1.0, 0.0, status=500))
    recorder.apply(Requests(rows))
    recorder.apply(Requests((served(1.0, Backend.CPU, 100.0, 0.0),)))

    assert recorder.write() == 2
    with path.open() as file:
        head, *lines = list(csv.reader(file))
    assert tuple(head) == (*COLUMNS, CLIENT_COLUMN, CONDITIONS_COLUMN)
    assert [line[0] for line in lines] == ["1.0", "2.0"]
    assert [bool(line[-1]) for line in lines] == [True, False], "the conditions stand in the first row"


def test_looking_at_the_place_writes_nothing(tmp_path: Path) -> None:
    TraceRecorder(tmp_path / "trace.csv", Path())

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        TraceRecorder(tmp_path, Path())
    with pytest.raises(UsageError, match="cannot write"):
        TraceRecorder(tmp_path / "nowhere" / "trace.csv", Path())
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(UsageError, match="cannot write"):
            TraceRecorder(tmp_path / "trace.csv", Path())


def test_a_place_that_cannot_be_written_is_reported_with_the_systems_reason(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "no" / "trace.csv", "No such file or directory")):
        with pytest.raises(UsageError, match=f"cannot write the trace .*: {reason}"):
            TraceRecorder(path, Path())


def test_a_place_that_is_gone_at_the_end_is_reported_too(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    recorder = TraceRecorder(tmp_path / "here" / "trace.csv", Path())
    (tmp_path / "here").rmdir()

    with pytest.raises(UsageError, match="No such file"):
        recorder.write()


def test_a_trace_that_is_there_is_kept_until_the_run_ends(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("before")

    recorder = TraceRecorder(path, Path())
    assert path.read_text() == "before"
    recorder.write()
    assert path.read_text().startswith("arrival_s")
