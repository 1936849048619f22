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


def numbers(text: str) -> dict[str, float]:
    """Return the numbers in `text` by their names: `resnet18=11.7 vgg11=133`."""
    return {name: float(number) for name, _, number in (word.partition("=") for word in text.split())}
