import pytest

from analyzers.project.toml_places import place_of


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('[mode]\npin = "cpu"\n', 2, 1),
        ('[function]\npin = "no"\n\n[ mode ] # here\n  pin="cpu"\n', 5, 3),
        ('[tool.gaia.mode]\npin = "cpu"\n', 2, 1),
        ('[tool.gaia]\nmode = { pin = "cpu" }\n', 2, 10),
        ('[tool.gaia]\nmode.pin = "cpu"\n', 2, 6),
        ('mode.pin = "cpu"\n', 1, 6),
        ('[other]\npin = "cpu"\n', 1, 1),
        ("", 1, 1),
    ],
)
def test_a_key_is_found_however_it_is_spelled(text: str, line: int, column: int) -> None:
    place = place_of("gaia.toml", text, "mode", "pin")

    assert (place.line, place.column) == (line, column)


def test_a_key_at_the_top_is_found() -> None:
    assert place_of("m.toml", "# a\nschema_version = 2\n[mode]\n", "", "schema_version").line == 2
