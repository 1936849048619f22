"""The line of a key, however it is written."""

from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from gaia_cli.project.lines import Path, line_of

TEXT = '''# [a]
top = 1

[a.b]  # the table
"quoted key" = "x # no comment"
'single' = '# nor this'
dotted.deep . deeper = 1
text = """
c = 1
\\""" still
"""
raw = \'\'\'
d = 2
\'\'\'
list = [
  1, # [2]
  "]",
  { inner = 1,
    more = [ 3,
      4 ] },
]
"esc\\u0061pe" = 07:30:00
[[rows]]
x = 1
[rows.sub]
y = 1
[[rows]]
x = 2
  [[rows.inner]]
  z = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a",), 4),
        (("a", "b"), 4),
        (("a", "b", "quoted key"), 5),
        (("a", "b", "single"), 6),
        (("a", "b", "dotted"), 7),
        (("a", "b", "dotted", "deep", "deeper"), 7),
        (("a", "b", "text"), 8),
        (("a", "b", "raw"), 12),
        (("a", "b", "list", 0), 16),
        (("a", "b", "list", 1), 17),
        (("a", "b", "list", 2, "inner"), 18),
        (("a", "b", "list", 2, "more", 1), 20),
        (("a", "b", "escape"), 22),
        (("rows",), 23),
        (("rows", 0, "sub", "y"), 26),
        (("rows", 1), 27),
        (("rows", 1, "x"), 28),
        (("rows", 1, "inner", 0, "z"), 30),
        (("a", "b", "absent"), 4),
        (("absent",), 0),
    ],
)
def test_a_key_is_found_in_its_line(path: Path, line: int) -> None:
    assert line_of(TEXT, path) == line


def test_what_is_no_toml_any_more_has_no_line_or_a_wrong_one() -> None:
    for text in ("[", "a = ", "a", "= = =", "a = [", "[[", '"'):
        assert line_of(text, ("a", "b")) >= 0


def test_what_is_nested_too_deep_has_no_line() -> None:
    assert line_of("a = " + "[" * 5000 + "]" * 5000, ("a",)) == 0


KEYS = st.text(st.characters(codec="utf-8"), max_size=4)
TABLES = st.dictionaries(
    KEYS,
    st.recursive(
        st.one_of(st.integers(0, 9), st.booleans(), st.text(st.sampled_from("a'\"\\\n#[]{},= "), max_size=6)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
        max_leaves=12,
    ),
    max_size=4,
)


@given(TABLES, st.booleans())
def test_every_key_of_any_table_is_found_where_its_name_stands(table: dict[str, Any], multiline: bool) -> None:
    text = tomli_w.dumps(table, multiline_strings=multiline)
    lines = text.split("\n")

    for path in _keys(table):
        line = line_of(text, path)
        assert line
        if isinstance(path[-1], str):
            assert tomli_w.dumps({path[-1]: 0}).removesuffix(" = 0\n") in lines[line - 1]


def _keys(value: object, path: Path = ()) -> list[Path]:
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in [(*path, key), *_keys(inner, (*path, key))]]
    if isinstance(value, list):
        return [one for place, inner in enumerate(value) for one in _keys(inner, (*path, place))]
    return []
