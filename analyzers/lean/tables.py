"""Tables of names, written as text: the words between white space."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    Value = TypeVar("Value")


def words(text: str) -> frozenset[str]:
    """Return the words of `text`."""
    return frozenset(text.split())


def by_word(texts: "Mapping[Value, str]") -> "dict[str, Value]":
    """Return what each word stands under in `texts`."""
    return {word: value for value, text in texts.items() for word in text.split()}


def read_tables(module: str, name: str) -> dict[str, dict[str, str]]:
    """Return the tables of the file `name`.tsv beside `module`, each by its own name: what each word stands under.

    A line `[NAME]` begins a table, and `#` a comment; a row is a value, words and their source,
    with tabs between them.
    """
    tables: dict[str, dict[str, str]] = {}
    with open(f"{module.rpartition('/')[0]}/{name}.tsv", encoding="utf-8") as file:  # noqa: PTH123 -- pathlib loads slowly
        parts = file.read().split("\n[")
    for part in parts[1:]:
        title, _, rows = part.partition("]\n")
        table = tables[title] = {}
        for row in rows.split("\n"):
            if row[:1] not in ("", "#"):
                value, names, _ = row.split("\t", 2)
                for word in names.split():
                    table[word] = value
    return tables
