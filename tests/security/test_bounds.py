"""No file of a stranger's takes more time or memory than its size allows, and no client the time of others."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analyzers import lint
from analyzers.facts.syntax import bytes_in, column
from analyzers.findings import Finding, Place, Signal
from analyzers.lean.files import TEXT_BYTES
from analyzers.linting.suppression import Suppression, in_vain, split
from analyzers.project.ignored import walk
from analyzers.project.parsing import AT_ONCE, Outcome, tried
from analyzers.project.reading import read_entry
from gaia_cli.linting.fixes.in_notebooks import fix_cells
from gaia_cli.linting.selection import matches
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.entrypoint import EntryError, find_entry
from tests.support.cli import call_gaia
from tests.support.clock import FakeClock
from tests.support.edge import MAX_BODY_BYTES, Application, Wire
from tests.support.notebooks import notebook

MANY = 20_000
TORCH = "import torch\n"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Processor time, so that a busy machine is no failure."""
    before = time.process_time()
    yield
    assert time.process_time() - before < seconds


def test_many_findings_on_one_long_line_do_not_each_keep_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TORCH + "torch.zeros(1).cuda();" * 2000 + "\n")

    (result,) = lint(["a.py"], root=tmp_path, cache_dir=tmp_path / "cache")

    assert len(result.findings) >= 2000
    kept = sum(path.stat().st_size for path in (tmp_path / "cache").iterdir())
    assert kept < 6000 * len(result.findings)


