"""What a rule is and what it finds.

A rule reads facts and yields findings; it prints nothing, reads no file and sees no syntax tree. Its examples
are its tests and its page in the documentation (docs/rules, written by scripts/document_rules.py).
"""

from collections.abc import Callable, Iterator

from analyzers.facts.model import Facts
from analyzers.findings import Finding as Finding  # noqa: PLC0414 -- part of what a rule is
from analyzers.findings import Place
from analyzers.findings import Signal as Signal  # noqa: PLC0414 -- likewise
from analyzers.lean.records import record

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
