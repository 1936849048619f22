"""A name that no file can have, and a link that leads to itself, are errors of one sentence."""

from pathlib import Path

import pytest

from tests.support.cli import call_gaia

LONG = "a" * 300


@pytest.mark.parametrize(
    "command",
    [
        *(f"{verb} {LONG}" for verb in ("analyze", "build", "init", "invoke", "lint", "manifest", "run", "simulate")),
        *(f"{verb} loop" for verb in ("analyze", "build", "init", "lint", "manifest", "run", "simulate")),
        "init loop/deeper",
        f"simulate ramp --report {LONG}",
        f"simulate ramp --node {LONG}",
        f"lint --baseline {LONG}",
        f"lint --output json:{LONG}",
        f"lint --cache-dir {LONG} func.py",
        "simulate ramp --report loop",
        "lint --output json:loop",
    ],
)
def test_a_name_that_leads_nowhere_is_an_error_and_no_bug(tmp_path: Path, command: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "func.py").write_text("x = 1\n")

    ended = call_gaia(*command.split(), cwd=tmp_path)

    assert ended.returncode == (0 if "--cache-dir" in command else 2)
    assert "internal error" not in ended.stderr
