"""A dependency list of a few kilobytes costs no more than its length, whatever it holds."""

import time
from collections.abc import Callable

import pytest

from analyzers.project.dependency_lists import read_list
from analyzers.project.requirements import Line, all_lines, requirement
from analyzers.project.toml_places import place_of
from gaia_cli.errors import ConfigurationError

QUICK_S = 1.0
"""Processor time; each of these took from several seconds to for ever."""
N = 40_000

LISTS: dict[str, tuple[str, str]] = {
    "blanks behind a key": ("cog.yaml", "python_packages:" + " " * N + "!"),
    "blanks in an item": ("cog.yaml", "python_packages:\n- x" + " " * N + "y"),
    "aliases of aliases": (
        "cog.yaml",
        "a0: &a0 [x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
        + "python_packages: *a39\n",
    ),
    "addresses without an end": ("setup.cfg", "http://" * 16_000),
    "an address of wheels without an end": ("setup.cfg", "http:///whl/" * 16_000),
    "many keys": ("Pipfile", "[packages]\n" + "".join(f"k{n} = '1'\n" for n in range(20_000))),
    "many requirements": (
        "pyproject.toml",
        "[project]\ndependencies = [\n" + "".join(f"'k{n}',\n" for n in range(20_000)) + "]\n",
    ),
    "one list asked for again and again": (
        "setup.py",
        "a = [" + "'x'," * 3_000 + "]\n" + "setup(install_requires=a)\n" * 3_000,
    ),
}


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize(("name", "text"), LISTS.values(), ids=LISTS)
def test_a_hostile_list_is_read_at_once(name: str, text: str) -> None:
    assert _spent(lambda: list(read_list(name, text))) < QUICK_S


@pytest.mark.parametrize("line", ["a" + " " * N + "?", "a[" * N, "-" * N, "a;" + "(" * 900, "a" * N + "\n"])
def test_a_hostile_requirement_is_none_and_found_out_at_once(line: str) -> None:
    assert _spent(lambda: requirement(line)) < QUICK_S


def test_a_marker_that_cannot_be_compared_allows_linux() -> None:
    wanted = requirement("torch; python_version > 'no version' and extra ~= 'x'")

    assert wanted is not None
    assert wanted.name == "torch"


def test_a_line_of_a_thousand_characters_is_no_requirement_but_its_digests_do_not_count() -> None:
    assert requirement("a" * 1001) is None
    assert requirement("torch==2.1" + " --hash=sha256:" + "0" * 64 + " --hash=sha256:" + "1" * 2000) is not None


def test_files_that_include_each_other_many_times_are_read_once() -> None:
    reads: list[str] = []

    def read(path: str, _chain: tuple[Line, ...]) -> str:
        reads.append(path)
        return f"-r r{len(reads)}.txt\n-r ./r{len(reads)}.txt\n" * 6 if len(reads) < 10 else "numpy\n"

    assert [line.text for line in all_lines("r0.txt", read)] == ["numpy"]
    assert len(reads) == 10


def test_a_file_included_in_two_places_is_fine_and_a_circle_is_for_its_reader_to_refuse() -> None:
    files = {"a.txt": "-r b.txt\n-r c.txt\n", "b.txt": "-r d.txt\n", "c.txt": "-r d.txt\n", "d.txt": "numpy\n"}

    def read(path: str, chain: tuple[Line, ...]) -> str:
        if len(chain) > 10:
            raise ConfigurationError("requirement files include each other without end")
        return files.get(path, "-r circle.txt\n")

    assert [line.text for line in all_lines("a.txt", read)] == ["numpy"]
    with pytest.raises(ConfigurationError, match="without end"):
        list(all_lines("circle.txt", read))


def test_a_chain_of_thousands_of_files_is_followed_twenty_deep() -> None:
    reads: list[str] = []

    def read(path: str, _chain: tuple[Line, ...]) -> str:
        reads.append(path)
        return f"-r {len(reads)}.txt\n"

    assert not list(all_lines("0.txt", read))
    assert len(reads) == 21


def test_blanks_between_brackets_do_not_hold_up_who_looks_for_a_key() -> None:
    text = 'x = """\n[' + " " * N + "[\n" + "pin " * N + '\n"""\n[mode]\npin = "cpu"\n'

    assert _spent(lambda: place_of("gaia.toml", text, "mode", "pin")) < QUICK_S
    assert place_of("gaia.toml", text, "mode", "pin").line == 6
