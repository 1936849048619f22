from collections import Counter
from pathlib import Path

import pytest

from analyzers.rules.knowledge import libraries

_FOLDER = Path(libraries.__file__).parent


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.tsv")), ids=lambda path: path.name)
def test_no_table_names_anything_twice(path: Path) -> None:
    tables = path.read_text(encoding="utf-8").split("\n[")[1:]
    rows = [[row for row in table.splitlines()[1:] if row and not row.startswith("#")] for table in tables]
    named = [Counter(name for row in table for name in row.partition("\t")[2].split()) for table in rows]

    assert all(all(table) for table in named)
    assert [name for table in named for name, count in table.items() if count > 1] == []


def test_libraries_have_tables_that_agree_about_what_a_name_is() -> None:
    assert libraries.FRAMEWORKS["torch"] == 0.2
    assert libraries.GPU_ONLY["vllm"] == "model serving on GPUs"
    assert libraries.import_name("Scikit_Learn") == "sklearn"
    assert not libraries.FRAMEWORKS.keys() & libraries.GPU_ONLY.keys()
    assert not libraries.CPU_ONLY.keys() & (libraries.FRAMEWORKS.keys() | libraries.GPU_ONLY.keys())
