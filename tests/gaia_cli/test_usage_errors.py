import pytest

from tests.support.cli import run_gaia

PORT = "invalid value for '--port' (env var: 'GAIA_PORT'): Input should be"
NO_FORMAT = "invalid value for '--output-format' / '-o': 'xml' is not one of 'full', 'json'"
TIMEOUT, NO_TIME = "invalid value for '--timeout'", "is no time of up to a day: write 60s, 2m or 1h30m"


@pytest.mark.parametrize(
    ("arguments", "message", "verb"),
    [
        (["run", ".", "--port", "abc"], f"{PORT} a valid integer, unable to parse string as an integer", "run"),
        (["run", ".", "--port", "99999"], f"{PORT} less than or equal to 65535", "run"),
        *(
            (["invoke", "http://127.0.0.1:1", "--timeout", time], f"{TIMEOUT}: {time} {NO_TIME}", "invoke")
            for time in ("inf", "1e400", "nan", "-1", "0")
        ),
        (["analyze", ".", "--output-format", "xml"], NO_FORMAT, "analyze"),
        (["init", "a", "b"], "got unexpected extra argument(s) (b)", "init"),
        (["run"], "missing argument 'PATH'", "run"),
        (["run", ".", "--prot", "1"], "no such option: --prot (Possible options: --port)", "run"),
    ],
)  # fmt: skip
def test_a_wrong_flag_is_one_sentence_that_names_the_help(arguments: list[str], message: str, verb: str) -> None:
    done = run_gaia(*arguments)

    assert done.stderr.splitlines() == [f"error: {message}", f"hint: see gaia {verb} --help"]
    assert done.returncode == 2


def test_a_verb_that_does_not_exist_is_named() -> None:
    assert run_gaia("frobnicate").stderr == "error: no such command 'frobnicate'\nhint: see gaia --help\n"
