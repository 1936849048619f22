import re

from analyzers.formats import github
from analyzers.formats.findings import Level
from tests.analyzers.formats.sample import empty_report, finding, report


def test_each_level_has_its_command() -> None:
    commands = [line.partition(" ")[0] for line in github.render(report()).splitlines()]

    assert commands == ["::warning", "::notice", "::error"]


def test_a_command_names_file_line_and_columns() -> None:
    line = github.render(report(finding())).rstrip("\n")

    assert line == (
        "::warning title=gaia (GA701),file=src/func.py,line=2,endLine=2,col=20,endColumn=27"
        '::GA701 "cuda" is hard-coded, ask first'
    )


def test_what_the_runner_takes_for_itself_is_escaped() -> None:
    text = github.render(report(finding("GA701", Level.ERROR, path="a:b,c%.py", message="50%\r\n::error::x")))

    assert text.count("\n") == 1
    assert "file=a%3Ab%2Cc%25.py," in text
    assert text.endswith("::GA701 50%25%0D%0A::error::x\n")
    assert len(re.findall(r"^::", text, re.MULTILINE)) == 1


def test_nothing_found_is_no_command() -> None:
    assert github.render(empty_report()) == ""
