"""`gaia lint` on notebooks: findings by cell for people, by the line of the file for what knows files only."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gaia_cli.errors import ExitCode
from tests.gaia_cli.linting.support import Project
from tests.support.notebooks import notebook

CELLS = ("import torch\n", ("markdown", "# Title"), '# on a GPU\nx = torch.zeros(3).to("cuda")\n')


@pytest.fixture
def demo(project: Project) -> Project:
    project.write("deep/demo.ipynb", notebook(*CELLS))
    return project


def _line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_notebooks_are_found_in_directories(demo: Project) -> None:
    assert demo.codes() == ["GA701"]
    assert demo.codes("deep/demo.ipynb") == ["GA701"]
    assert demo.lint("--exclude", "*.ipynb") is ExitCode.OK


@pytest.mark.parametrize("name", ["full", "concise"])
def test_people_see_the_cell_and_the_line_in_it(demo: Project, name: str) -> None:
    demo.lint("--output-format", name)

    assert demo.output.startswith('deep/demo.ipynb:cell 3:2:23: warning: "cuda" is hard-coded')


def test_json_has_the_path_and_the_cell_apart(demo: Project) -> None:
    demo.write("plain.py")
    demo.lint("--output-format", "json")

    found = json.loads(demo.output)["findings"]
    assert [(place["path"], place["cell"], place["line"]) for place in found] == [
        ("plain.py", None, 5),
        ("deep/demo.ipynb", 3, 2),
    ]


def test_sarif_points_to_the_line_of_the_file(demo: Project) -> None:
    demo.lint("--output-format", "sarif")
    log: dict[str, Any] = json.loads(demo.output)
    schema = Path(__file__).parents[2] / "analyzers" / "formats" / "sarif-schema-2.1.0.json"
    jsonschema.Draft4Validator(json.loads(schema.read_text())).validate(log)

    (result,) = log["runs"][0]["results"]
    (location,) = result["locations"]
    text = (demo.root / "deep/demo.ipynb").read_text()
    region = location["physicalLocation"]["region"]
    line = text.splitlines()[region["startLine"] - 1]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "deep/demo.ipynb"
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == '\\"cuda\\"'
    assert result["message"]["text"].endswith("(cell 3, line 2)")
    assert "primaryLocationLineHash" in result["partialFingerprints"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("github", "file=deep/demo.ipynb,line={line},"),
        ("gitlab", '"begin": {line}\n'),
        ("junit", 'file="deep/demo.ipynb" line="{line}"'),
    ],
)
def test_pipelines_get_the_line_of_the_file(demo: Project, name: str, expected: str) -> None:
    demo.lint("--output-format", name)

    text = (demo.root / "deep/demo.ipynb").read_text()
    assert expected.format(line=_line_of(text, 'to(\\"cuda\\")')) in demo.output
    assert "(cell 3, line 2)" in demo.output


def test_a_comment_silences_its_line_in_its_cell_only(project: Project) -> None:
    pinned = 'x = torch.zeros(3).to("cuda")'
    project.write("a.ipynb", notebook("import torch", f"{pinned}  # noqa: GA701", f"{pinned}\ny = 1  # noqa: GA701"))

    project.lint("--output-format", "concise")
    assert [line.partition(" ")[2][:6] for line in project.output.splitlines()] == ["3:1:23", "3:2:8:"]
    assert project.codes() == ["GA701", "GA890"]
    project.lint()
    assert "2 | y = 1  # noqa: GA701" in project.output


def test_results_of_notebooks_are_kept(demo: Project, capsys: pytest.CaptureFixture[str]) -> None:
    from gaia_cli.commands.lint import lint
    from gaia_cli.linting.options import parse

    outputs = []
    for _ in range(2):
        lint(parse(["--output-format", "concise", "--cache-dir", ".kept"]))
        outputs.append(capsys.readouterr().out)

    assert list((demo.root / ".kept").glob("*.json"))
    assert outputs[0] == outputs[1]
    assert "cell 3:2" in outputs[0]


def test_a_baseline_knows_findings_in_cells_that_have_moved(demo: Project) -> None:
    demo.lint("--write-baseline", "known.json")
    demo.write("deep/demo.ipynb", notebook("y = 1", *CELLS))

    assert demo.lint("--baseline", "known.json") is ExitCode.OK


def test_a_fix_changes_the_line_of_the_cell_and_no_other_byte(demo: Project) -> None:
    pytest.importorskip("libcst", reason="libcst is in the extra 'fix'")
    path = demo.root / "deep/demo.ipynb"
    before = path.read_bytes()
    expected = before.replace(b'to(\\"cuda\\")', b'to(\\"cuda\\" if torch.cuda.is_available() else \\"cpu\\")')

    assert demo.lint("--diff") is ExitCode.FINDINGS
    assert path.read_bytes() == before
    assert "+++ b/deep/demo.ipynb" in demo.output
    assert demo.lint("--fix") is ExitCode.OK
    assert path.read_bytes() == expected != before
    assert demo.lint("--diff") is ExitCode.OK


@pytest.mark.parametrize(
    "line",
    [
        "%time x = USE",
        "    x = USE\n    y = 1",
        "  !ls\nx = USE",
        "%%time\nx = USE",
        "for x in y:\n    %timeit -n 1 x = USE",
    ],
)
def test_a_fix_leaves_magics_as_they_are(project: Project, line: str) -> None:
    path = project.write("a.ipynb", notebook("import torch", line.replace("USE", "y.to('cuda')")))
    fixed = line.replace("USE", "y.to('cuda' if torch.cuda.is_available() else 'cpu')")

    project.lint("--fix")

    assert path.read_text() == notebook("import torch", fixed)


def test_nothing_in_a_notebook_counts_as_done_at_import(project: Project) -> None:
    code = "import torch\ntorch.manual_seed(1)\n\ndef handler(payload):\n    return payload\n"
    project.write("a.py", code)
    project.write("a.ipynb", notebook(code))

    assert project.codes("a.py") == ["GA707"]
    assert project.codes("a.ipynb") == []


def test_a_notebook_on_standard_input_is_known_by_its_name(demo: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    text = (demo.root / "deep/demo.ipynb").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    demo.lint("-", "--stdin-filename", "deep/demo.ipynb", "--output-format", "concise")

    assert demo.output.startswith("deep/demo.ipynb:cell 3:2:")
