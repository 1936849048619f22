from inspect import signature

import pytest

from gaia_cli.app import app
from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.linting.options import OPTIONS, Options, from_values, parse
from gaia_cli.verbs.linting import lint
from tests.gaia_cli.linting.support import Project
from tests.support.cli import run_gaia


def test_the_table_and_the_record_have_the_same_fields() -> None:
    assert set(Options.__annotations__) == {"files"} | {option.field for option in OPTIONS}


def test_typer_takes_its_parameters_from_the_same_table() -> None:
    assert set(signature(lint).parameters) == set(Options.__annotations__)


def test_the_help_names_every_option_with_its_text() -> None:
    shown = " ".join(run_gaia("lint", "--help").stdout.split())

    for option in OPTIONS:
        assert option.flag in shown
        assert option.help in shown


def test_both_parsers_understand_the_same() -> None:
    arguments = ["a.py", "--select", "GA2", "--select", "GA7", "--fail-on", "note", "--exit-zero", "b.py"]
    values = {"files": ["a.py", "b.py"], "select": ["GA2", "GA7"], "fail_on": "note", "exit_zero": True, "fix": False}

    assert parse(arguments) == from_values(values)
    assert parse(arguments).select == ("GA2", "GA7")


def test_a_value_may_be_attached_and_files_may_look_like_flags() -> None:
    parsed = parse(["--output-format=json", "-", "--", "--fix"])

    assert (parsed.output_format, parsed.files, parsed.fix) == ("json", ("-", "--fix"), False)


def test_the_typer_command_does_what_the_quick_path_does(project: Project) -> None:
    project.write("func.py")

    call = app(["lint", "--fail-on", "error", "--select", "GA7", "--no-cache", "func.py"], standalone_mode=False)
    assert call() is ExitCode.OK
    call = app(["lint", "--output-format", "concise", "--no-cache"], standalone_mode=False)
    assert call() is ExitCode.FINDINGS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--slect", "GA2"], "no such option: --slect"),
        (["-q"], "no such option: -q"),
        (["--select"], "--select needs a value"),
        (["--exit-zero=yes"], "--exit-zero takes no value"),
        (["--fail-on", "fatal"], "--fail-on cannot be 'fatal'"),
    ],
)
def test_a_wrong_flag_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        parse(arguments)

    assert raised.value.hint


def test_a_mistyped_flag_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        parse(["--baselin", "x"])

    assert "--baseline" in raised.value.hint
