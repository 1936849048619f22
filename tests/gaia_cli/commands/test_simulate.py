"""`gaia simulate` as a user starts it."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from tests.support.cli import GAIA, run_gaia
from tests.support.processes import catches, eventually

HEAD = "arrival_s,cpu_ms,gpu_ms,cpu_time_ms,think_s\n"
FIELDS = {
    "policy", "requests", "violations", "avoidable_violations", "p50_ms", "p95_ms", "cpu_seconds", "gpu_seconds",
    "cost", "energy_j", "switches", "objective", "objective_vs_oracle", "timeline",
}  # fmt: skip


def trace(directory: Path, name: str = "slow", rows: int = 80, cpu_ms: int = 2500) -> Path:
    path = directory / f"{name}.csv"
    path.write_text(HEAD + f",{cpu_ms},200,{cpu_ms},0\n" * rows)
    return path


def test_json_has_the_fields_of_every_policy(tmp_path: Path) -> None:
    path = trace(tmp_path)

    ended = run_gaia("simulate", str(path), "--output-format", "json")

    assert (ended.returncode, ended.stderr) == (0, "")
    result = json.loads(ended.stdout)
    assert (result["schema_version"], result["trace"]) == (1, str(path))
    assert [one["policy"] for one in result["policies"]] == ["gaia", "reference", "static-cpu", "static-gpu", "oracle"]
    for one in result["policies"]:
        assert set(one) == FIELDS
        assert one["requests"] == 80
        assert {change["event"] for change in one["timeline"]} <= {"start", "active", "release", "cancel"}
    assert result["policies"][-1]["objective_vs_oracle"] == 1.0
    assert result["policies"][0]["switches"] == 1


def test_options_change_the_conditions(tmp_path: Path) -> None:
    options = [
        "--policy",
        "static-gpu",
        "--start-gpu-s",
        "3",
        "--gpu-price",
        "0.5",
        "--slots",
        "2",
        "--slo-p95-ms",
        "100",
    ]

    ended = run_gaia("simulate", str(trace(tmp_path)), "--output-format", "json", *options)

    (one,) = json.loads(ended.stdout)["policies"]
    assert one["timeline"][1] == {"t": 3.0, "event": "active", "backend": "gpu"}
    assert one["gpu_seconds"] == pytest.approx(3 + 80 * 0.2)
    assert one["cost"] == pytest.approx(0.5 * one["gpu_seconds"])
    assert one["violations"] == 80


CONDITIONS = {
    "mode": "gpu_preferred", "slo_p95_ms": 250, "slots": 1, "cpu_price": 0.25, "gpu_price": 0.5,
    "start_cpu_s": [0.5], "start_gpu_s": [2.0, 0.25],
}  # fmt: skip


def recording(directory: Path) -> Path:
    """Return a recording of a function that begins on the GPU."""
    path = directory / "recording.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*HEAD.strip().split(","), "conditions"])
        for number in range(40):
            rows.writerow(["", 2500, 200, 2500, 0, "" if number else json.dumps(CONDITIONS)])
    return path


def test_a_recording_is_replayed_under_its_own_conditions(tmp_path: Path) -> None:
    ended = run_gaia("simulate", str(recording(tmp_path)), "--output-format", "json")

    result = json.loads(ended.stdout)
    assert (result["clients"], result["mode"], result["slo_p95_ms"]) == (1, "gpu_preferred", 250.0)
    gaia = result["policies"][0]
    assert gaia["timeline"][1] == {"t": 2.0, "event": "active", "backend": "gpu"}
    assert gaia["cost"] == pytest.approx(0.5 * gaia["gpu_seconds"])


def test_a_flag_goes_before_what_was_recorded(tmp_path: Path) -> None:
    flags = ("--mode", "cpu_preferred", "--slo-p95-ms", "5000", "--start-cpu-s", "4", "--policy", "gaia")

    ended = run_gaia("simulate", str(recording(tmp_path)), *flags, "--output-format", "json")

    result = json.loads(ended.stdout)
    assert (result["mode"], result["slo_p95_ms"]) == ("cpu_preferred", 5000.0)
    assert result["policies"][0]["timeline"][1] == {"t": 4.0, "event": "active", "backend": "cpu"}


def test_conditions_that_make_no_sense_are_named_with_their_line(tmp_path: Path) -> None:
    path = recording(tmp_path)
    path.write_text(path.read_text().replace("gpu_preferred", "warp"))

    ended = run_gaia("simulate", str(path))

    assert ended.returncode == 2
    assert f"{path}, line 2: conditions: mode makes no sense: 'warp'" in ended.stderr


def test_the_analyzer_may_say_where_the_policy_begins(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(
        "import torch\n\nx = torch.zeros(8, device='cuda')\n\n\ndef handler(payload):\n    return float(x.sum())\n"
    )

    ended = run_gaia(
        "simulate", str(trace(tmp_path)), "--mode-of", str(tmp_path), "--policy", "gaia", "--output-format", "json"
    )

    assert json.loads(ended.stdout)["mode"].startswith("gpu")
    assert "gaia begins in gpu" in ended.stderr


def test_several_traces_are_summed_up(tmp_path: Path) -> None:
    trace(tmp_path, "slow")
    trace(tmp_path, "quick", cpu_ms=100)

    full = run_gaia("simulate", str(tmp_path), "ramp", "--policy", "gaia", "--policy", "oracle")
    as_json = run_gaia("simulate", str(tmp_path), "--output-format", "json", "--slo-p95-ms", "slow=3000")

    assert re.search(r"all 3 traces\npolicy +mean +worst +on", full.stdout)
    result = json.loads(as_json.stdout)
    assert [Path(one["trace"]).name for one in result["traces"]] == ["quick.csv", "slow.csv"]
    assert [one["slo_p95_ms"] for one in result["traces"]] == [1000.0, 3000.0]
    assert result["summary"][-1] == {"policy": "oracle", "geometric_mean": 1.0, "worst": 1.0, "worst_trace": "slow"}


def test_an_outage_can_be_asked_for(tmp_path: Path) -> None:
    ended = run_gaia(
        "simulate", str(trace(tmp_path)), "--gpu-outage", "20:40", "--policy", "static-gpu", "--output-format", "json"
    )

    events = json.loads(ended.stdout)["policies"][0]["timeline"]
    assert {"t": 20.0, "event": "release", "backend": "gpu"} in events
    assert {"t": 40.0, "event": "start", "backend": "gpu"} in events


def test_a_node_can_be_given(tmp_path: Path) -> None:
    node = tmp_path / "node.txt"
    node.write_text("from_s,power_w,gpu_w,gpu_price,joule_price\n0,60,40,0.01,1e-6\n20,30,,,\n40,60,,,\n")

    ended = run_gaia(
        "simulate", str(trace(tmp_path)), "--node", str(node), "--policy", "static-gpu", "--output-format", "json"
    )

    (one,) = json.loads(ended.stdout)["policies"]
    assert {"t": 20.0, "event": "release", "backend": "gpu"} in one["timeline"]
    assert {"t": 40.0, "event": "start", "backend": "gpu"} in one["timeline"]
    assert one["energy_j"] == pytest.approx(40 * one["gpu_seconds"])
    assert one["cost"] == pytest.approx(0.01 * one["gpu_seconds"] + 1e-6 * one["energy_j"])


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["absent.csv"], "cannot read the trace absent.csv: No such file or directory", "columns"),
        (["rampe"], "there is no file and no generator named rampe", "the generators are ramp, drift"),
        (["ramp", "--policy", "best"], "there is no policy best", "the policies are gaia, reference"),
        (["ramp", "--slo-p95-ms", "soon"], "--slo-p95-ms soon is not a latency", "milliseconds"),
        (["ramp", "--slo-p95-ms", "rmap=5"], "--slo-p95-ms rmap=... names none of the traces", "traces are ramp"),
        (["ramp", "--gpu-outage", "5"], "--gpu-outage 5 is not a span of time", "60:120"),
        (["ramp", "--node", "absent"], "cannot read the node absent: No such file or directory", "from_s"),
        (["ramp", "--cpu-price", "nan"], "--cpu-price nan is not a number of 0 or more", "--help"),
        (["ramp", "--report", "absent/out.html"], "cannot write the report absent/out.html", "directory"),
        (["ramp", "--report", "."], "cannot write the report .", "directory"),
        (["empty"], "the directory empty has no traces", ".csv"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_work(
    arguments: list[str], message: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    ended = run_gaia("simulate", *arguments, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert hint in ended.stderr


def test_a_bad_line_is_reported_as_json_too(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEAD + "0,1,1,1,0\n1,two,1,1,0\n")

    ended = run_gaia("simulate", str(path), "--output-format", "json")

    assert ended.returncode == 2
    assert "bad.csv, line 3: cpu_ms is not a number: 'two'" in json.loads(ended.stdout)["error"]["message"]


def test_the_report_is_one_page_that_loads_nothing_and_escapes_names(tmp_path: Path) -> None:
    trace(tmp_path, "<b>&slow")
    trace(tmp_path, "quick", cpu_ms=100)
    page = tmp_path / "out.html"

    ended = run_gaia("simulate", str(tmp_path), "--report", str(page))

    assert ended.returncode == 0
    text = page.read_text("utf-8")
    assert "&lt;b&gt;&amp;slow" in text
    assert "<b>&slow" not in text
    assert text.count("plotly.js v") == 1
    for loaded in re.findall(
        r"""(?:src|href)=["']?([^"' >]*)""", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    ):
        assert loaded.startswith(("data:", "#"))
    assert "default-src 'none'" in text


def test_without_plotly_the_report_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gaia_cli.commands.simulate import simulate
    from gaia_cli.simulator.options import Options

    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    for name in ("report", "plot"):
        monkeypatch.delitem(sys.modules, f"gaia_cli.views.simulation_{name}", raising=False)

    with pytest.raises(UsageError, match="plotly") as refused:
        simulate(Options(["ramp"]), report=tmp_path / "out.html")
    assert "pip install 'gaia-faas[report]'" in refused.value.hint


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"{GAIA} simulate {trace(tmp_path)} ramp; echo code $? >&2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=True,
    )  # fmt: skip
    piped = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {GAIA} simulate {trace(tmp_path)} ramp | head -1"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.stderr == "code 0\n"
    assert (piped.returncode, piped.stderr) == (0, "")


def test_ctrl_c_ends_it_with_130(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(HEAD + ",20,10,20,0\n" * 400_000)
    process = subprocess.Popen([GAIA, "simulate", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert eventually(lambda: catches(process.pid, signal.SIGTERM))  # it is past its imports
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert b"Traceback" not in errors
