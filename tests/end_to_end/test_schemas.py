"""What the commands write for programs, against the published schemas, closed to fields that they do not name."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import run_gaia
from tests.support.schemas import misfits
from tests.support.serving import write_function

SOURCE = """
    import torch

    def handler(payload):
        x = torch.ones(4096, 4096).cuda()
        return {"sum": float((x @ x).sum())}
"""
SERVED = """
    def handler(payload):
        print("called")
        return payload
"""
SETTINGS = '[function]\nname = "schemas"\n\n[slo]\nlatency_p95_ms = 200\n'


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_function(tmp_path_factory.mktemp("schemas"), SOURCE)
    (directory / "gaia.toml").write_text(SETTINGS)
    (directory / "requirements.txt").write_text("torch\n")
    return directory


def outputs(*arguments: str) -> Iterator[object]:
    """Each JSON value on standard output: the whole, or one a line."""
    text = run_gaia(*arguments).stdout
    assert text, arguments
    try:
        yield json.loads(text)
    except json.JSONDecodeError:
        yield from (json.loads(line) for line in text.splitlines())


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ("analysis.json", ["analyze", "{function}", "--output-format", "json"]),
        ("lint.json", ["lint", "{function}", "--select", "GA", "--output-format", "json"]),
        ("finding.json", ["lint", "{function}", "--select", "GA", "--output-format", "json-lines"]),
        ("rules.json", ["rules", "--output-format", "json"]),
        ("rule.json", ["rule", "GA201", "--output-format", "json"]),
        ("version.json", ["version", "--output-format", "json"]),
        (
            "simulation.json",
            ["simulate", "ramp", "--output-format", "json"],
        ),
        ("simulation.json", ["simulate", "ramp", "sleeper", "--policy", "static-cpu", "--output-format", "json"]),
        ("error.json", ["analyze", "nowhere", "--output-format", "json"]),
        ("error.json", ["simulate", "nowhere", "--output-format", "json"]),
        ("error.json", ["lint", "nowhere", "--output-format", "json-lines"]),
        ("error.json", ["run", "nowhere", "--output-format", "json-lines"]),
    ],
)
def test_what_a_command_writes_is_what_its_schema_says(schema: str, arguments: list[str], function: Path) -> None:
    values = list(outputs(*(argument.format(function=function) for argument in arguments)))

    assert values
    assert misfits(schema, values) == []


def test_a_manifest_is_what_its_schema_says(function: Path) -> None:
    run_gaia("analyze", str(function), "--write")

    written = tomllib.loads((function / "gaia.manifest.toml").read_text(encoding="utf-8"))
    assert misfits("manifest.json", [written]) == []


def test_a_run_is_events_and_a_summary(tmp_path: Path) -> None:
    write_function(tmp_path, SERVED)
    (tmp_path / "gaia.toml").write_text('[function]\nname = "served"\n')
    load, trace = tmp_path / "load.jsonl", tmp_path / "trace.csv"
    load.write_text("".join(json.dumps({"at_s": at / 10, "json": {}}) + "\n" for at in range(15)))
    where = ("--engine", "process", "--accelerator", "emulated", "--mode", "cpu_preferred", "--port", "0")
    play = ("--play", str(load), "--record", str(trace), "--what-if", "--output-format", "json-lines")

    *events, summary = outputs("run", str(tmp_path), *where, *play)

    assert misfits("events.json", events) == []
    assert misfits("summary.json", [summary]) == []
