"""How a run ends, whatever ends it: an exit code that is right, and a summary of what was served."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import GAIA


@contextmanager
def running(function: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[dict[str, Any]]]]:
    """`gaia run`, and its events as they come."""
    command = [
        GAIA,
        "run",
        str(function),
        "--engine",
        "process",
        "--port",
        "0",
        "--output-format",
        "json-lines",
        *flags,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield process, map(json.loads, process.stdout)
        finally:
            process.kill()


def until(events: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(event for event in events if event.get("event") == name)


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "gaia.toml").write_text('[function]\nname = "mine"\n')
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    (tmp_path / "load.jsonl").write_text('{"at_s": 0, "json": {}}\n')
    return tmp_path


def test_a_full_disk_costs_the_trace_and_not_the_summary(function: Path) -> None:
    with running(function, "--play", str(function / "load.jsonl"), "--record", "/dev/full") as (process, events):
        summary, error = until(events, "summary"), next(events)["error"]

        assert process.wait(10) == error["exit_code"] == summary["exit_code"] == 2
    assert summary["requests"] == 1
    assert error["message"] == "cannot write the trace /dev/full: No space left on device"


def test_a_runtime_that_is_killed_costs_no_summary_and_the_exit_code_says_so(function: Path) -> None:
    with running(function) as (process, events):
        runtime = until(events, "started")["pid"]
        until(events, "ready")
        os.kill(runtime, signal.SIGKILL)
        summary, error = until(events, "summary"), next(events)["error"]

        assert process.wait(10) == error["exit_code"] == summary["exit_code"] == 2
    assert "killed by SIGKILL" in error["message"]
    assert "memory" in error["hint"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_function_loads_is_no_error_and_has_its_own_code(
    function: Path, number: signal.Signals, code: int
) -> None:
    (function / "func.py").write_text("import time\ntime.sleep(600)\ndef handler(payload): ...\n")
    with running(function) as (process, events):
        until(events, "worker")
        process.send_signal(number)
        rest = list(events)

        assert process.wait(10) == code
    assert [one for one in rest if "error" in one or one["event"] == "setup_failed"] == []
