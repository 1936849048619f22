"""The verdict: a pure combination of findings into a mode, a confidence and a reason (docs/analyzer.md).

1. A finding that the function *needs* a GPU decides for `gpu`: no amount of small work makes an unguarded `.cuda()`
   run on a CPU.
2. Without anything that *can use* a GPU, the mode is `cpu`: a GPU would change nothing.
3. Otherwise both backends work, and the amount of work decides where to begin. Each rule's strongest finding counts
   once, in log-odds; the sum starts at `PRIOR`, below zero, since most functions are served well enough by a CPU.
"""

import math
from collections.abc import Iterable, Sequence

from analyzers.rules.model import Finding, Signal
from runtime_images.policy.model import ExecutionMode, Verdict

PRIOR = -1.6
"""Log-odds that a function which could use a GPU is better started on one, before anything else is known."""

_FLOOR, _CEILING = 0.5, 0.99


def decide(findings: Sequence[Finding], *, complete: bool = True) -> Verdict:
    """The verdict on `findings`; without a file that could not be read it is never confident, and never `cpu`."""
    verdict = _decide([finding for finding in findings if finding.signal is not Signal.FAILURE])
    if complete:
        return verdict
    if verdict.mode is ExecutionMode.CPU:
        reason = "nothing that could be read can use a GPU, but not everything could be analyzed"
        return Verdict(ExecutionMode.CPU_PREFERRED, _FLOOR, reason)
    reason = f"{verdict.reason}; not everything could be analyzed"
    return Verdict(verdict.mode, min(verdict.confidence, _FLOOR), reason)


def _decide(findings: Sequence[Finding]) -> Verdict:
    needs = _strongest(finding for finding in findings if finding.signal is Signal.NEEDS_GPU)
    if needs:
        return Verdict(ExecutionMode.GPU, _confidence(needs[0].weight), f"it needs a GPU: {_shown(needs[0])}")
    if not any(finding.signal is Signal.CAN_USE_GPU for finding in findings):
        return _cpu(findings)
    score = PRIOR + sum(finding.weight for finding in strongest_per_rule(findings))
    if score > 0:
        reason = f"it runs on both, and {_because(findings, positive=True)}"
        return Verdict(ExecutionMode.GPU_PREFERRED, _confidence(score), reason)
    reason = f"it runs on both, and {_because(findings, positive=False)}"
    return Verdict(ExecutionMode.CPU_PREFERRED, _confidence(-score), reason)


def strongest_per_rule(findings: Iterable[Finding]) -> list[Finding]:
    """Each rule's finding of the largest weight, by size: ten placements on a device are one piece of evidence."""
    best: dict[str, Finding] = {}
    for finding in findings:
        known = best.get(finding.rule)
        if known is None or abs(finding.weight) > abs(known.weight):
            best[finding.rule] = finding
    return list(best.values())


def _cpu(findings: Sequence[Finding]) -> Verdict:
    against = sum(finding.weight for finding in strongest_per_rule(findings) if finding.weight > 0)
    reasons = _strongest(finding for finding in findings if finding.signal is Signal.SPEAKS_FOR_CPU)
    detail = f"; {_shown(reasons[-1])}" if reasons else ""
    return Verdict(ExecutionMode.CPU, _confidence(3.0 - against), f"nothing in it can use a GPU{detail}")


def _because(findings: Sequence[Finding], *, positive: bool) -> str:
    """The finding that decides, and what it means."""
    work = _strongest(finding for finding in findings if finding.signal is not Signal.NEEDS_GPU)
    if positive:
        return f"the work is large enough to begin on a GPU: {_shown(work[0])}"
    open_ended = [finding for finding in work if finding.weight > 0 and "caller decides" in finding.message]
    if open_ended:
        return f"only the requests can tell how much work it is: {_shown(open_ended[0])}"
    light = [finding for finding in work if finding.weight < 0 and "waits" not in finding.message]
    if light:
        return f"the work is small enough to begin on a CPU: {_shown(light[-1])}"
    return "no sign of work that is too large to begin on a CPU"


def _strongest(findings: Iterable[Finding]) -> list[Finding]:
    """By weight, the strongest for the GPU first; in source order where equal."""
    return sorted(findings, key=lambda finding: (-finding.weight, finding.place.path, finding.place.line))


def _shown(finding: Finding) -> str:
    return f"{finding.message} ({finding.place.path}:{finding.place.line})"


def _confidence(score: float) -> float:
    """The probability that belongs to log-odds of `score`, to two digits."""
    return round(min(max(1 / (1 + math.exp(-score)), _FLOOR), _CEILING), 2)
