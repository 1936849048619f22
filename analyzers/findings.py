"""What a rule found and where: all that a report, a cache or a verdict needs to know of the analysis."""

from enum import StrEnum

from analyzers.lean.levels import CONFIDENCES as CONFIDENCES  # noqa: PLC0414 -- part of what a finding is
from analyzers.lean.levels import Level as Level  # noqa: PLC0414 -- likewise
from analyzers.lean.levels import in_words as in_words  # noqa: PLC0414 -- likewise
from analyzers.lean.printable import in_short, printable
from analyzers.lean.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime_images.policy.model import Evidence

NOT_PYTHON = "GA901"
TOO_LARGE = "GA902"
UNREADABLE = "GA903"
TOO_DEEP = "GA904"
TOO_ENTANGLED = "GA905"
RULE_FAILED = "GA906"
INFERENCE_FAILED = "GA907"
REFUSED = "GA908"
"""The codes of failures; rules/__init__.py has their texts."""

LONGEST_MESSAGE = 500
"""Characters of what a finding says: the code that it quotes may be a literal of a megabyte."""


@record
class Place:
    """A stretch of one line: `line` and `column` count from 1, `end_column` is just behind the stretch.

    In a notebook `cell` counts all cells from 1, and `line` is the line in the cell. `cell` is 0 everywhere else, and
    for rules, which see the lines of all cells as one file.
    """

    path: str
    line: int
    column: int = 1
    end_column: int = 2
    cell: int = 0

    @property
    def file(self) -> str:
        """The file, of a notebook with the cell."""
        return f"{self.path}:cell {self.cell}" if self.cell else self.path

    @property
    def shown(self) -> str:
        """The place without its column, as sentences name it: printable."""
        return printable(f"{self.file}:{self.line}")


class Signal(StrEnum):
    """What a finding means for the verdict (verdict.py combines them; docs/analyzer.md explains how).

    The last four are no evidence. What hinders a switch and contradictions are for `gaia lint` only. A device that
    stayed open, since the budget did not suffice, only forbids the answer that no GPU is used.
    """

    NEEDS_GPU = "needs a GPU"
    CAN_USE_GPU = "can use a GPU"
    WORK = "amount of work"
    SPEAKS_FOR_CPU = "speaks for the CPU"
    RULES_OUT_GPU = "rules a GPU out"
    SWITCHABILITY = "stands in the way of a switch"
    CONTRADICTION = "contradicts the evidence"
    OPEN = "stayed open"
    FAILURE = "could not be analyzed"


class Trait(StrEnum):
    """What else matters about a finding, besides its signal and weight."""

    PLAIN = ""
    CALLER_DECIDES = "the request decides how much work it is"
    WAITS = "nothing computes meanwhile"
    MODEL_SIZE = "the weight is that of a model's parameters"
    UNKNOWN = "only a name says that a GPU is used"
    TIES = "the code is for GPUs even where its devices are guarded"


@record
class Finding:
    """One thing that a rule found. `weight` is in log-odds, positive towards the GPU.

    `message` is printable and no endless line, whatever of the code it quotes. The path of `place` and the source line
    `excerpt` are as they are: files are found by the one, and columns count in the other.
    """

    rule: str
    place: Place
    message: str
    weight: float
    signal: Signal
    excerpt: str = ""
    trait: Trait = Trait.PLAIN

    @property
    def evidence(self) -> "Evidence":
        """The finding as the manifest and the policy know it."""
        from runtime_images.policy.model import Evidence

        return Evidence(self.rule, self.place.file, self.place.line, self.place.column, self.message, self.weight)


def failed(rule: str, place: Place, message: str, excerpt: str = "") -> Finding:
    """Return the finding that something at `place` could not be analyzed."""
    return Finding(rule, place, in_short(message, LONGEST_MESSAGE), 0.0, Signal.FAILURE, excerpt)
