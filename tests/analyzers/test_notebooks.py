import json
from pathlib import Path

from analyzers import analyze
from runtime_images.policy.model import ExecutionMode


def _notebook(root: Path, *cells: str | tuple[str, str], name: str = "demo.ipynb") -> Path:
    made = [
        {"cell_type": kind, "source": source.splitlines(keepends=True), "metadata": {}}
        for kind, source in (cell if isinstance(cell, tuple) else ("code", cell) for cell in cells)
    ]
    path = root / name
    path.write_text(json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
    return path


def test_a_finding_in_a_notebook_names_its_cell_and_the_line_in_it(tmp_path: Path) -> None:
    path = _notebook(tmp_path, "import torch\n", ("markdown", "# Title"), "x = torch.zeros(3)\ny = x.cuda()\n")

    analysis = analyze(path)

    pinned = next(finding for finding in analysis.findings if finding.rule == "GA201")
    assert analysis.mode is ExecutionMode.GPU
    assert (pinned.place.path, pinned.place.line) == ("demo.ipynb:cell 3", 2)
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

    assert (failure.rule, failure.place.path, failure.place.line) == ("GA901", "demo.ipynb:cell 2", 2)


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
