"""What a rule is and what it finds.

A rule reads facts and yields findings; it prints nothing, reads no file and sees no syntax tree. Its examples
are its tests and its page in the documentation (docs/rules, written by scripts/document_rules.py).
"""

from collections.abc import Callable, Iterator
from enum import StrEnum

from analyzers.facts import Facts, Place
from analyzers.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime_images.policy.model import Evidence


class Signal(StrEnum):
    """What a finding means for the verdict (verdict.py combines them; docs/analyzer.md explains how).

    The last three are no evidence: the verdict never sees hygiene and contradictions, which only `gaia lint` reports.
    """

    NEEDS_GPU = "needs a GPU"
    CAN_USE_GPU = "can use a GPU"
    WORK = "amount of work"
    SPEAKS_FOR_CPU = "speaks for the CPU"
    HYGIENE = "stands in the way of a switch"
    CONTRADICTION = "contradicts the evidence"
    FAILURE = "could not be analyzed"


@record
class Finding:
    """One thing that a rule found. `weight` is in log-odds, positive towards the GPU; `excerpt` is the source line."""

    rule: str
    place: Place
    message: str
    weight: float
    signal: Signal
    excerpt: str = ""

    @property
    def evidence(self) -> "Evidence":
        """The finding in the words shared with the manifest and the policy."""
        from runtime_images.policy.model import Evidence

        return Evidence(self.rule, self.place.path, self.place.line, self.place.column, self.message, self.weight)


Found = Iterator[tuple[Place, str, float, Signal]]


@record
class Rule:
    """A rule: stable `code`, `name` in words, one sentence each of what it finds and why that matters.

    `matches` are examples that must give a finding, `passes` are near misses that must not. An example is Python, or a
    dependency list when it begins with `# requirements.txt`.
    """

    code: str
    name: str
    summary: str
    rationale: str
    check: Callable[[Facts], Found]
    matches: tuple[str, ...]
    passes: tuple[str, ...]

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """Everything this rule finds in `facts`."""
        for place, message, weight, signal in self.check(facts):
            yield Finding(self.code, place, message, weight, signal)
