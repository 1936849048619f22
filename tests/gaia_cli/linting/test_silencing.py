"""`--add-noqa`: comments on the lines of findings, and not a byte more."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.findings import Level
from analyzers.formats.findings import LintFinding
from gaia_cli.errors import ExitCode
from gaia_cli.linting.silencing import silenced
from tests.gaia_cli.linting.support import BROKEN, PINNED, Project

LINE = '    return torch.zeros(3).to("cuda").tolist()'


def after(tmp_path: Path, source: bytes, *found: tuple[str, int], name: str = "func.py", cell: int = 0) -> bytes:
    """Return a file once the findings, by code and line, are silenced."""
    (tmp_path / name).write_bytes(source)
    findings = [LintFinding(code, Level.WARNING, 1.0, name, line, 1, 2, "", cell=cell) for code, line in found]
    changed = [change.after for change in silenced(findings, str(tmp_path))]
    return changed[0] if changed else source


def test_what_is_found_is_silenced_and_the_run_passes(project: Project) -> None:
    path = project.write("func.py")

    assert project.lint("--add-noqa") is ExitCode.OK
    assert "silenced 1 finding" in project.notes
    assert path.read_text() == PINNED.replace(LINE, f"{LINE}  # noqa: GA701")
    assert project.codes() == []
    assert project.lint("--add-noqa") is ExitCode.OK
    assert "silenced" not in project.notes


def test_what_no_comment_silences_stays_and_fails_the_run(project: Project) -> None:
    project.write("bad.py", BROKEN)

    assert project.lint("--add-noqa") is ExitCode.FINDINGS
    assert (project.root / "bad.py").read_text() == BROKEN


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (b"x = 1\n", b"x = 1  # noqa: GA701\n"),
        (b"x = 1", b"x = 1  # noqa: GA701"),
        (b"x = 1  \t\r\ny = 2\r\n", b"x = 1  # noqa: GA701  \t\r\ny = 2\r\n"),
        (b"x = 1  # why\n", b"x = 1  # why  # noqa: GA701\n"),
        (b"x = 1  # noqa: E501 why\n", b"x = 1  # noqa: E501, GA701 why\n"),
        (b"x = 1  # NOQA:E501,F401\n", b"x = 1  # NOQA:E501,F401, GA701\n"),
        (b"x = 1  # noqa\n", b"x = 1  # noqa  # noqa: GA701\n"),
        (b"x = 1  # gaia: ignore[GA704] why\n", b"x = 1  # gaia: ignore[GA704] why  # noqa: GA701\n"),
        (b"x = (1,\n2)\n", b"x = (1,  # noqa: GA701\n2)\n"),
        (b"x = '''a\nb'''\n", b"x = '''a\nb'''  # noqa: GA701\n"),
        (b"x = 1 + \\\n2\n", b"x = 1 + \\\n2  # noqa: GA701\n"),
        (b'f"""{\nx}""", \\\n  2  # noqa: E501\n', b'f"""{\nx}""", \\\n  2  # noqa: E501, GA701\n'),
        (b"\xef\xbb\xbfx = '\xc3\xa9'\n", b"\xef\xbb\xbfx = '\xc3\xa9'  # noqa: GA701\n"),
    ],
)
def test_a_comment_is_put_at_the_end_of_the_line_or_into_the_one_that_is_there(
    tmp_path: Path, before: bytes, expected: bytes
) -> None:
    assert after(tmp_path, before, ("GA701", 1)) == expected


@pytest.mark.parametrize("source", [b"x = (\n", b"\xff\xfe", b"x = '''a\n", b"x = 1 \\\n"])
def test_a_line_that_takes_no_comment_stays_as_it_is(tmp_path: Path, source: bytes) -> None:
    assert after(tmp_path, source, ("GA701", 1)) == source


def test_other_encodings_are_kept(tmp_path: Path) -> None:
    source = b"# coding: latin-1\nx = '\xe9'\n"

    assert after(tmp_path, source, ("GA701", 2)) == source[:-1] + b"  # noqa: GA701\n"


def test_several_findings_of_a_line_share_a_comment(tmp_path: Path) -> None:
    assert after(tmp_path, b"x = 1\n", ("GA701", 1), ("GA702", 1), ("GA701", 1)) == b"x = 1  # noqa: GA701, GA702\n"


def test_declarations_and_failures_are_left(tmp_path: Path) -> None:
    assert after(tmp_path, b"x = 1\n", ("GA801", 1), ("GA901", 1), ("GA890", 1)) == b"x = 1\n"


def test_a_notebook_has_the_comment_in_its_cell(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": ["import torch\n"]}, {"cell_type": "code", "source": ["%time\n", "x = 1"]}]
    before = json.dumps({"cells": cells}, indent=1).encode()

    fixed = after(tmp_path, before, ("GA701", 2), name="a.ipynb", cell=2)

    assert fixed == before.replace(b'"x = 1"', b'"x = 1  # noqa: GA701"')


_LINES = st.sampled_from(
    ["x = 1", "y = '''", "# noqa: E501", "z = (", ")", "", "if x:", "    w = 2  # noqa", "v = 3 \\", "\f", "\r"]
)


@given(st.lists(_LINES, max_size=10), st.lists(st.integers(1, 10), max_size=5))
def test_no_file_becomes_other_code_and_each_silenced_finding_is_silent(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], found: list[int]
) -> None:
    import ast

    from analyzers.findings import Finding, Place, Signal
    from analyzers.linting.suppression import split, suppressions

    source = "\n".join(lines).encode()
    fixed = after(tmp_path_factory.getbasetemp(), source, *(("GA701", line) for line in found))
    if fixed == source:
        return
    assert ast.dump(ast.parse(fixed)) == ast.dump(ast.parse(source))
    findings = [Finding("GA701", Place("a.py", line), "", 0.0, Signal.SWITCHABILITY) for line in found]
    _, silent = split(findings, suppressions("a.py", fixed.decode()))
    assert silent


def test_a_link_is_left_since_the_file_is_silenced_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_bytes(b"x = 1\n")
    (tmp_path / "link.py").symlink_to("real.py")
    findings = [LintFinding("GA701", Level.WARNING, 1.0, name, 1, 1, 2, "") for name in ("link.py", "real.py")]

    assert [change.path for change in silenced(findings, str(tmp_path))] == ["real.py"]
