"""What IPython adds to Python, and one bad cell, cost no more than themselves."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import analyze
from analyzers.project.notebooks.cells import cells_of, readable
from runtime_images.policy.model import ExecutionMode
from tests.support.notebooks import as_text, notebook

ON_GPU = 'import torch\nnet = torch.nn.Linear(64, 64).to("cuda")\n'


def mode(tmp_path: Path, *cells: str | tuple[str, str]) -> ExecutionMode:
    path = tmp_path / "nb.ipynb"
    path.write_text(notebook(*cells))
    return analyze(path).mode


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%time y = f(x)", "if 1: y = f(x)\n"),
        ("%timeit -n 10 -r3 f(x)", f"if{13 * ' '}1: f(x)\n"),
        ("%timeit -o f(x)", f"if{6 * ' '}1: f(x)\n"),
        ("for x in y:\n    %time f(x)\n", "for x in y:\n    if 1: f(x)\n"),
        ("%time", "\n"),
        ("%prun -s cumulative f(x)", f"if{15 * ' '}1: f(x)\n"),
        ("a, b = !ls", "a, b = None\n"),
        ("[a] = !ls", "[a] = None\n"),
        ("(a, b) = !ls", "(a, b) = None\n"),
        ("x['a b'] = !ls", "x['a b'] = None\n"),
        ('print("alpha (alpha=%f):" % 1)', 'print("alpha (alpha=%f):" % 1)\n'),
        ("f(a =%f)", "f(a =%f)\n"),
        ("  !ls \\\n     -l\nx = 1", "\n\nx = 1\n"),
        ("# first\n    ! ls\nx = 1", "# first\n\nx = 1\n"),
        ("  passed = !ls", "passed = None\n"),
        (" x = 1", "x = 1\n"),
        ("\n    # a\n    for x in y:\n        f(x)\nz = 1", "\n# a\nfor x in y:\n    f(x)\nz = 1\n"),
        ("#@title a\n\n#@markdown b\n%%html\n<b>\n", "\n\n\n\n\n"),
        ("# %load requirements.txt\nnumpy==1.22\n", "\n\n"),
        ("# %load model.py\nx = 1\n", "# %load model.py\nx = 1\n"),
        ("x.y[0] = %sql select 1", "x.y[0] = None\n"),
        ("if x:\n  !ls \\\n    -l\n", "if x:\n  pass\n\n"),
        ("def f():\n\t!ls\n\treturn 1\n", "def f():\n\tpass\n\treturn 1\n"),
        ("\n%%bash\nls\n", "\n\n\n"),
        ("%%px --local\nx = 1\n", "\nx = 1\n"),
        ("%%time\n%%capture out\nx = 1\n", "\n\nx = 1\n"),
        ("%%unheard_of --flag\nx = 1\n", "\nx = 1\n"),
        ("%%writefile model.py\nx = 1\n", "\nx = 1\n"),
        ('%%writefile -a "src/model.py"\nx = 1\n', "\nx = 1\n"),
        ("%%writefile {path}/model.py\nx = 1\n", "\nx = 1\n"),
        ("%%writefile notes.md\nx = 1\n", "\n\n"),
        ("%%writefile model.py.txt\nx = 1\n", "\n\n"),
        ("%%sql\nselect 1\n", "\n\n"),
        ("%%nvcc\n__global__ void f() {}\n", "\n\n"),
        ("x = 1\n%%time\n", "x = 1\n\n"),
        ("x !=1\nx %= 2\n", "x !=1\nx %= 2\n"),
    ],
)
def test_what_is_python_in_a_cell_stays_in_its_columns(cell: str, code: str) -> None:
    assert cells_of(notebook(cell)) == [code]


@pytest.mark.parametrize(
    "metadata", [None, {}, {"language_info": None}, {"kernelspec": None}, {"language_info": {"name": None}}, [], "x", 3]
)
def test_metadata_may_be_anything_and_is_then_pythons(metadata: object) -> None:
    text = as_text({"metadata": metadata, "cells": [{"cell_type": "code", "source": "x = 1", "metadata": metadata}]})

    assert cells_of(text) == ["x = 1\n"]


def test_a_cell_without_source_or_of_another_language_has_no_python() -> None:
    cells = [
        {"cell_type": "code", "source": None},
        {"cell_type": "code"},
        {"cell_type": "code", "source": "select 1\n", "metadata": {"vscode": {"languageId": "sql"}}},
        {"cell_type": "code", "source": "ls\n", "metadata": {"language": "bash"}},
        {"cell_type": "code", "source": "x = 1\n", "metadata": {"vscode": {"languageId": "python"}}},
    ]

    assert cells_of(json.dumps({"cells": cells})) == ["", "", "\n", "\n", "x = 1\n"]


@pytest.mark.parametrize(
    "bad",
    [
        "import numpy as\n",
        "x = = 1\n",
        "def f(:\n",
        "'''never closed\n",
        "(",
        "    indented = 1\n  less = 2\n",
        "print 1",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_cell_costs_one_cell_and_is_named(tmp_path: Path, bad: str, first: bool) -> None:
    cells = [ON_GPU, "net = net.cuda()\n"]
    cells.insert(0 if first else 1, bad)
    path = tmp_path / "nb.ipynb"
    path.write_text(notebook(*cells))

    analysis = analyze(path)

    assert analysis.mode is ExecutionMode.GPU
    assert [(one.rule, one.place.cell) for one in analysis.failures] == [("GA901", 1 if first else 2)]
    assert {one.place.cell for one in analysis.findings if one.rule == "GA201"} == ({2, 3} if first else {1, 3})


@pytest.mark.parametrize(
    "line",
    ["pip install torch", "pip3 install -q 'x>=1'", "ls", "ls -l data", "cd ..", "conda install -c x y", "nvidia-smi",
     "git clone https://example.org/x.git", "load_ext autoreload", "run train.py", "uv pip install x", "whos"],
)  # fmt: skip
def test_a_magic_without_its_sign_costs_one_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text(notebook(f"{line}\nimport torch\nnet = torch.zeros(1).cuda()\nx = = 1\n", "import torch\n" + line))
    analysis = analyze(path)
    assert [one.place.shown for one in analysis.failures] == ["nb.ipynb:cell 1:4"]

    assert mode(tmp_path, f"{line}\n{ON_GPU}") is ExecutionMode.GPU


@pytest.mark.parametrize(
    "line", ["pip = 1", "ls.append(1)", "ls(1)", "run", "env: int = 1", "cat, dog = 1, 2", "time -= 1"]
)
def test_a_name_that_looks_like_a_magic_is_a_name(line: str) -> None:
    cells, bad = readable(cells_of(notebook(f"{line}\n")))

    assert cells == [f"{line}\n"]
    assert not bad


@pytest.mark.parametrize("magic", ["%%px", "%%ipytest -qq", "%%memit", "%%wandb", "%%time", "%%writefile model.py"])
def test_the_body_of_a_cell_magic_counts(tmp_path: Path, magic: str) -> None:
    assert (
        mode(tmp_path, "import torch\n", f'{magic}\nimport torch\nx = torch.ones(3, device="cuda")\n')
        is ExecutionMode.GPU
    )


@pytest.mark.parametrize(
    "magic", ["%%bash", "%%html", "%%writefile notes.txt", "%%js", "%%R", "%%shell", "%%ai chatgpt"]
)
def test_a_cell_in_another_language_is_none_of_ours(tmp_path: Path, magic: str) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text(notebook("x = 1\n", f"{magic}\nfor x in *; do torch.cuda; done\n"))

    analysis = analyze(path)
    assert (analysis.mode, analysis.failures) == (ExecutionMode.CPU, ())


_LINES = st.sampled_from(
    ["x = 1", "%time x", "  %time x", "!ls", "a, b = !ls", "%%time", "%%bash", "if x:", "    pass", "'''", "(", ")",
     "pip install", "x?", "", "\\", "y = \\", "# %time", "%timeit -n 1 x", "def f():", "    !ls", "@x", "else:"]
)  # fmt: skip


@given(st.lists(st.lists(_LINES, max_size=6), max_size=4))
def test_every_line_keeps_its_number_and_the_good_cells_are_python_together(cells: list[list[str]]) -> None:
    texts = ["".join(f"{line}\n" for line in cell) for cell in cells]
    read, bad = readable(cells_of(notebook(*texts)))

    assert [cell.count("\n") for cell in read] == [text.count("\n") for text in texts]
    ast.parse("".join(read))
    assert all(not read[one.cell].strip() for one in bad)
