import os
import sys
import time
from pathlib import Path

import pytest

from gaia_cli.engines.environments import ToolError, run_tool


def run(code: str, lines: list[str], tmp_path: Path) -> None:
    run_tool([sys.executable, "-c", code], cwd=tmp_path, env=dict(os.environ), on_line=lines.append)


def test_each_line_of_both_streams_is_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    run("import os; os.write(1, b'one\\n'); os.write(2, b'two\\n')", lines, tmp_path)

    assert lines == ["one", "two"]


def test_a_failure_carries_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run("for n in range(100): print(n)\nraise SystemExit(3)", [], tmp_path)

    assert caught.value.last_lines[-1] == "99"
    assert len(caught.value.last_lines) == 15


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="No such file"):
        run_tool(["/absent/program"], cwd=tmp_path, env={}, on_line=print)


def test_what_breaks_the_call_off_ends_the_whole_group(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\nimport time; time.sleep(60)"
    )
    seen: list[int] = []

    def interrupt(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tool([sys.executable, "-c", code], cwd=tmp_path, env=dict(os.environ), on_line=interrupt)
    while _alive(seen[0]):
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
