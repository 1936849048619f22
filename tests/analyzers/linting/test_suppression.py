"""Comments that silence rules: their forms, what they cover, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.findings import Finding, Place, Signal
from analyzers.lean.registry import ROWS
from analyzers.linting.suppression import in_vain, split, suppressions


def found(code: str, line: int, signal: Signal = Signal.SWITCHABILITY) -> Finding:
    return Finding(code, Place("a.py", line), "message", 0.0, signal)


def silenced_lines(text: str, code: str = "GA701") -> list[int]:
    """Return the lines of `text` on which findings of a rule are silenced."""
    findings = [found(code, line) for line in range(1, text.count("\n") + 1)]
    _, silenced = split(findings, suppressions("a.py", text))
    return [finding.place.line for finding in silenced]


def complaints(text: str, *at: tuple[str, int]) -> list[str]:
    """Return what is said of the comments in `text`, where rules find something `at` these lines."""
    comments = suppressions("a.py", text)
    _, silenced = split([found(*one) for one in at], comments)
    return [f"{one.place.line}:{one.place.column} {one.message}" for one in in_vain(comments, silenced)]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: GA701", "#noqa:GA701", "# NOQA: ga701", "# noqa : GA701", "# noqa: E501, GA701", "# noqa: E501 GA701",
        "# noqa:GA704,GA701 because", "# type: ignore  # noqa: GA701", "# gaia: ignore[GA701]",
        "# gaia:ignore[ ga701 ]",
        "# GAIA: IGNORE[GA701]", "# gaia: ignore[hard-coded-device] why", "# gaia: ignore[Hard-Coded-Device,GA704]",
        "# gaia: ignore[GA704]  # gaia: ignore[GA701]", "# gaia: disable[GA701]", "# gaia: file-ignore[GA701]",
    ],
)  # fmt: skip
def test_each_form_silences_its_line(comment: str) -> None:
    assert 1 in silenced_lines(f"x = 1  {comment}\ny = 2\n")


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa", "# noqa: E501", "# noqa: hard-coded-device", "# noqa GA701", "# gaia: ignore", "# gaia: ignore GA701",
        "# gaia: ignore[]", "# gaia: ignore[GA7]", "# gaia: ignore[GA704]", "# gaia: ignore[GA701",
        "# gaia: skip[GA701]",
        '"# noqa: GA701"', "# gaia: enable[GA701]",
    ],
)  # fmt: skip
def test_what_names_no_rule_or_is_no_comment_silences_nothing(comment: str) -> None:
    assert silenced_lines(f"x = 1  {comment}\n") == []


def test_a_comment_alone_on_its_line_is_for_the_next_line_of_code() -> None:
    text = "a = 1\n# gaia: ignore[GA701] why\n\n# another comment\nb = call(\n    2,\n)\nc = 3\n"

    assert silenced_lines(text) == [2, 3, 4, 5, 6, 7]


def test_a_block_ends_where_it_is_enabled_or_where_the_code_leaves_it() -> None:
    text = """\
def f():
    a = 1
    # gaia: disable[GA701]
    b = 2
    if b:
        c = 3
    # gaia: enable[GA701]
    d = 4
    # gaia: disable[GA701]
    e = 5

# a comment that belongs to nothing
def g():
    h = 6
