import pytest

from gaia_cli.views import console


def test_a_name_in_a_note_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.note("error: no \x1b[31m\x9bred\r\n.csv", "\there, naïve 雪")

    assert capsys.readouterr().err == "error: no \\x1b[31m\\x9bred\\x0d\\x0a.csv\n\\x09here, naïve 雪\n"
