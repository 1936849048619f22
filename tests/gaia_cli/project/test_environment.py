"""Variables of gaia.toml: which text each value is, and which name is the user's."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.environment import merged
from gaia_cli.project.project import load_project


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    return tmp_path


def variables(function: Path, lines: str) -> dict[str, str]:
    (function / "gaia.toml").write_bytes(f"[run.env]\n{lines}\n".encode())
    return dict(load_project(function).env)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("4", "4"),
        ("-0", "0"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("true", "true"),
        ("false", "false"),
        ("0.5", "0.5"),
        ("1.10", "1.10"),
        ("1_0.5", "10.5"),
        ("1e-7", "1e-7"),
        ("inf", "inf"),
        ('""', ""),
        ('" padded "', " padded "),
        ('"true"', "true"),
        ("'C:\\raw'", "C:\\raw"),
        ('"""one\ntwo é\n\nfour"""', "one\ntwo é\n\nfour"),
        ('"tab\\tand \\u00e9"', "tab\tand é"),
        ("'$HOME $(A) $$'", "$HOME $(A) $$"),
    ],
)
def test_each_value_is_the_text_that_stands_there(function: Path, written: str, text: str) -> None:
    assert variables(function, f"A = {written}") == {"A": text}


def test_the_longest_variable_is_what_linux_starts_a_program_with(function: Path) -> None:
    longest = 128 * 1024 - 1 - len("A=")

    assert len(variables(function, f'A = "{"x" * longest}"')["A"]) == longest
    with pytest.raises(ConfigurationError, match="must be at most 131071 bytes long"):
        variables(function, f'A = "{"x" * (longest + 1)}"')


def test_what_is_no_variable_is_refused_with_its_line(function: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gaia\.toml:3: run\.env\.DAY must be a string"):
        variables(function, "A = 1\nDAY = 2026-11-28")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_kept_byte_for_byte(function: Path, text: str) -> None:
    escaped = "".join(f"\\U{ord(letter):08x}" for letter in text)

    assert variables(function, f'A = "{escaped}"') == {"A": text}


def test_the_target_goes_before_the_function_and_the_order_is_that_of_the_names() -> None:
    function = {"MODEL": "small", "C": "c", "TOKEN": "plain"}

    assert list(merged(function, {"MODEL": "large", "B": "b"}, {"TOKEN": object()}).items()) == [
        ("B", "b"),
        ("C", "c"),
        ("MODEL", "large"),
    ]