def test_a_column_in_a_long_line_with_other_letters_is_found_without_reading_the_line_again() -> None:
    line = "'é', f(x), " * (TEXT_BYTES // 12)
    with at_most(5):
        columns = [column(line, offset) for offset in range(0, TEXT_BYTES // 2, 5)]

    assert columns[-1] == len(line.encode()[: 5 * (len(columns) - 1)].decode(errors="ignore")) + 1


@pytest.mark.parametrize("line", ["", "x = 1", "é = 'ü€𝄞' + x", "𝄞"])
def test_columns_count_characters(line: str) -> None:
    starts = [len(line[:index].encode()) for index in range(len(line) + 1)]

    assert [column(line, start) for start in starts] == list(range(1, len(line) + 2))
    assert bytes_in(line) == len(line.encode())


def test_as_many_comments_as_findings_are_compared_line_by_line() -> None:
    findings = [Finding("GA201", Place("a.py", line), "", 0.0, Signal.SWITCHABILITY) for line in range(MANY)]
    comments = [Suppression("a.py", line, 1, ("GA201",), line, line) for line in range(0, MANY, 2)]
    with at_most(3):
        kept, silenced = split(findings, comments)

    assert [finding.place.line % 2 for finding in (*kept, *silenced)] == [1] * (MANY // 2) + [0] * (MANY // 2)


def test_many_blocks_in_each_other_are_compared_in_no_more_time() -> None:
    findings = [Finding("GA201", Place("a.py", line), "", 0.0, Signal.SWITCHABILITY) for line in range(MANY)]
    comments = [Suppression("a.py", line, 1, ("GA201",), line, 2 * MANY - line) for line in range(1, MANY)]
    with at_most(3):
        kept, silenced = split(findings, comments)
        vain = list(in_vain(comments, silenced))

    assert (len(kept), len(silenced), len(vain)) == (1, MANY - 1, 0)


def test_many_cells_with_comments_that_silence_nothing_are_cut_once(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook(TORCH, *["# noqa: GA201\n"] * 5000))
    with at_most(20):
        ended = call_gaia("lint", "a.ipynb", "--select", "GA890", "--output-format", "concise", cwd=tmp_path)

    assert ended.stdout.count("GA890") >= 5000


def test_many_lines_of_a_notebook_are_written_back_in_one_go() -> None:
    text = notebook("x = 1\n" * MANY).encode()

    def fixer(data: bytes, path: str) -> tuple[bytes, int]:  # noqa: ARG001 -- as fixers are called
        return data.replace(b"1", b"2"), MANY

    with at_most(10):
        fixed, places = fix_cells(text, "a.ipynb", fixer)

    assert (fixed, places) == (text.replace(b"x = 1", b"x = 2"), MANY)


@pytest.mark.parametrize("encoding", ["punycode", "idna", "PUNYCODE"])
def test_an_encoding_that_takes_the_square_of_its_length_is_refused(tmp_path: Path, encoding: str) -> None:
    code = f"# coding: {encoding}\nimport torch\n-".encode() + b"a" * (TEXT_BYTES - 100)
    (tmp_path / "func.py").write_bytes(code)
    with at_most(5):
        (result,) = lint(["func.py"], root=tmp_path)
        with pytest.raises(EntryError, match=f"{encoding} is not for text"):
            find_entry(tmp_path, "", read_entry)

    assert [finding.rule for finding in result.findings] == ["GA903"]


def test_a_short_file_whose_dotted_names_take_a_gigabyte_is_tried_in_a_process_of_its_own(tmp_path: Path) -> None:
    code = "import " + "a." * (AT_ONCE // 2 - 10) + "b\n"
    (tmp_path / "a.py").write_text(code)

    (result,) = lint(["a.py"], root=tmp_path)

    assert tried(code) is Outcome.TOO_LARGE
    assert [finding.rule for finding in result.findings] == ["GA904"]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A tree deeper than Python's stack, with a file at its end."""
    root = tmp_path / "deep"
    root.mkdir()
    here = Path.cwd()
    os.chdir(root)
    for _ in range(1500):
        Path("d").mkdir()
        os.chdir("d")
    Path("last.py").write_text(TORCH + "x = torch.zeros(1).cuda()\n")
    os.chdir(here)
    yield root
    for directory, names in reversed(list(walk(str(root)))):
        for name in names:
            (Path(directory) / name).unlink()
        Path(directory).rmdir()


def test_a_tree_deeper_than_the_stack_is_walked_to_its_end(deep: Path) -> None:
    linted = call_gaia("lint", "--output-format", "concise", cwd=deep)
    analyzed = call_gaia("analyze", ".", "--output-format", "json", cwd=deep)
    checked = call_gaia("manifest", cwd=deep)

    assert (linted.returncode, linted.stdout.count("last.py")) == (1, 1)
    assert (analyzed.returncode, checked.returncode) == (0, 0), analyzed.stderr + checked.stderr
    assert "last.py" in analyzed.stdout


def _excluded(count: int) -> str:
    return f"exclude = {[f'a*{number}' for number in range(count)]}"


def _ignored(count: int) -> str:
    return "\n".join(["[lint.per-file-ignores]", *(f'"a*{number}" = ["GA2"]' for number in range(count))])


@pytest.mark.parametrize("table", [_excluded, _ignored])
def test_a_table_with_more_patterns_than_anybody_writes_is_refused(tmp_path: Path, table: Callable[[int], str]) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    codes = []
    for count in (500, 501):
        (tmp_path / "gaia.toml").write_text(f"[lint]\n{table(count)}\n")
        codes.append(call_gaia("lint", ".", cwd=tmp_path).returncode)

    assert codes == [0, 2]


def test_hundreds_of_patterns_are_compiled_once_and_not_for_every_file() -> None:
    globs = [f"generated/*/{number}*.py" for number in range(500)]
    with at_most(10):
        found = [glob for number in range(200) for glob in globs if matches(f"src/a/b/{number}.py", glob)]

    assert found == []


WORST = ("*a" * 250, "?" * 499 + "b", "*" + "?" * 498 + "b", "*" + "[!b]" * 124 + "b", "[" * 500, "*?" * 250)


@pytest.mark.parametrize("glob", WORST)
def test_no_pattern_takes_long_on_the_longest_path(glob: str) -> None:
    with at_most(1):
        assert not matches("a" * 4000 + "c", glob) or glob == "*?" * 250


HEADS = {
    "ordinary": b"GET /%d HTTP/1.1\r\nHost: t\r\n\r\n",
    "on the slow path": b"GET /%d HTTP/1.1\r\nHost: t\r\nTE:\r\nX: " + b"x" * 300 + b"\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_client_whose_requests_are_answered_at_once_leaves_others_their_turn(head: bytes) -> None:
    async def run() -> None:
        application = Application()
        wire = Wire(HttpServer(application, Exchange, FakeClock(), MAX_BODY_BYTES).accept())
        wire.feed(b"".join(head % number for number in range(1500)))
        turns, most = 0, len(application.seen)
        while len(application.seen) < 1500:
            before = len(application.seen)
            await asyncio.sleep(0)
            turns, most = turns + 1, max(most, len(application.seen) - before)
            assert turns < 1500

        assert most <= 500
        assert [seen.target for seen in application.seen] == [b"/%d" % number for number in range(1500)]
        assert bytes(wire.written).count(b"HTTP/1.1 200") == 1500

    asyncio.run(run())
