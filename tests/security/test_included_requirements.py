"""What pip would read for a requirements file lies in the function's directory, however the file spells it."""

import time
from pathlib import Path

import pytest

from analyzers.project.requirements import constraints, included, joined_lines
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.project import load_project
from tests.support.cli import call_gaia

SECRET = "the-secret-of-the-user is no requirement\n"


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    root = tmp_path / "function"
    root.mkdir()
    (root / "func.py").write_text("def handler(payload):\n    return payload\n")
    return root


@pytest.mark.parametrize(
    "text",
    [
        "-r ../secret",
        "-r../secret",
        "--requirement=../secret",
        "--requirement '../secret'",
        '-r "../secret"',
        "--requirem ../secret",
        "--no-index -r ../secret",
        "--pre --requirement=../secret -c inner",
        "-\\\nr ../secret",
        "--requi\\\nrement \\\n ../secret",
        "\\-r ../secret\\\n",
        "-c ../secret",
        "--constr=../secret",
        "-c inner",
        "-r file:{secret}",
        "-r FILE://{secret}",
        "-c file:{secret}",
        "-r ${{HOME}}/secret",
        "-c ${{HOME}}/secret",
        "-r https://example.org/requirements.txt",
        "httpx\u2028-r ../secret",
        "httpx\x0b-r ../secret",
    ],
)
def test_an_include_from_elsewhere_is_named_and_not_installed(function: Path, tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret"
    (function / "requirements.txt").write_text(text.format(secret=secret) + "\n")
    (function / "inner").write_text("-r ../secret\n")
    for decoy in (f"file:{secret}", f"FILE:{secret}", "${HOME}/secret", "https:/example.org/requirements.txt"):
        (function / decoy).parent.mkdir(parents=True, exist_ok=True)
        (function / decoy).write_text("httpx\n")

    analyzed = call_gaia("analyze", ".", cwd=function)

    assert "leads out of the function's directory and is not read" in analyzed.stderr
    assert "the-secret" not in analyzed.stdout + analyzed.stderr
    with pytest.raises(ConfigurationError, match="leads out of the function's directory"):
        load_project(function).requirements_for(gpu=False)


@pytest.mark.parametrize("coding", ["utf-7", "latin-1", "unicode_escape"])
def test_a_list_in_an_encoding_of_its_own_is_refused(function: Path, coding: str) -> None:
    (function / "requirements.txt").write_text(f"# -*- coding: {coding} -*-\n+AC0-r ../secret\n")

    with pytest.raises(ConfigurationError, match="by its own words"):
        load_project(function).requirements_for(gpu=False)


@pytest.mark.parametrize("line", ["-r /secret", "x\\r-r /secret", "x\\u2028-r /secret", "\\\\-r /secret\\\\", "x \\\\"])
def test_a_listed_requirement_is_one_requirement(function: Path, line: str) -> None:
    (function / "gaia.toml").write_text(f'[function]\nrequirements = ["{line}"]\n')
    with pytest.raises(ConfigurationError, match="requirements must be"):
        load_project(function)

    (function / "gaia.toml").unlink()
    (function / "pyproject.toml").write_text(f'[project]\nname = "x"\ndependencies = ["{line}"]\n')
    with pytest.raises(ConfigurationError, match="must be a list of requirement strings"):
        load_project(function)


def test_lists_of_the_function_itself_are_included_as_they_were(function: Path) -> None:
    (function / "deps").mkdir()
    (function / "deps" / "my base.txt").write_text("# coding: utf-8\nhttpx\n-r ../more.txt\n")
    (function / "more.txt").write_text("numpy\n")
    (function / "limits.txt").write_text("numpy<3\n-r deps/missing.txt\n")
    (function / "requirements.txt").write_text(
        '-r "deps/my base.txt"\n-c limits.txt\n-c https://example.org/limits.txt\n-c later.txt\n--pre\ntorch\n'
    )

    (wanted,) = load_project(function).requirements_for(gpu=False)

    assert wanted.lines[:2] == ("httpx", "numpy")
    assert wanted.lines[2:] == ("-c limits.txt", "-c https://example.org/limits.txt", "-c later.txt", "--pre", "torch")


def test_a_file_that_many_files_of_constraints_include_is_read_once(function: Path) -> None:
    (function / "big.txt").write_text("".join(f"x{number}\n" for number in range(20_000)))
    for number in range(500):
        (function / f"{number}.txt").write_text("-r big.txt\n-c requirements.txt\n")
    (function / "requirements.txt").write_text("".join(f"-c {number}.txt\n" for number in range(500)))
    started = time.process_time()

    load_project(function)

    assert time.process_time() - started < 5


def test_options_are_read_as_pip_reads_them() -> None:
    assert included("--requirement='a b.txt'") == "a b.txt"
    assert included("httpx -r a.txt") == ""
    assert included("--require-hashes") == ""
    assert included("-i https://example.org/simple") == ""
    assert constraints("-c a.txt") == "a.txt"
    assert constraints("-r b.txt -c a.txt") == ""
    assert [line.text for line in joined_lines("r.txt", "to\\\nrch # \\\n# a \\\nhttpx")] == ["torch", "httpx"]
