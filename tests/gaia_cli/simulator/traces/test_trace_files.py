import gzip
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.simulator.traces.trace import NONE_FOLLOWS
from gaia_cli.simulator.traces.trace_files import read_trace
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend

HEAD = "arrival_s,cpu_ms,gpu_ms,cpu_time_ms,think_s\n"


def write(directory: Path, text: str) -> Path:
    path = directory / "trace.csv"
    path.write_bytes(text.encode())
    return path


def test_what_a_run_records_can_be_read(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "run.csv", tmp_path)
    recorder.apply(Requests((RequestRow(1.5, Backend.CPU, 200.0, 210.0, 180.0, 200),)))
    recorder.write()

    trace = read_trace(tmp_path / "run.csv")

    assert (list(trace.arrival_s), list(trace.cpu_s), list(trace.cpu_time_s)) == ([1.5], [0.2], [0.18])


def test_times_are_read_in_the_units_of_their_columns(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, HEAD + "1.5,200,50,180,0\n,300,60,0,2.5\n"))

    assert (trace.name, len(trace)) == ("trace", 2)
    assert trace.arrival_s[0] == 1.5
    assert trace.arrival_s[1] != trace.arrival_s[1], "nan: a closed loop"
    assert list(trace.cpu_s) == [0.2, 0.3]
    assert list(trace.gpu_s) == [0.05, 0.06]
    assert list(trace.cpu_time_s) == [0.18, 0.0]
    assert list(trace.think_s) == [0.0, 2.5]


def test_rows_of_the_same_client_follow_one_another(tmp_path: Path) -> None:
    trace = read_trace(
        write(tmp_path, "client," + HEAD + "a,,1,1,1,0\nb,,1,1,1,2\na,,1,1,1,3\n,4,1,1,1,\n b ,,1,1,1,\n")
    )

    assert list(trace.firsts) == [0, 1, 3]
    assert list(trace.following) == [2, 4, NONE_FOLLOWS, NONE_FOLLOWS, NONE_FOLLOWS]
    assert trace.waiting == {"a", "b"}


def test_many_clients_think_at_the_same_time(tmp_path: Path) -> None:
    half_a_year = "".join(f"{client},,1,1,1,15000000\n" for client in "abcd")

    assert len(read_trace(write(tmp_path, "client," + HEAD + half_a_year)).waiting) == 4


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEAD + "0,1,1,1,0\n",
        HEAD.replace("\n", "\r\n") + "0,1,1,1,0\r\n",
        "note," + HEAD + "a b,0,1,1,1,0\n",
        "gpu_ms,think_s,arrival_s,cpu_time_ms,cpu_ms\n1,,0,1,1\n",
        HEAD + "\n0,1,1,1,0\n\n",
        HEAD + "0,1,1,1,0",
    ],
)
def test_what_other_programs_write_is_read(tmp_path: Path, text: str) -> None:
    trace = read_trace(write(tmp_path, text))

    assert (trace.arrival_s[0], trace.cpu_s[0], trace.think_s[0]) == (0.0, 0.001, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: missing columns: arrival_s, cpu_ms"),
        ("arrival_s,cpu_ms\n1,2\n", "line 1: missing columns: gpu_ms, cpu_time_ms, think_s"),
        (HEAD, "line 1: the trace has no rows"),
        (HEAD + "\n\n", "line 3: the trace has no rows"),
        (HEAD + "0,1,1,1,0\n0,-2,1,1,0\n", "line 3: cpu_ms must be a number of 0 or more, not -2"),
        (HEAD + "0,1,x,1,0\n", "line 2: gpu_ms is not a number: 'x'"),
        (HEAD + "0,1,,1,0\n", "line 2: gpu_ms is not a number: ''"),
        (HEAD + "0,nan,1,1,0\n", "line 2: cpu_ms must be a number of 0 or more, not nan"),
        (HEAD + "0,1,inf,1,0\n", "line 2: gpu_ms must be a number of 0 or more, not inf"),
        (HEAD + "5,1,1,1,0\n,1,1,1,0\n4,1,1,1,0\n", r"line 4: arrival_s 4 is before the row above it \(5\)"),
        (
            "client," + HEAD + "a,5,1,1,1,0\nb,1,1,1,1,0\na,4,1,1,1,0\n",
            r"line 4: arrival_s 4 is before the row above it of the same client \(5\)",
        ),
        (HEAD + "-1,1,1,1,0\n", "line 2: arrival_s must be a number of 0 or more, not -1"),
        (HEAD + "1800000000,1,1,1,0\n", r"line 2: arrival_s 1.8e\+09 is over a year after the start: is it a date\?"),
        (HEAD + "0,1,1,1\n", "line 2: 4 fields instead of 5"),
        (HEAD + "0,1,1,1,0,7\n", "line 2: 6 fields instead of 5"),
        (HEAD + "0,1,1,1,-3\n", "line 2: think_s must be"),
        (HEAD + "0,1,1,1e300,0\n", r"line 2: cpu_time_ms must be at most 1e\+12, not 1e300"),
        (HEAD + "0,1_0,1,1,0\n", "line 2: cpu_ms is not a number: '1_0'"),
        ("cpu_ms," + HEAD + "9,0,1,1,1,0\n", "line 1: there are 2 columns cpu_ms"),
        (HEAD + "0,1,1,1,0\n0,1e12,1,1,0\n", "line 3: the requests up to here take over a year"),
        (HEAD + ",1,1,1,1e7\n" * 4, "line 5: the requests up to here take over a year"),
    ],
)
def test_a_bad_trace_is_refused_with_the_line_and_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"trace.csv, {message}"):
        read_trace(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")

    (tmp_path / "latin.csv").write_bytes(HEAD.encode() + b"0,1,1,1,0\n" * 5000 + b"\xe9,1,1,1,0\n")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(HEAD.encode()))

    with pytest.raises(UsageError, match=r"binary.csv, line 1: not UTF-8 text"):
        read_trace(tmp_path / "binary.csv")
    with pytest.raises(UsageError, match=r"latin.csv, line 5002: not UTF-8 text"):
        read_trace(tmp_path / "latin.csv")
    with pytest.raises(UsageError, match=r"packed.csv.gz is compressed") as refused:
        read_trace(tmp_path / "packed.csv.gz")
    assert "gunzip" in refused.value.hint
    with pytest.raises(UsageError, match="cannot read the trace"):
        read_trace(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="cannot read the trace"):
        read_trace(tmp_path)


def test_a_field_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line"):
        read_trace(write(tmp_path, HEAD + '0,1,1,1,"' + "9" * 200_000 + "\n"))
