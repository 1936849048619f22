"""How much a finding matters, and how sure its rule is, in numbers and in words."""

from enum import IntEnum


class Level(IntEnum):
    """How much a finding matters: an error is wrong, a warning is to be looked at, a note is worth knowing."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The level in lower case."""
        return self.name.lower()


CONFIDENCES = {"low": 0.0, "medium": 0.7, "high": 0.9}
"""A rule's confidence in words, and from which number on each holds."""


def in_words(confidence: float) -> str:
    """Return how sure a rule is: low, medium or high."""
    return next(word for word, least in reversed(CONFIDENCES.items()) if confidence >= least)
