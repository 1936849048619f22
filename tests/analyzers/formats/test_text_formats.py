from analyzers.formats import concise, full
from analyzers.formats.findings import Level
from tests.analyzers.formats.sample import empty_report, finding, report


def test_concise_is_a_line_a_finding_as_compilers_write_it() -> None:
    lines = concise.render(report()).splitlines()

    assert lines[0] == 'src/func.py:2:20: warning: "cuda" is hard-coded, ask first [GA701]'
    assert len(lines) == 3


def test_a_file_with_a_hostile_name_is_one_line_and_steers_no_terminal() -> None:
    text = concise.render(report(finding(path="a\nb\x1b[2J.py", message="x\x1b[31m")))

    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_concise_says_nothing_of_nothing() -> None:
    assert concise.render(empty_report()) == ""


def test_full_marks_the_stretch_of_the_line() -> None:
    shown = full.render(report(finding(column=5, end_column=10))).splitlines()

    assert shown[2] == '2 | x = torch.zeros(3).to("cuda")'
    assert shown[3] == "  |     ^^^^^"


def test_full_sums_up_by_level() -> None:
    assert full.render(report()).splitlines()[-1].startswith("1 error, 1 warning, 1 note in 3 files")
    assert full.render(empty_report()) == "nothing found in 3 files\n"


def test_full_never_marks_behind_the_line() -> None:
    shown = full.render(report(finding(column=20, end_column=500))).splitlines()

    assert len(shown[3].rstrip()) == len(shown[2])


def test_full_shows_control_characters_as_escapes() -> None:
    assert "x = 1 # \\x1b[31m" in full.render(report(finding(excerpt="x = 1 # \x1b[31m")))


def test_a_line_too_long_to_read_is_not_shown() -> None:
    shown = full.render(report(finding(excerpt="x" * 5000)))

    assert "xxx" not in shown
    assert Level.WARNING.word in shown


def test_full_says_what_to_do_where_there_is_something() -> None:
    shown = full.render(report(finding(remedy="Ask first."))).splitlines()

    assert shown[4:6] == ["  help: Ask first.", ""]
    assert "help:" not in full.render(report())
