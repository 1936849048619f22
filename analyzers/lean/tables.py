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


class Tables(dict[str, dict[str, str]]):
    """Tables by name, each read from its text when it is first asked for: a hook asks for few."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def whole(self) -> dict[str, dict[str, str]]:
        """Return all of them."""
        return {name: self[name] for name in self._texts}

    def __missing__(self, name: str) -> dict[str, str]:
        table = self[name] = {}
        for row in self._texts[name].split("\n"):
            if row[:1] not in ("", "#"):
                value, names, _ = row.split("\t", 2)
                for word in names.split():
                    table[word] = value
        return table


def read_tables(module: str, name: str) -> Tables:
    """Return the tables of the file `name`.tsv beside `module`, each by its own name: what each word stands under.

    A line `[NAME]` begins a table, and `#` a comment; a row is a value, words and their source,
    with tabs between them.
    """
    with open(f"{module.rpartition('/')[0]}/{name}.tsv", encoding="utf-8") as file:  # noqa: PTH123 -- pathlib loads slowly
        parts = file.read().split("\n[")
    return Tables(dict(part.split("]\n", 1) for part in parts[1:]))
