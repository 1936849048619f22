"""What would change a verdict: the smallest changes to the code that lead to another mode, each in one sentence.

Each comes from the rules and the verdict, asked again about the facts after the change, so what it promises holds.
"""

from collections.abc import Callable, Iterator, Sequence

from analyzers.calibration import BILLION, model_weight
from analyzers.facts.model import Facts
from analyzers.findings import Finding, Place, Signal, Trait
from analyzers.lean.records import record, replace
from analyzers.verdict.changes import QUESTION, guarded, kept, lines_of, without
from analyzers.verdict.verdict import runs_on_both
from runtime_images.policy.model import ExecutionMode, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.verdict.prediction import Prediction

_MOST_PLACES = 3


@record
class Alternative:
    """Another mode, and the change that leads to it, as a request: "remove func.py:3"."""

    mode: ExecutionMode
    condition: str

    @property
    def sentence(self) -> str:
        """The change and the mode as one sentence, without a full stop."""
        return f"{self.condition[:1].upper()}{self.condition[1:]} and the mode becomes {self.mode}"


@record
class Examined:
    """A function's facts, the findings in them, and the verdict.

    `examine` returns the findings in other facts, `decide` the verdict on other findings, `shown` a place in words.
    """

    facts: Facts
    findings: Sequence[Finding]
    verdict: Verdict
    examine: Callable[[Facts], Sequence[Finding]]
    decide: Callable[[Sequence[Finding]], Verdict]
    shown: Callable[[Place], str]

    def mode_after(self, change: Callable[[Facts, Sequence[Place]], Facts], places: Sequence[Place]) -> ExecutionMode:
        """Return the mode once `change` has been made at `places`."""
        return self.decide(self.examine(change(self.facts, places))).mode

    def listed(self, findings: Sequence[Finding]) -> str:
        """Return the places of `findings` in words, empty where they are too many for a small change."""
        places = list(dict.fromkeys(self.shown(finding.place) for finding in findings))
        if len(places) > _MOST_PLACES:
            return ""
        return " and ".join(part for part in (", ".join(places[:-1]), *places[-1:]) if part)


def alternatives(examined: Examined) -> Iterator[Alternative]:
    """Yield what would change the verdict; nothing where no small change would."""
    ways = {
        ExecutionMode.GPU: _guarding,
        ExecutionMode.GPU_PREFERRED: _lightening,
        ExecutionMode.CPU_PREFERRED: _growing,
    }
    find = ways.get(examined.verdict.mode)
    found = find(examined) if find is not None else iter(())
    return (one for one in found if one.mode is not examined.verdict.mode)


def _guarding(examined: Examined) -> Iterator[Alternative]:
    """Guard what needs a GPU by a test for one, or remove it where that does not help."""
    needs = [finding for finding in examined.findings if finding.signal is Signal.NEEDS_GPU]
    listed = examined.listed(needs)
    if not listed:
        return
    places = [finding.place for finding in needs]
    mode = examined.mode_after(guarded, places)
    if mode is not examined.verdict.mode:
        asks = any(fact.package == "torch" for fact in examined.facts.imports())
        yield Alternative(mode, f"guard {listed} with {f'{QUESTION}()' if asks else 'a test for a GPU'}")
    else:
        yield Alternative(examined.mode_after(without, places), f"remove {listed}")


def _lightening(examined: Examined) -> Iterator[Alternative]:
    """Remove one kind of work."""
    work = [finding for finding in examined.findings if finding.signal is Signal.WORK and finding.weight > 0]
    for rule in dict.fromkeys(finding.rule for finding in sorted(work, key=lambda finding: -finding.weight)):
        yield from _removing(examined, [finding for finding in work if finding.rule == rule])


def _growing(examined: Examined) -> Iterator[Alternative]:
    """Load a larger model, or remove what can use a GPU."""
    models = [finding for finding in examined.findings if finding.trait is Trait.MODEL_SIZE]
    if models:
        larger = [
            replace(finding, weight=model_weight(BILLION)) if finding in models else finding
            for finding in examined.findings
        ]
        place = examined.shown(models[0].place)
        yield Alternative(examined.decide(larger).mode, f"load a model of a billion parameters at {place}")
    yield from _removing(examined, [find for find in examined.findings if find.signal is Signal.CAN_USE_GPU])


def _removing(examined: Examined, findings: Sequence[Finding]) -> Iterator[Alternative]:
    listed = examined.listed(findings)
    places = [finding.place for finding in findings]
    left = list(kept(examined.findings, lines_of(places)))
    if listed and examined.decide(left).mode is not examined.verdict.mode:  # else the rules need not look again
        yield Alternative(examined.mode_after(without, places), f"remove {listed}")


def by_slo(findings: Sequence[Finding], prediction: "Prediction | None") -> Iterator[Alternative]:
    """Yield the SLO at which a prediction that has decided would decide for the other backend."""
    if prediction is None or prediction.choice is None or not runs_on_both(findings):
        return
    if prediction.choice is ExecutionMode.GPU_PREFERRED:
        yield Alternative(ExecutionMode.CPU_PREFERRED, f"relax the SLO to {prediction.tipping} or more")
    else:
        yield Alternative(ExecutionMode.GPU_PREFERRED, f"tighten the SLO below {prediction.tipping}")
