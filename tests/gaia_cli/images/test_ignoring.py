"""What Docker's own client (28.2) leaves out for the same lines, but where a test says that Gaia differs."""

import time

import pytest

from analyzers.lean.tables import words
from gaia_cli.images.ignoring import PatternError, ignored_by_lines

FILES = sorted(
    words(
        "a b ab aab abc axb sec.txt secrets secxets se/crets README.md data/x.bin data/keep.txt data/deep/y.csv "
        "sub/data/x.bin sub/deep/data/z.csv sub/data/keep.txt "
        "foobar foo/bar_ foo/baz barfoo sub/foo.txt sub/barfoo .hidden "
        "a.py sub/a.py sub/b.pyc !odd #odd br[a]cket star*file que?stion tr\\ail x-1 x-9 x-a d.d/file dxd/file "
        "a1/b1/c1/d1.txt a1/c1/d1.txt a1/xb1/c1 q/b/c UPPER"
    )
)


def left_out(*lines: str) -> set[str]:
    ignored = ignored_by_lines(lines)
    return {path for path in FILES if ignored(path)}


def below(*starts: str) -> set[str]:
    return {path for path in FILES if path.startswith(starts)}


DATA = below("data/")
EVERY_DATA = DATA | below("sub/data/", "sub/deep/data/")
EVERYTHING = set(FILES)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a"], {"a"}),
        (["/a"], {"a"}),
        (["//a"], {"a"}),
        (["./a"], {"a"}),
        (["/../a"], {"a"}),
        (["a/"], {"a"}),
        (["x/../a"], {"a"}),
        (["../a"], set()),
        (["/"], set()),
        (["."], set()),
        (["*"], EVERYTHING),
        (["**"], EVERYTHING),
        (["**/"], EVERYTHING),
        (["/**"], EVERYTHING),
        (["***"], EVERYTHING),
        (["data"], DATA),
        (["data/*"], DATA),
        (["data/**"], DATA),
        (["data//deep"], {"data/deep/y.csv"}),
        (["**/data"], EVERY_DATA),
        (["**/**/data"], EVERY_DATA),
        (["**/data/**"], EVERY_DATA),
        (["/**/data"], EVERY_DATA),
        (["*.csv"], set()),
        (["**/*.csv"], {"data/deep/y.csv", "sub/deep/data/z.csv"}),
        (["*/*"], {path for path in FILES if "/" in path}),
        (["*/*/*"], {path for path in FILES if path.count("/") > 1}),
        (["a?"], {"ab", "a1/b1/c1/d1.txt", "a1/c1/d1.txt", "a1/xb1/c1"}),
        (["a?b"], {"aab", "axb"}),
        (["?"], {"a", "b", "q/b/c"}),
        (["a*b"], {"ab", "aab", "axb"}),
        (["a**b"], {"ab"}),
        (["*a**b"], {"ab", "aab"}),
        (["**/a**1**"], {"a1/b1/c1/d1.txt", "a1/c1/d1.txt", "a1/xb1/c1"}),
        (["[ab]"], {"a", "b"}),
        (["[a-c]b"], {"ab"}),
        (["sec[^r]ets"], {"secxets"}),
        (["sec[r]ets"], {"secrets"}),
        (["x-[0-9]"], {"x-1", "x-9"}),
        (["x-[^0-9]"], {"x-a"}),
        (["x-[!0-9]"], {"x-1", "x-9"}),
        (["[\\^a]b"], {"ab"}),
        (["[a\\-c]"], {"a"}),
        (["q[^x]b"], {"q/b/c"}),
        (["br\\[a\\]cket"], {"br[a]cket"}),
        (["star\\*file"], {"star*file"}),
        (["que\\?stion"], {"que?stion"}),
        (["tr\\\\ail"], {"tr\\ail"}),
        (["\\!odd"], {"!odd"}),
        (["\\#odd"], {"#odd"}),
        (["#odd"], set()),
        ([" #odd"], {"#odd"}),
        (["!odd"], set()),
        (["!!odd"], set()),
        (["d.d"], {"d.d/file"}),
        (["d?d"], {"d.d/file", "dxd/file"}),
        (["foo*"], {"foobar", "foo/bar_", "foo/baz"}),
        (["foo**"], {"foobar", "foo/bar_", "foo/baz"}),
        (["foo/**"], {"foo/bar_", "foo/baz"}),
        (["**/foo"], {"foo/bar_", "foo/baz"}),
        (["**foo"], {"foo/bar_", "foo/baz", "barfoo", "sub/barfoo"}),
        (["*foo"], {"foo/bar_", "foo/baz", "barfoo"}),
        (["a1/**/d1.txt"], {"a1/b1/c1/d1.txt", "a1/c1/d1.txt"}),
        (["a1/*/d1.txt"], {"a1/c1/d1.txt"}),
        (["a1/**/c1"], {"a1/b1/c1/d1.txt", "a1/c1/d1.txt", "a1/xb1/c1"}),
        (["*1/*1/*1"], {"a1/b1/c1/d1.txt", "a1/xb1/c1"}),
        (["**/?.py"], {"a.py", "sub/a.py"}),
        (["up*"], set()),
        (["UP*"], {"UPPER"}),
        (["a \t", " b", "ab\r"], {"a", "b", "ab"}),
        (["data", "!data/keep.txt"], DATA - {"data/keep.txt"}),
        (["data", "! /data/keep.txt"], DATA - {"data/keep.txt"}),
        (["data", "!./data/keep.txt"], DATA - {"data/keep.txt"}),
        (["!data", "data"], DATA),
        (["data/*", "!data/keep.txt"], DATA - {"data/keep.txt"}),
        (["*", "!a"], EVERYTHING - {"a"}),
        (["*", "!data"], EVERYTHING - DATA),
        (["*", "!sub", "sub/data"], (EVERYTHING - below("sub/")) | below("sub/data/")),
        (["*", "!*.py", "!sub"], EVERYTHING - {"a.py"} - below("sub/")),
        (["sub", "!sub/a.py", "sub/a.py"], below("sub/")),
        (["**/*.txt", "!sub/*.txt"], {path for path in FILES if path.endswith(".txt")} - {"sub/foo.txt"}),
    ],
)
def test_lines_leave_out_what_they_leave_out_for_docker(lines: list[str], expected: set[str]) -> None:
    assert left_out(*lines) == expected


