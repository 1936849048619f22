"""The verdict: a pure combination of findings into a mode, a confidence and a reason (docs/analyzer.md).

1. A finding that the function *needs* a GPU decides for `gpu`: no amount of small work makes an unguarded `.cuda()`
   run on a CPU.
2. Where the code rules a GPU out, by a pin of all that it places, the mode is `cpu`; so it is without anything that
   *can use* a GPU: one would change nothing. Where a large model is named all the same, what loads it was not seen,
   and `cpu` would be a promise too much.
3. Otherwise both backends work, and the amount of work decides where to begin. Each rule's strongest finding counts
   once, in log-odds; the sum starts at `PRIOR`, below zero, since most functions are served well enough by a CPU. A
   prediction against the SLO, where there is one, goes before the sum.

The numbers are in calibration.py, with their origin.
"""

from collections.abc import Iterable, Sequence

from analyzers.calibration import FLOOR, LARGE_WORK, NEEDS_GPU, NO_USE, PRIOR, WORTH_NAMING, confidence, gpu_probability
from analyzers.findings import Finding, Signal, Trait
from runtime_images.policy.model import ExecutionMode, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.verdict.prediction import Prediction


def decide(findings: Sequence[Finding], *, complete: bool = True, prediction: "Prediction | None" = None) -> Verdict:
    """Return the verdict on `findings`; where some file could not be read it is never confident, and never `cpu`.

    `prediction` says how long a request takes on each backend and what the SLO asks for.
    """
    verdict = _decide([f for f in findings if f.signal not in (Signal.FAILURE, Signal.OPEN)], prediction)
    all_seen = not any(finding.signal is Signal.OPEN for finding in findings)
    if complete and (all_seen or verdict.mode is not ExecutionMode.CPU):
        return verdict
    if verdict.mode is ExecutionMode.CPU:
        reason = "nothing that could be read can use a GPU, but not everything could be analyzed"
        return Verdict(ExecutionMode.CPU_PREFERRED, FLOOR, reason)
    reason = f"{verdict.reason}; not everything could be analyzed"
    return Verdict(verdict.mode, min(verdict.confidence, FLOOR), reason)


def _decide(findings: Sequence[Finding], prediction: "Prediction | None") -> Verdict:
    needs = _strongest(finding for finding in findings if finding.signal is Signal.NEEDS_GPU)
    if needs:
        return Verdict(ExecutionMode.GPU, confidence(NEEDS_GPU), f"it needs a GPU: {_shown(needs[0])}")
    if ruled_out := _strongest(finding for finding in findings if finding.signal is Signal.RULES_OUT_GPU):
        return Verdict(ExecutionMode.CPU, confidence(NO_USE), f"it uses no GPU: {_shown(ruled_out[0])}")
    if not runs_on_both(findings):
        return _without_use(findings)
    if named := _only_named(findings):
        mode = ExecutionMode.GPU_PREFERRED if score(findings) > 0 else ExecutionMode.CPU_PREFERRED
        return Verdict(mode, FLOOR, f"what computes is unknown: {_shown(named)}")
    probability = gpu_probability(score(findings))
    preferred = prediction.choice if prediction is not None else None
    if preferred is None:
        return _by_work(findings, probability)
    right = probability if preferred is ExecutionMode.GPU_PREFERRED else 1 - probability
    assert prediction is not None
    return Verdict(preferred, confidence(right), f"it runs on both, and {prediction.reason}")


def _only_named(findings: Sequence[Finding]) -> Finding | None:
    """Return the name that is all that speaks for a use of a GPU, None where there is more."""
    users = _strongest(finding for finding in findings if finding.signal is Signal.CAN_USE_GPU)
    return users[0] if all(finding.trait is Trait.UNKNOWN for finding in users) else None


def runs_on_both(findings: Sequence[Finding]) -> bool:
    """Return whether something can use a GPU and nothing needs one, so that the work decides."""
    signals = {finding.signal for finding in findings}
    return Signal.CAN_USE_GPU in signals and not signals & {Signal.NEEDS_GPU, Signal.RULES_OUT_GPU}


def score(findings: Iterable[Finding]) -> float:
    """Return the log-odds that the work is better started on a GPU."""
    return PRIOR + sum(finding.weight for finding in strongest_per_rule(findings))


def _by_work(findings: Sequence[Finding], probability: float) -> Verdict:
    on_gpu = score(findings) > 0
    mode = ExecutionMode.GPU_PREFERRED if on_gpu else ExecutionMode.CPU_PREFERRED
    right = probability if on_gpu else 1 - probability
    return Verdict(mode, confidence(right), f"it runs on both, and {_because(findings, positive=on_gpu)}")


def strongest_per_rule(findings: Iterable[Finding]) -> list[Finding]:
    """Return each rule's finding of the largest absolute weight: ten placements are one piece of evidence."""
    best: dict[str, Finding] = {}
    for finding in findings:
        known = best.get(finding.rule)
        if known is None or abs(finding.weight) > abs(known.weight):
            best[finding.rule] = finding
    return list(best.values())


def _without_use(findings: Sequence[Finding]) -> Verdict:
    heavy = [finding for finding in _strongest(findings) if finding.weight >= LARGE_WORK]
    if heavy:
        reason = f"what would compute was not seen, though the work would be large: {_shown(heavy[0])}"
        return Verdict(ExecutionMode.CPU_PREFERRED, FLOOR, reason)
    reasons = _strongest(finding for finding in findings if finding.signal is Signal.SPEAKS_FOR_CPU)
    detail = f"; {_shown(reasons[-1])}" if reasons else ""
    return Verdict(ExecutionMode.CPU, confidence(NO_USE), f"nothing in it can use a GPU{detail}")


def _because(findings: Sequence[Finding], *, positive: bool) -> str:
    """Return the finding that decides, and what it means."""
    work = _strongest(finding for finding in findings if finding.signal is not Signal.NEEDS_GPU)
    if positive and work[0].signal is not Signal.WORK:
        return f"more speaks for a GPU: {_shown(work[0])}"  # a guard, or an import, is no work
    if positive:
        return f"the work is large enough to begin on a GPU: {_shown(work[0])}"
    open_ended = [finding for finding in work if finding.trait is Trait.CALLER_DECIDES]
    if open_ended:
        return f"only the requests can tell how much work it is: {_shown(open_ended[0])}"
    light = [finding for finding in work if finding.weight <= WORTH_NAMING and finding.trait is not Trait.WAITS]
    if light and light[-1].signal is not Signal.WORK:
        return f"more speaks for a CPU: {_shown(light[-1])}"
    if light:
        return f"the work is small enough to begin on a CPU: {_shown(light[-1])}"
    return "no sign of work that is too large to begin on a CPU"


def _strongest(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by weight, the strongest for the GPU first; in source order where equal."""
    return sorted(
        findings, key=lambda finding: (-finding.weight, finding.place.path, finding.place.cell, finding.place.line)
    )


def _shown(finding: Finding) -> str:
    return f"{finding.message} ({finding.place.shown})"
