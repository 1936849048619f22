"""How times on the command line are read."""

import pytest
import typer

from gaia_cli.verbs.durations import duration_s
from tests.support.cli import call_gaia


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("2m", 120),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5m", 90),
        ("45", 45),
        ("0.5", 0.5),
        (60.0, 60),
        ("24h", 86400),
        (".5", 0.5),
        ("1e3", 1000),
    ],
)
def test_a_time_is_read_as_kubectl_writes_it(text: str | float, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "60 s", "s", "1d", "25h", "1e9", "nan", "1.2.3", "60ss", "٣s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 60s, 2m or 1h30m"):
        duration_s(text)


@pytest.mark.parametrize("name", ["deploy", "diff", "delete", "switch", "pin", "unpin", "invoke"])
def test_every_verb_that_waits_takes_a_time_in_the_same_words(name: str) -> None:
    arguments = ["PATH", "cpu"] if name == "switch" else ["PATH"]
    done = call_gaia(name, *arguments, "--timeout", "soon")

    assert done.returncode == 2
    assert "soon is no time of up to a day: write 60s, 2m or 1h30m" in done.stderr


@pytest.mark.parametrize("flag", ["-o", "--output-format"])
@pytest.mark.parametrize("verb", [["version"], ["rules"], ["analyze", "samples/01-hello"]])
def test_the_form_has_one_name_and_one_letter_wherever_a_report_can_be_json(verb: list[str], flag: str) -> None:
    done = call_gaia(*verb, flag, "json")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")


def test_an_error_is_json_under_either_name() -> None:
    for flag in ("-o", "--output-format"):
        done = call_gaia("analyze", "nowhere-at-all", flag, "json")

        assert done.returncode == 2
        assert '"exit_code": 2' in done.stdout
