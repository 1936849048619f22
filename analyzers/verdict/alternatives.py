"""What would change a verdict: the smallest changes to the code that lead to another mode, each in one sentence.

They are found by asking the verdict again with a finding changed, never by a rule of their own, so they cannot
disagree with it.
"""

from collections.abc import Callable, Iterator, Sequence

from analyzers.findings import Finding, Signal
from analyzers.lean.records import record, replace
from analyzers.verdict.times import shown_time
from runtime_images.policy.model import ExecutionMode, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.verdict.prediction import Prediction

_GUARDED = 0.3
"""What a placement weighs behind a test for a GPU (rule GA202)."""
_BILLION = 3.0
"""What a model of a billion parameters weighs (rule GA501)."""
_MOST_PLACES = 3


@record
class Alternative:
    """Another mode, and the change that would lead to it: a condition such as "without func.py:3"."""

    mode: ExecutionMode
    instead_of: ExecutionMode
    condition: str

    @property
    def sentence(self) -> str:
        """Both as one sentence, without a full stop."""
        return f"`{self.mode}` instead of `{self.instead_of}` {self.condition}"


Decide = Callable[[Sequence[Finding]], Verdict]


def alternatives(findings: Sequence[Finding], verdict: Verdict, decide: Decide) -> tuple[Alternative, ...]:
    """What would change `verdict`, which `decide` gave on `findings`; none where nothing small would change it."""
    ways = {
        ExecutionMode.GPU: _guarding,
        ExecutionMode.GPU_PREFERRED: _lightening,
        ExecutionMode.CPU_PREFERRED: _growing,
    }
    find = ways.get(verdict.mode)
    return tuple(find(findings, verdict, decide)) if find is not None else ()


def _guarding(findings: Sequence[Finding], verdict: Verdict, decide: Decide) -> Iterator[Alternative]:
    """The needs of a GPU, if each stood behind a test for one."""
    needs = [finding for finding in findings if finding.signal is Signal.NEEDS_GPU]
    softened = [
        replace(finding, signal=Signal.CAN_USE_GPU, weight=_GUARDED) if finding in needs else finding
        for finding in findings
    ]
    mode = decide(softened).mode
    places = _places(needs)
    if mode is not verdict.mode and len(places) <= _MOST_PLACES:
        verb = "was" if len(places) == 1 else "were"
        yield Alternative(mode, verdict.mode, f"if {_listed(places)} {verb} done only where there is a GPU")


def _lightening(findings: Sequence[Finding], verdict: Verdict, decide: Decide) -> Iterator[Alternative]:
    """One kind of work less."""
    work = (finding for finding in findings if finding.signal is Signal.WORK and finding.weight > 0)
    heavy = sorted(work, key=lambda finding: -finding.weight)
    for rule in dict.fromkeys(finding.rule for finding in heavy):
        mode = decide([finding for finding in findings if finding.rule != rule]).mode
        places = _places([finding for finding in heavy if finding.rule == rule])
        if mode is not verdict.mode and len(places) <= _MOST_PLACES:
            yield Alternative(mode, verdict.mode, f"without {_listed(places)}")


def _growing(findings: Sequence[Finding], verdict: Verdict, decide: Decide) -> Iterator[Alternative]:
    """A larger model, or nothing that can use a GPU."""
    models = [finding for finding in findings if finding.rule == "GA501"]
    if models:
        larger = [replace(finding, weight=_BILLION) if finding in models else finding for finding in findings]
        mode = decide(larger).mode
        if mode is not verdict.mode:
            place = _places(models)[0]
            yield Alternative(mode, verdict.mode, f"if the model at {place} had a billion parameters")
    uses = [finding for finding in findings if finding.signal is Signal.CAN_USE_GPU]
    mode = decide([finding for finding in findings if finding not in uses]).mode
    places = _places(uses)
    if mode is not verdict.mode and len(places) <= _MOST_PLACES:
        yield Alternative(mode, verdict.mode, f"without {_listed(places)}")


def by_slo(verdict: Verdict, prediction: "Prediction | None") -> tuple[Alternative, ...]:
    """The SLO at which a prediction that has decided would decide for the other backend."""
    choice = prediction.choice if prediction is not None else None
    if prediction is None or verdict.mode is not choice or prediction.reason not in verdict.reason:
        return ()
    slo = shown_time(prediction.tipping_s)
    if choice is ExecutionMode.GPU_PREFERRED:
        return (Alternative(ExecutionMode.CPU_PREFERRED, choice, f"if the SLO were {slo} or more"),)
    return (Alternative(ExecutionMode.GPU_PREFERRED, choice, f"if the SLO were below {slo}"),)


def _places(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.place.shown for finding in findings))


def _listed(places: Sequence[str]) -> str:
    return places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"
