"""What a quick command loads: no verb pays for another's libraries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "analyzers.facts.model", "astroid", "asyncio", "docker", "httptools", "httpx2", "lightkube", "plotly",
    "prometheus_client", "pynvml", "requests", "rich", "runtime_images.cluster", "runtime_images.dynamic_runtime",
    "tomli_w", "typer", "urllib3", "uvloop", "virtualenv", "yaml",
}  # fmt: skip
PROBE = """
import json, os, sys
from gaia_cli.__main__ import main
code = main(sys.argv[1:])
sys.stdout.flush()
os.write(2, (chr(10) + json.dumps(sorted(sys.modules))).encode())
"""


def heavy_modules(*arguments: str, cwd: Path) -> set[str]:
    """Return the names in HEAVY that `gaia` with `arguments` has loaded when it ends."""
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(ended.stderr.splitlines()[-1])) & HEAVY


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--version"], set()),
        (["--help"], {"typer"}),
        (["run", "--help"], {"typer"}),
        (["version"], {"typer"}),
        (["init", "new"], {"typer"}),
        (["invoke", "http://127.0.0.1:1"], {"typer"}),
        (["run", "absent", "--no-such-flag"], {"typer"}),
        (["simulate", "absent.csv"], {"typer", "rich", "runtime_images.cluster"}),
    ],
)
def test_a_quick_command_loads_only_what_it_needs(arguments: list[str], loaded: set[str], tmp_path: Path) -> None:
    assert heavy_modules(*arguments, cwd=tmp_path) <= loaded


def test_analyzing_loads_nothing_that_runs_or_builds(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")

    assert heavy_modules("analyze", ".", cwd=tmp_path) <= {
        "analyzers.facts.model",
        "typer",
        "rich",
        "astroid",
        "tomli_w",
    }


def test_the_worker_side_loads_the_standard_library_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import runtime_images.dynamic_runtime.worker.main;"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(loaded - sys.stdlib_module_names - {'runtime_images', 'uvloop'}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout.strip() == "[]"
