"""Foreign text made printable, and lines made harmless to runners of CI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.lean.printable import harmless, in_short, printable, printable_lines, stretch
from tests.support.hostile import COMMANDS, HOSTILE, commands, folds, texts, unseen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with a \\ in it", "plain, with a \\ in it"),
        ("größe 雪 🙂", "größe 雪 🙂"),
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("\u2028\u2029\v\f", "\\u2028\\u2029\\x0b\\x0c"),
        ("\u202e\u2066\u200f\u061c", "\\u202e\\u2066\\u200f\\u061c"),
        ("\u200b\ufeff\u00ad", "\\u200b\\ufeff\\xad"),
        ("\ufe0f\u3164\U000e0041\U000e0101", "\\ufe0f\\u3164\\U000e0041\\U000e0101"),
        ("caf\udce9", "caf\\udce9"),
        ("\u2800\U0001d159\U00016fe4\ufffc", "\\u2800\\U0001d159\\U00016fe4\\ufffc"),
        ("e\u0301o\u0302\u0323", "e\u0301o\u0302\u0323"),
        ("\u0338", "\\u0338"),
        ("z" + 10 * "\u0338", "z" + 8 * "\u0338" + "\\u0338\\u0338"),
    ],
)
def test_what_is_not_seen_is_written_as_python_writes_it(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(texts)
def test_any_text_becomes_one_line_that_is_seen_and_stays_so(text: str) -> None:
    shown = printable(text)

    assert unseen(shown, but="") == set()
    assert shown.splitlines() in ([shown], [])
    assert printable(shown) == shown
    shown.encode()


@given(texts)
def test_lines_keep_their_ends_and_tabs_and_nothing_else_that_is_not_seen(text: str) -> None:
    shown = printable_lines(text)

    assert unseen(shown, but="\n\t") == set()
    assert (shown.count("\n"), shown.count("\t")) == (text.count("\n"), text.count("\t"))


@given(st.lists(st.sampled_from([*COMMANDS, *HOSTILE, "\x1b[1m", "#", ":", "["]), max_size=6).map("".join))
def test_no_line_that_is_written_holds_a_command(text: str) -> None:
    once = harmless(printable_lines(text))

    assert commands(once) == []
    assert folds(once) == []
    assert harmless(once) == once


@pytest.mark.parametrize("line", ["--- a/x.py", "+++ b/x.py", "~~~ x", "^^^ +++", "travis_fold:start:x"])
def test_a_line_that_folds_what_comes_below_is_none_but_the_head_of_a_patch(line: str) -> None:
    assert folds(line) != []
    assert folds(harmless(f"x\n{line}\n")) == []
    assert harmless(line, is_patch=True) == line or line.startswith("travis")


@given(texts, st.integers(20, 60))
def test_a_long_text_in_short_is_seen_and_no_longer_than_it_may_be(text: str, most: int) -> None:
    shown = in_short(text, most)

    assert len(shown) <= most
    assert unseen(shown, but="") == set()
    assert (shown[:8], shown[-7:]) == (printable(text)[:8], printable(text)[-7:])
    assert in_short(text, 10_000) == printable(text)


def test_a_command_behind_a_colour_is_none_either() -> None:
    assert harmless("\x1b[1m  \x1b[0m::error::x") == "\x1b[1m  \x1b[0m\\x3a:error::x"


def test_colons_and_number_signs_that_command_nothing_stay() -> None:
    usual = "func.py::test_a\n## a heading [x]\n#[ and # ["

    assert harmless(usual) == usual


def test_the_mark_stands_under_the_same_characters_however_wide_their_escapes_are() -> None:
    line = '\tx = "\x1b[31m##[a]\u202e" + y.cuda()  \n'
    column = line.index("y.cuda") + 1

    shown, start, end = stretch(line, column, column + len("y.cuda()"))

    assert shown == ' x = "\\x1b[31m#\\x23[a]\\u202e" + y.cuda()'
    assert shown[start:end] == "y.cuda()"


@given(texts, st.integers(0, 40), st.integers(0, 40))
def test_a_mark_is_never_empty_and_begins_in_the_line_or_at_its_end(line: str, column: int, end_column: int) -> None:
    shown, start, end = stretch(line, column, end_column)

    assert 0 <= start <= len(shown)
    assert end > start
