"""A rule is one file: dropped into a family's folder of a copy of the project, it is everywhere that rules are."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_RULE = '''"""GA299: colours."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name == "colours.paint":
            yield Hit(call.place, "paints", "painted")


RULE = Rule(
    code="GA299",
    name="paints",
    summary="The function paints.",
    rationale="Paint dries on any backend.",
    remedy="Use a pencil.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"painted": 0.5},
    words="colours",
    matches=("import colours\\ncolours.paint()",),
    passes=("import colours",),
)
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one more rule, after the script that documents the rules has run."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("analyzers", "gaia_cli", "runtime_images", "scripts"):
        shutil.copytree(_ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "analyzers" / "rules" / "placement" / "paints.py").write_text(_RULE)
    run(root, "scripts/document_rules.py")
    return root


def run(root: Path, *arguments: str, code: int = 0) -> str:
    """What a program of the copy at `root` writes, which ends with the exit code `code`."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def test_a_new_rule_is_listed_and_explained(copy: Path) -> None:
    assert "GA299   paints" in run(copy, "-m", "gaia_cli", "rules")
    assert "What to do: Use a pencil." in run(copy, "-m", "gaia_cli", "rule", "paints")


def test_a_new_rule_has_a_page(copy: Path) -> None:
    assert "Paint dries on any backend." in (copy / "docs" / "rules" / "GA299-paints.md").read_text()
    assert "GA299-paints.md" in (copy / "docs" / "rules" / "README.md").read_text()


def test_a_new_rule_finds_in_a_file_that_only_its_word_lets_through(copy: Path) -> None:
    (copy / "func.py").write_text("import colours\n\n\ndef handler(payload):\n    return colours.paint()\n")
    found = run(copy, "-m", "gaia_cli", "lint", "func.py", "--no-cache", "--select", "GA299")

    assert "func.py:5:12: note: paints [GA299]" in found
    assert "help: Use a pencil." in found
    assert "paints" in run(copy, "-m", "gaia_cli", "analyze", "func.py")
