"""Which environment variables the files beside the code set."""

from pathlib import Path

import pytest

from analyzers.project.beside.dockerfile import read_steps
from analyzers.project.beside.variables import read_variables
from analyzers.project.model import Variable
from tests.analyzers.support import mode_of, project


def _variables(root: Path, entry: str = "") -> tuple[Variable, ...]:
    return read_variables(root, read_steps(root, entry), entry)


@pytest.mark.parametrize(
    ("dockerfile", "found"),
    [
        ('FROM x\nENV CUDA_VISIBLE_DEVICES=""\n', {"CUDA_VISIBLE_DEVICES": ""}),
        ("ENV CUDA_VISIBLE_DEVICES -1", {"CUDA_VISIBLE_DEVICES": "-1"}),
        ("ENV A=1 B='two words' \\\n    C=3\nRUN x", {"A": "1", "B": "two words", "C": "3"}),
        ("env A=1 \\\n  # a comment\n  B=2\n", {"A": "1", "B": "2"}),
        ("ENV GREETING hello there", {"GREETING": "hello there"}),
        ("# ENV A=1\nRUN ENV B=2\n", {}),
        ("FROM x AS build\nENV A=1\nFROM y\nENV B=2\n", {"B": "2"}),
        ("FROM x AS base\nENV A=1\nFROM base\nENV B=2\n", {"A": "1", "B": "2"}),
    ],
)
def test_a_dockerfile_sets_variables(tmp_path: Path, dockerfile: str, found: dict[str, str]) -> None:
    root = project(tmp_path, {"Dockerfile": dockerfile})

    assert {one.name: one.value for one in _variables(root)} == found


@pytest.mark.parametrize("text", ["[run.env]\nA = 'cpu'\nB = 1\n", "[run]\nenv = {A = 'cpu'}\n"])
def test_gaia_toml_sets_variables(tmp_path: Path, text: str) -> None:
    (variable,) = _variables(project(tmp_path, {"gaia.toml": text}))

    assert (variable.name, variable.value, variable.place.path) == ("A", "cpu", "gaia.toml")


@pytest.mark.parametrize("text", ["[run.env", "run = 3\n# env", "[run]\nenv = 'x'", "\x00env"])
def test_a_broken_configuration_sets_none(tmp_path: Path, text: str) -> None:
    assert _variables(project(tmp_path, {"gaia.toml": text})) == ()


def test_variables_beside_the_entry_count(tmp_path: Path) -> None:
    root = project(tmp_path, {"app/Dockerfile": "ENV JAX_PLATFORMS=cpu"})

    assert [one.place.path for one in _variables(root, "app/main.py")] == ["app/Dockerfile"]


def test_a_dockerfile_that_hides_every_gpu_decides(tmp_path: Path) -> None:
    code = "import torch\ndef handler(payload):\n    return torch.ones(3)\n"

    assert mode_of(tmp_path, code) == "cpu_preferred"
    (tmp_path / "Dockerfile").write_text("FROM x\nENV CUDA_VISIBLE_DEVICES=-1\n")
    assert mode_of(tmp_path, code) == "cpu"
