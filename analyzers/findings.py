"""What a rule found and where: all that a report, a cache or a verdict needs to know of the analysis."""

from enum import IntEnum, StrEnum

from analyzers.lean.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime_images.policy.model import Evidence


@record
class Place:
    """A stretch of one line: `line` and `column` count from 1, `end_column` is just behind the stretch.

    In a notebook `cell` is the number of a cell, counted from 1 over all of them, and `line` is the line in it; it is 0
    everywhere else, and in a notebook where the lines of all cells are counted through, as rules see them.
    """

    path: str
    line: int
    column: int = 1
    end_column: int = 2
    cell: int = 0

    @property
    def file(self) -> str:
        """The file as people find the place in it: with the cell, in a notebook."""
        return f"{self.path}:cell {self.cell}" if self.cell else self.path

    @property
    def shown(self) -> str:
        """The place without its column, as sentences name it."""
        return f"{self.file}:{self.line}"


class Level(IntEnum):
    """How much a finding matters: an error is wrong, a warning is to be looked at, a note is worth knowing."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The level as people write it."""
        return self.name.lower()


CONFIDENCES = {"low": 0.0, "medium": 0.7, "high": 0.9}
"""A rule's confidence in words, and from which number on each holds."""


def in_words(confidence: float) -> str:
    """How sure a rule is, for a person: low, medium or high."""
    return next(word for word, least in reversed(CONFIDENCES.items()) if confidence >= least)


class Signal(StrEnum):
    """What a finding means for the verdict (verdict.py combines them; docs/analyzer.md explains how).

    The last four are no evidence: the verdict sees neither what hinders a switch nor contradictions, which only
    `gaia lint` reports. A device that stayed open was read, but could not be told within the budget: it only forbids
    the answer that no GPU is used.
    """

    NEEDS_GPU = "needs a GPU"
    CAN_USE_GPU = "can use a GPU"
    WORK = "amount of work"
    SPEAKS_FOR_CPU = "speaks for the CPU"
    SWITCHABILITY = "stands in the way of a switch"
    CONTRADICTION = "contradicts the evidence"
    OPEN = "stayed open"
    FAILURE = "could not be analyzed"


class Trait(StrEnum):
    """What else somebody has to know of a finding, besides its signal and weight."""

    PLAIN = ""
    CALLER_DECIDES = "the request decides how much work it is"
    WAITS = "nothing computes meanwhile"
    MODEL_SIZE = "the weight is that of a model's parameters"
    TIES = "the code is for GPUs even where its devices are guarded"


@record
class Finding:
    """One thing that a rule found. `weight` is in log-odds, positive towards the GPU; `excerpt` is the source line."""

    rule: str
    place: Place
    message: str
    weight: float
    signal: Signal
    excerpt: str = ""
    trait: Trait = Trait.PLAIN

    @property
    def evidence(self) -> "Evidence":
        """The finding in the words shared with the manifest and the policy."""
        from runtime_images.policy.model import Evidence

        return Evidence(self.rule, self.place.file, self.place.line, self.place.column, self.message, self.weight)
