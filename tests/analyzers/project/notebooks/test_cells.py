from pathlib import Path

import pytest

from analyzers import analyze
from analyzers.project.notebooks.cells import NotANotebookError, cells_of
from runtime_images.policy.model import ExecutionMode
from tests.support.notebooks import as_text, notebook


def _notebook(root: Path, *cells: str | tuple[str, str]) -> Path:
    path = root / "demo.ipynb"
    path.write_text(notebook(*cells))
    return path


def test_a_finding_in_a_notebook_names_its_cell_and_the_line_in_it(tmp_path: Path) -> None:
    path = _notebook(tmp_path, "import torch\n", ("markdown", "# Title"), "x = torch.zeros(3)\ny = x.cuda()\n")

    analysis = analyze(path)

    pinned = next(finding for finding in analysis.findings if finding.rule == "GA201")
    assert analysis.mode is ExecutionMode.GPU
    assert (pinned.place.path, pinned.place.cell, pinned.place.line) == ("demo.ipynb", 3, 2)
    assert "demo.ipynb:cell 3:2" in analysis.reason
    assert pinned.evidence.path == "demo.ipynb:cell 3"
    assert pinned.excerpt == "y = x.cuda()"


def test_commands_of_the_shell_are_no_python(tmp_path: Path) -> None:
    path = _notebook(
        tmp_path,
        "%matplotlib inline\n!pip install \\\n  torch\nfiles = !ls\nif files:\n    !ls\ntorch?\n",
        "%%bash\nfor x in *; do echo $x; done\n",
        "import torch\nx = torch.zeros(3).to('cuda')",
    )

    analysis = analyze(path)

    assert not analysis.failures
    assert analysis.mode is ExecutionMode.GPU


def test_a_cell_that_is_not_python_is_named(tmp_path: Path) -> None:
    path = _notebook(tmp_path, "x = 1", "y = 2\nz = = 3")

    (failure,) = analyze(path).failures

    assert (failure.rule, failure.place.shown) == ("GA901", "demo.ipynb:cell 2:2")


def test_names_live_on_from_cell_to_cell(tmp_path: Path) -> None:
    path = _notebook(tmp_path, "device = 'cuda'", "import torch", "x = torch.zeros(3, device=device)")

    assert analyze(path).mode is ExecutionMode.GPU


def test_a_notebook_that_is_none_is_a_failure_and_never_cpu(tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text('{"cells": 3')

    analysis = analyze(path)

    assert [finding.rule for finding in analysis.failures] == ["GA903"]
    assert analysis.mode is not ExecutionMode.CPU


def test_a_directory_of_notebooks_alone_is_read(tmp_path: Path) -> None:
    _notebook(tmp_path, "import torch\nx = torch.zeros(3).cuda()")

    assert analyze(tmp_path).files == ("demo.ipynb",)


def test_notebooks_beside_python_are_left_out(tmp_path: Path) -> None:
    _notebook(tmp_path, "import torch\nx = torch.zeros(3).cuda()")
    (tmp_path / "service.py").write_text("x = 1\n")

    assert analyze(tmp_path).files == ("service.py",)


@pytest.mark.parametrize(
    "cell",
    [
        'print("%s"\n      % device)\n',
        'text = """\n%d items, "three" \'quotes\'\n!not a command\n"""\n',
        "x = [  # a bracket ( in a comment\n    'it\\'s (',\n% 3]\n".replace("% 3", "!3").replace("!3", "-3"),
        "x = 7 \\\n  % 3\n",
        "device = 'cuda'  # really?\n",
        "s = '\u2028 \x0c'\n",
    ],
)
def test_python_that_looks_like_a_command_stays(cell: str) -> None:
    assert cells_of(notebook(cell)) == [cell]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%load_ext x\nx = 1", "\nx = 1\n"),
        ("!pip install \\\n  torch\nx = 1\n", "\n\nx = 1\n"),
        ("x = !ls\nif x:\n    %cd y\n", "x = None\nif x:\n    pass\n"),
        ("torch.zeros?\n??x\nprint(1)\n", "\n\nprint(1)\n"),
        ("%%time\nx = 1\n", "\nx = 1\n"),
        ("%%bash\nls $x\n", "\n\n"),
        ("", ""),
    ],
)
def test_commands_are_blanked_and_every_line_keeps_its_number(cell: str, code: str) -> None:
    assert cells_of(notebook(cell)) == [code]


def test_a_notebook_in_another_language_has_no_python() -> None:
    julia = notebook("x = [1 2 3]\n", kernelspec={"language": "julia"})

    assert cells_of(julia) == [""]
    assert cells_of(notebook("x = 1", kernelspec={"language": "python"}, language_info={"name": "ipython"})) == [
        "x = 1\n"
    ]


def test_a_notebook_of_the_old_format_is_named_as_such() -> None:
    with pytest.raises(NotANotebookError, match="format 3"):
        cells_of(as_text({"worksheets": [{"cells": []}], "nbformat": 3}))


def test_a_line_full_of_brackets_is_read_in_linear_time() -> None:
    code = "(" * 200_000 + "\n% 3"

    assert cells_of(as_text({"cells": [{"cell_type": "code", "source": code}]})) == [f"{code}\n"]


@pytest.mark.parametrize(
    ("cell", "failing"),
    [
        ("bucket =  # the name of yours\n", False),
        ("region = # us-east-1\nsize =\n", False),
        ("if True:\n    bucket = #INSERT\n", False),
        ("bucket = ) # yours\n", True),
        ("f(x = # yours\n", True),
    ],
)
def test_a_blank_that_the_reader_fills_in_costs_no_cell(tmp_path: Path, cell: str, failing: bool) -> None:
    analysis = analyze(_notebook(tmp_path, cell, "import torch\nx = torch.zeros(3).cuda()\n"))

    assert bool(analysis.failures) is failing
