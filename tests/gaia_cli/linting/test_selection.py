import pytest

from analyzers.findings import CONFIDENCES, Level
from analyzers.lean.profiles import profiles
from gaia_cli.errors import UsageError
from gaia_cli.linting.rule_texts import rule_texts
from gaia_cli.linting.selection import Selection, check_codes, matches


def wanted(selection: Selection, *codes: str) -> list[str]:
    return [code for code in codes if selection.wants(code)]


def test_every_code_has_its_level_written_down() -> None:
    assert set(rule_texts()) == set(profiles())


def test_evidence_is_not_linted_for_unless_asked() -> None:
    assert wanted(Selection(), "GA201", "GA701", "GA901", "GA905") == ["GA701", "GA901", "GA905"]
    assert wanted(Selection(extend=("GA2",)), "GA201", "GA301", "GA701") == ["GA201", "GA701"]
    assert wanted(Selection(select=("GA2",)), "GA201", "GA701") == ["GA201"]
    assert wanted(Selection(select=("ALL",)), "GA201", "GA701") == ["GA201", "GA701"]


def test_what_could_not_be_analyzed_is_selected_until_it_is_ignored() -> None:
    failures = ("GA901", "GA902", "GA903", "GA904", "GA906", "GA907", "GA908")

    assert wanted(Selection(select=("GA701",)), *failures, "GA905", "GA890") == [*failures]
    assert wanted(Selection(select=("GA701",), ignore=("GA901", "GA906")), *failures[:2], "GA906") == ["GA902"]
    assert wanted(Selection(ignore=("GA9",)), *failures) == []
    assert not Selection(select=("GA701",), per_file=(("old/*", ("GA9",)),)).wants("GA901", "old/a.py")


def test_the_more_exact_of_select_and_ignore_decides() -> None:
    assert wanted(Selection(select=("GA2",), ignore=("GA203",)), "GA201", "GA203") == ["GA201"]
    assert wanted(Selection(select=("GA203",), ignore=("GA2",)), "GA201", "GA203") == ["GA203"]
    assert wanted(Selection(select=("GA2",), ignore=("GA2",)), "GA201") == []
    assert wanted(Selection(select=("ALL",), ignore=("ALL",)), "GA201") == []


def test_rules_that_are_less_sure_can_be_left_out() -> None:
    sure = Selection(select=("ALL",), min_confidence=CONFIDENCES["high"])

    assert wanted(sure, "GA201", "GA603") == ["GA201"]


def test_a_rule_is_ignored_only_in_the_files_that_match() -> None:
    selection = Selection(per_file=(("tests/*", ("GA7",)),))

    assert selection.wants("GA701", "src/a.py")
    assert not selection.wants("GA701", "tests/deep/a.py")
    assert selection.wants("GA901", "tests/a.py")


@pytest.mark.parametrize(
    ("path", "glob", "expected"),
    [
        ("tests/a.py", "tests", True),
        ("tests/a.py", "tests/", True),
        ("tests/a/b.py", "tests/*", True),
        ("src/test_a.py", "test_*.py", True),
        ("src/a.py", "./src/a.py", True),
        ("src/latests/a.py", "tests", False),
        ("src/A.py", "src/a.py", False),
    ],
)
def test_globs_match_files_their_names_and_the_directories_above(path: str, glob: str, expected: bool) -> None:
    assert matches(path, glob) is expected


@pytest.mark.parametrize("code", ["GA299", "E501", "", "ga201"])
def test_a_code_that_no_rule_has_is_named(code: str) -> None:
    with pytest.raises(UsageError, match=r"--ignore: no rule is called"):
        check_codes(["GA201", code], "--ignore")


@pytest.mark.parametrize(
    ("select", "extend", "wanted"),
    [
        (None, (), False),
        (("GA7",), (), False),
        (("GA701", "GA9"), ("GA890",), False),
        (("ALL",), (), True),
        (("GA",), (), True),
        (None, ("GA201",), True),
    ],
)
def test_evidence_is_wanted_where_a_selector_covers_some(
    select: tuple[str, ...] | None, extend: tuple[str, ...], wanted: bool
) -> None:
    assert Selection(select=select, extend=extend).wants_evidence is wanted


def test_no_evidence_is_above_a_note_or_the_default_would_have_to_look_for_it() -> None:
    assert {profile.level for code, profile in profiles().items() if code[2] < "7"} == {Level.NOTE}
