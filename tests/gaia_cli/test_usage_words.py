import pytest

from gaia_cli.usage_words import usage_words
from tests.support.cli import run_gaia


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["run", ".", "--engine", "x"], "--engine (or GAIA_ENGINE) cannot be 'x'", "use one of auto, process, docker"),
        (["run", ".", "--port", "abc"], "--port (or GAIA_PORT) must be a whole number", "see gaia run --help"),
        (["run", ".", "--port", "99999"], "--port (or GAIA_PORT) must be at most 65535", "see gaia run --help"),
        (
            ["run", ".", "--slo-p95-ms", "x"],
            "--slo-p95-ms (or GAIA_SLO_P95_MS) must be a number",
            "see gaia run --help",
        ),
        (["invoke", "x", "--timeout", "-1"], "--timeout must be at least 0.001", "see gaia invoke --help"),
        (["analyze", ".", "--output-format", "xml"], "--output-format cannot be 'xml'", "use one of full, json"),
        (["analyze", "a", "b"], "got unexpected extra argument(s) (b)", "see gaia analyze --help"),
        (["frobnicate"], "no such command 'frobnicate'", "see gaia --help"),
    ],
)  # fmt: skip
def test_wrong_flags_are_told_in_plain_words(arguments: list[str], message: str, hint: str) -> None:
    done = run_gaia(*arguments)

    assert done.stderr.splitlines() == [f"error: {message}", f"hint: {hint}"]
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Invalid value for '--a': Input should be less than 3", "--a must be less than 3"),
        ("Invalid value for '--a': Input should be a finite number", "--a must be a finite number"),
        ("Invalid value for '--a': Value error, no such day", "--a does not fit: no such day"),
        ("Invalid value for '--a': Something new.", "invalid value for '--a': Something new"),
        ("Missing option '--a'.", "missing option '--a'"),
    ],
)
def test_every_message_becomes_a_sentence(message: str, expected: str) -> None:
    assert usage_words(message) == (expected, "")
