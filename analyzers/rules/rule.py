"""What a rule is: all there is to know of one kind of finding, in one file of a family's folder.

A rule reads facts and yields hits; it prints nothing, reads no file, sees no syntax tree and knows no other rule. Its
examples are its tests and, with the rest, its page (docs/rules). `scripts/document_rules.py` finds the file, writes the
page and enters the rule in the registry that hooks read (analyzers/lean/registry.py).
"""

from collections.abc import Callable, Iterator, Mapping

from analyzers.findings import LONGEST_MESSAGE, Finding, Level, Place, Signal, Trait
from analyzers.lean.printable import in_short
from analyzers.lean.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeVar

    Subject = TypeVar("Subject")
else:
    Subject = None

    class Generic:
        """`typing.Generic` as far as it is needed at run time; a hook has no time to load the real one."""

        __slots__ = ()

        def __class_getitem__(cls, _subject: object) -> type:
            return cls


@record
class Hit:
    """One thing that a check found. Without a `signal` it has its rule's.

    `weight` is a name in its rule's `weights`, or a number from a table of knowledge.
    """

    place: Place
    message: str
    weight: str | float = 0.0
    signal: Signal | None = None
    trait: Trait = Trait.PLAIN


Hits = Iterator[Hit]


@record
class Rule(Generic[Subject]):
    """A rule over a `Subject`: the facts (1xx to 6xx), the code's behaviour (7xx), or what is declared of it (8xx).

    `summary` and `rationale` say what it finds and why that matters, `remedy` what to write instead. `confidence` is a
    judgement of how often it is right: about 0.95 where the code says it in so many words, 0.8 where a value was
    followed or a name was recognised, 0.5 where a habit was taken for an intent. `hook`: `gaia lint` asks for it by
    default; `fixable`: `gaia lint --fix` knows how; `ties`: what it finds may keep the code on GPUs even where its
    devices are guarded.

    `weights` says what a finding weighs, in log-odds for the GPU, by the name of its case (calibration.py says where
    the numbers come from). A file has to hold one of `words`, and the text `beside`, for the rule to find anything in
    its calls; a rule of the family 7xx without words looks at every file that mentions accelerators. `matches` are
    examples that must give a finding, `passes` near misses that must not: Python, or other files, each below a line
    `# NAME`.
    """

    code: str
    name: str
    summary: str
    rationale: str
    confidence: float
    signal: Signal
    check: Callable[[Subject], Hits]
    remedy: str = ""
    level: Level = Level.NOTE
    hook: bool = False
    fixable: bool = False
    ties: bool = False
    weights: Mapping[str, float] = {}
    words: str = ""
    beside: str = ""
    matches: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield everything that this rule finds in `subject`."""
        for hit in self.check(subject):
            weight = self.weight(hit.weight) if isinstance(hit.weight, str) else hit.weight
            message = in_short(hit.message, LONGEST_MESSAGE)
            yield Finding(self.code, hit.place, message, weight, hit.signal or self.signal, trait=hit.trait)

    def weight(self, name: str) -> float:
        """Return the number that is called `name` in this rule.

        Raises:
            LookupError: the rule has no weight of this name.
        """
        if name not in self.weights:
            raise LookupError(f"{self.code} has no weight {name!r}; its `weights` have to name it")
        return self.weights[name]