"""

    assert silenced_lines(text) == [3, 4, 5, 6, 7, 9, 10, 11, 12]
    assert silenced_lines("x = 1\n# gaia: disable[GA701]\ndef f():\n    y = 2\nz = 3\n") == [2, 3, 4, 5]


def test_a_file_is_silenced_from_anywhere_in_it() -> None:
    assert silenced_lines("x = 1\ny = 2  # gaia: file-ignore[GA701] all of it\n") == [1, 2]


def test_failures_cannot_be_silenced() -> None:
    comments = suppressions("a.py", "# gaia: file-ignore[GA901, GA905]\n")
    kept, _ = split([found("GA901", 1, Signal.FAILURE)], comments)

    assert len(kept) == 1


def test_a_code_that_silences_nothing_is_told_and_others_are_not() -> None:
    assert complaints("x = 1  # noqa: GA701, GA704\n", ("GA701", 1)) == [
        "1:8 this comment silences GA704, which finds nothing on its line"
    ]
    assert complaints("# gaia: file-ignore[GA701]\nx = 1\n", ("GA701", 2)) == []
    assert complaints("# gaia: file-ignore[GA701]\nx = 1\n") == [
        "1:1 this comment silences GA701, which finds nothing on the lines that it is for"
    ]


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("# noqa: GA799", "names GA799, which is no rule of Gaia"),
        ("# gaia: ignore[hard-coded]", "names hard-coded, which is no rule of Gaia"),
        ("# gaia: ignore[GA7O1]", "names GA7O1, which is no rule of Gaia"),
        ("# gaia: enable[GA701]", "enables GA701, which no `disable` before it in its block names"),
    ],
)
def test_what_is_wrong_with_a_comment_is_told(comment: str, fault: str) -> None:
    assert complaints(f"x = 1\n{comment}\n") == [f"2:1 this comment {fault}"]


def test_codes_of_other_tools_are_none_of_ours() -> None:
    assert complaints("x = 1  # noqa: E501, GAMMA1\ny = 2  # noqa: F401\n") == []


def test_each_rule_has_a_name_that_is_its_modules() -> None:
    from analyzers.rules.examination import evidence_rules, switchability_rules

    names = {rule.code: rule.name for rule in evidence_rules()} | {
        rule.code: rule.name for rule in switchability_rules()
    }
    for code, name in names.items():
        assert name == ROWS[code][0].rpartition(".")[2].replace("_", "-")
        assert silenced_lines(f"x = 1  # gaia: ignore[{name}]\n", code) == [1]


_LINES = st.sampled_from(
    [
        "x = 1", "    y = 2", "def f():", "    # gaia: disable[GA701]", "# gaia: disable[GA701]",
        "    # gaia: enable[GA701]",
        "# gaia: enable[GA701]", "# gaia: ignore[GA701]", "z = 1  # noqa: GA701", "", "if x:", "'''", "(", ")",
    ]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12))
def test_a_comment_is_told_of_exactly_where_removing_it_changes_nothing(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    comments = suppressions("a.py", text)
    findings = [found("GA701", line) for line in range(1, len(lines) + 1)]
    _, silenced = split(findings, comments)
    vain = [one.place.line for one in in_vain(comments, silenced)]

    for comment in comments:
        covers = any(comment.first <= finding.place.line <= comment.last for finding in silenced)
        assert (comment.line in vain) == (not covers or bool(comment.fault))


@given(st.text("#noqa: GA701gaiaignore[]-disbleT,\n\t '\"()", max_size=80))
def test_no_text_is_too_odd(text: str) -> None:
    assert all(comment.line >= 1 for comment in suppressions("a.py", text))


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("x = '''a\nb'''  # noqa: GA701\n", [1, 2]),
        ("x = 1 + \\\n    2 + \\\n    3  # gaia: ignore[GA701]\ny = 1\n", [1, 2, 3]),
        ("x = (1, '''\n''',\n  2)  # noqa: GA701\n", [3]),
        ("x = (1, '''\n''', # noqa: GA701\n  2)\n", [1, 2]),
        ("x = 1\r\ny = 2 \\\r\n + 3  # noqa: GA701\r\n", [2, 3]),
        ("# gaia: ignore[GA701]\n@deco\n@other(\n  1)\ndef f(\n  x):\n    pass\n", [1, 2, 3, 4, 5, 6]),
        ("# gaia: ignore[GA701]\n\n# more\nclass A(B,\n  C):\n    pass\n", [1, 2, 3, 4, 5]),
        ("import a\n# flake8: noqa: GA701\n", list(range(1, 10))),
        ("import a  # ruff: noqa: E501, GA701\n", list(range(1, 10))),
        ("\tx = 1  # NoQA:ga701\n".lstrip("\t"), [1]),
    ],
)
def test_a_comment_is_also_for_the_lines_that_can_have_none(code: str, lines: list[int]) -> None:
    (found,) = suppressions("a.py", code)

    assert found.codes == ("GA701",)
    assert [line for line in range(1, 10) if found.first <= line <= found.last] == lines


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("# gaia: ignore", "this comment names no rule: write `# gaia: ignore[GA701]`"),
        ("# gaia: ignore[]", "this comment names no rule: write `# gaia: ignore[GA701]`"),
        ("# gaia: disable GA701", "this comment names no rule: write `# gaia: disable[GA701]`"),
        ("# gaia: file-ignore: GA701", "this comment names no rule: write `# gaia: file-ignore[GA701]`"),
        ("# gaia: ingore[GA701]", "'ingore' is none of `ignore`, `file-ignore`, `disable` and `enable`"),
        ("# gaia: disable-file[GA701]", "'disable-file' is none of `ignore`, `file-ignore`, `disable` and `enable`"),
    ],
)
def test_a_comment_that_is_almost_one_for_gaia_says_so(comment: str, fault: str) -> None:
    assert [one.fault for one in suppressions("a.py", f"x = 1  {comment}\n")] == [fault]


@pytest.mark.parametrize(
    "comment", ["# gaia: results[0] is the mean", "# Gaia: ignore faint stars", "# gaia: enabled later", "# gaia:"]
)
def test_a_comment_about_something_else_is_none_for_gaia(comment: str) -> None:
    assert suppressions("a.py", f"x = 1  {comment}\n") == ()