def test_an_exception_with_stars_reaches_into_a_folder_that_is_left_out_as_in_buildkit() -> None:
    assert left_out("data", "!**/keep.txt") == DATA - {"data/keep.txt"}


def test_a_backslash_before_a_letter_is_that_letter_where_docker_knows_no_such_pattern() -> None:
    assert left_out("s\\ecrets") == {"secrets"}


@pytest.mark.parametrize("line", ["[", "a[", "[]", "[^]", "[z-a]", "\\", "a\\", "[a\\", "a" * 5000])
def test_a_line_that_is_no_pattern_is_an_error_with_its_number(line: str) -> None:
    with pytest.raises(PatternError) as refused:
        ignored_by_lines(["# comment", line])

    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("a*" * 100 + "b", "a" * 2000),
        ("*a" * 100 + "*b", "a" * 2000),
        ("**/a" * 100 + "/b", "a/" * 1000 + "a"),
        ("**a" * 100 + "b", "a/" * 1000 + "a"),
        ("**/*a*a" * 100 + "/b", "aaa/" * 1000 + "a"),
        ("[^b]*" * 100 + "b", "a" * 2000),
        ("?*" * 100 + "b", "a" * 2000),
        ("*" * 4000 + "b", "a" * 2000),
        ("**/" * 1300 + "b", "a/" * 1000),
    ],
)
def test_no_pattern_takes_long_on_any_path(line: str, path: str) -> None:
    started = time.process_time()
    ignored_by_lines([line])(path)

    assert time.process_time() - started < 2
