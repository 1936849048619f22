"""The import rule of the architecture, and the one module that may import each heavy library."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gaia_cli", "analyzers", "runtime_images")
IMPORTERS = {
    "astroid": ("analyzers/facts/stage2.py",),
    "docker": ("gaia_cli/engines/docker_client.py",),
    "httptools": (
        "runtime_images/dynamic_runtime/edge/slow_path.py",
        "gaia_cli/running/http_client.py",
    ),
    "libcst": ("gaia_cli/linting/fixes/rewriting.py",),
    "plotly": ("gaia_cli/views/simulation_plot.py",),
    "prometheus_client": ("runtime_images/dynamic_runtime/telemetry/metrics.py",),
    "pynvml": ("runtime_images/dynamic_runtime/telemetry/devices.py",),
    "rich": ("gaia_cli/views/",),
    "typer": (
        "gaia_cli/app.py",
        "gaia_cli/linting/verb.py",
        "gaia_cli/simulator/options.py",
        "gaia_cli/__main__.py",
    ),
    "virtualenv": (),
}
"""Where a library may be imported: files, or folders ending in a slash."""


def modules() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT))


def imported(path: str) -> set[str]:
    """The top-level names of the modules that `path` imports anywhere, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def test_the_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("library", IMPORTERS)
def test_a_heavy_library_is_imported_in_its_place_only(library: str) -> None:
    importers = [path for path in modules() if library in imported(path)]

    assert [path for path in importers if not path.startswith(IMPORTERS[library])] == []


@pytest.mark.parametrize("library", [name for name, places in IMPORTERS.items() if places])
def test_the_table_names_only_places_that_import(library: str) -> None:
    importers = [path for path in modules() if library in imported(path)]

    there = [place for place in IMPORTERS[library] if (ROOT / place).exists()]
    assert [place for place in there if not any(path.startswith(place) for path in importers)] == []


def test_nothing_is_printed_outside_the_views() -> None:
    for path in modules():
        if path.startswith(("gaia_cli/views/", "runtime_images/")):
            continue
        source = (ROOT / path).read_text()
        assert "sys.stdout.write" not in source, path
        assert "sys.stderr.write" not in source, path
