"""Fit the numbers of analyzers/calibration.py to labelled functions, and show how well they hold on others.

    python scripts/fit_verdict.py LABELS.tsv COPIES [LABELS.tsv COPIES ...]

LABELS.tsv has a header and the columns id, human_label (cpu or gpu) and notes, whose `src=NAME` names the source;
COPIES/ID holds the function with that id, without what its author declared about hardware. labelled_functions.tsv
beside this script names the functions, by repository, commit and path; their code is no part of this project. Those
whose column `part` says held-out or unseen take no part in the fit. Printed are

1. the constants, fitted to all functions;
2. accuracy, hard errors (a fixed mode on the wrong side) and the calibration error with the constants that stand in
   calibration.py;
3. the same with each source left out of the fit in turn;
4. the same on the functions that are held out.

Two numbers are fitted by Newton's method (a logistic regression on the sum of the findings, with a weak pull towards a
slope of 1), one by search (the threshold of the sum), two are counted. No library is needed.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzers import analyze
from analyzers.calibration import CEILING, FLOOR, NEEDS_GPU, NO_USE, PRIOR, SHIFT, SLOPE, logistic
from analyzers.findings import Finding, Signal
from analyzers.verdict.verdict import strongest_per_rule
from runtime_images.policy.model import ExecutionMode

_BINS = 10
_HELD_OUT = ("held-out", "unseen", "unseen-2", "unseen-3", "unseen-4", "unseen-5")
"""The parts that take no part in the fit."""
_THRESHOLDS = [step / 20 for step in range(61)]


@dataclass(frozen=True)
class Example:
    """A labelled function: the mode it is given now, and the sum that decides where both backends are possible."""

    source: str
    on_gpu: bool
    mode: ExecutionMode
    confidence: float
    total: float
    complete: bool
    can_use_gpu: bool
    held_out: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the sum decides, so that what is fitted matters."""
        return not self.mode.is_fixed and self.can_use_gpu


@dataclass(frozen=True)
class Fit:
    """The constants of calibration.py."""

    prior: float
    slope: float
    shift: float
    needs_gpu: float
    no_use: float

    def answer(self, example: Example) -> tuple[bool, float]:
        """Return whether the mode is one that begins on a GPU, and the confidence in it."""
        if example.mode is ExecutionMode.GPU:
            return True, self.needs_gpu
        if example.mode is ExecutionMode.CPU:
            return False, self.no_use
        if not example.can_use_gpu:
            return False, FLOOR
        score = self.prior + example.total
        probability = logistic(self.slope * score + self.shift)
        on_gpu = score > 0
        right = probability if on_gpu else 1 - probability
        return on_gpu, min(max(right if example.complete else FLOOR, FLOOR), CEILING)


def main(arguments: Sequence[str]) -> int:
    """Fit, and print."""
    if not arguments or len(arguments) % 2:
        print(str(__doc__))
        return 2
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    everything = [example for labels, copies in pairs for example in read(Path(labels), Path(copies))]
    examples = [example for example in everything if not example.held_out]
    sources = sorted({example.source for example in examples})
    fitted = fit(examples)
    print(f"{len(examples)} functions of {len(sources)} sources: {', '.join(sources)}")
    print(
        f"fitted   PRIOR = {fitted.prior:.2f}   SLOPE, SHIFT = {fitted.slope:.2f}, {fitted.shift:.2f}"
        f"   NEEDS_GPU = {fitted.needs_gpu:.3f}   NO_USE = {fitted.no_use:.3f}"
    )
    standing = Fit(PRIOR, SLOPE, SHIFT, NEEDS_GPU, NO_USE)
    _report("with the constants of calibration.py", examples, lambda _: standing)
    apart = {source: fit([other for other in examples if other.source != source]) for source in sources}
    _report("each source left out of the fit", examples, lambda example: apart[example.source])
    held_out = [example for example in everything if example.held_out]
    if held_out:
        _report(f"{len(held_out)} functions held out", held_out, lambda _: standing)
    for source in sources:
        own = [example for example in examples if example.source == source]
        right = sum(standing.answer(example)[0] is example.on_gpu for example in own)
        left_out = sum(apart[source].answer(example)[0] is example.on_gpu for example in own)
        print(f"   {source:22} {right:3} of {len(own):3}, left out {left_out:3}")
    return 0


def read(labels: Path, copies: Path) -> list[Example]:
    """Analyze the labelled functions whose copies are there."""
    with labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    known = [row for row in rows if row["human_label"] in ("cpu", "gpu") and (copies / row["id"]).is_dir()]
    return [_example(row, copies / row["id"]) for row in known]


def _example(row: dict[str, str], copy: Path) -> Example:
    analysis = analyze(copy)
    evidence: list[Finding] = [finding for finding in analysis.findings if finding.signal is not Signal.FAILURE]
    total = sum(finding.weight for finding in strongest_per_rule(evidence))
    source = re.match(r"src=([\w-]+)", row["notes"])
    return Example(
        source[1] if source else row.get("repo", "?"),
        row["human_label"] == "gpu",
        analysis.mode,
        analysis.confidence,
        total,
        not analysis.failures,
        any(finding.signal is Signal.CAN_USE_GPU for finding in evidence),
        row.get("part") in _HELD_OUT,
    )


def fit(examples: Sequence[Example]) -> Fit:
    """Return the constants that fit `examples` best."""
    open_ones = [example for example in examples if example.is_open]
    prior = -_threshold(open_ones)
    slope, shift = _regression([(prior + example.total, example.on_gpu) for example in open_ones])
    return Fit(prior, slope, shift, _rate(examples, ExecutionMode.GPU), _rate(examples, ExecutionMode.CPU))


def _threshold(examples: Sequence[Example]) -> float:
    """Return the middle of the stretch of thresholds that make the fewest mistakes."""
    mistakes = [sum((example.total > at) is not example.on_gpu for example in examples) for at in _THRESHOLDS]
    best = [at for at, count in zip(_THRESHOLDS, mistakes, strict=True) if count == min(mistakes)]
    return (best[0] + best[-1]) / 2


def _regression(points: Sequence[tuple[float, bool]], pull: float = 1.0) -> tuple[float, float]:
    """Return slope and shift of the logistic curve through `points`, by Newton's method."""
    slope, shift = 1.0, 0.0
    for _ in range(50):
        gradient = [-(slope - 1) * pull, 0.0]
        curvature = [pull, 0.0, 1e-9]
        for score, on_gpu in points:
            x = max(min(score, 5.0), -5.0)  # one sample far out may not bend the curve
            probability = logistic(slope * x + shift)
            spread = probability * (1 - probability)
            gradient = [gradient[0] + (on_gpu - probability) * x, gradient[1] + on_gpu - probability]
            curvature = [curvature[0] + spread * x * x, curvature[1] + spread * x, curvature[2] + spread]
        determinant = curvature[0] * curvature[2] - curvature[1] ** 2
        slope += (gradient[0] * curvature[2] - gradient[1] * curvature[1]) / determinant
        shift += (gradient[1] * curvature[0] - gradient[0] * curvature[1]) / determinant
    return slope, shift


def _rate(examples: Sequence[Example], mode: ExecutionMode) -> float:
    """Return how often a fixed mode is right, with one success and one failure added (Laplace)."""
    right = [example.on_gpu is (mode is ExecutionMode.GPU) for example in examples if example.mode is mode]
    return (sum(right) + 1) / (len(right) + 2)


def _report(title: str, examples: Sequence[Example], fit_for: Callable[[Example], Fit]) -> None:
    answers = [(example, *fit_for(example).answer(example)) for example in examples]
    right = [on_gpu is example.on_gpu for example, on_gpu, _ in answers]
    hard = sum(example.mode.is_fixed and not correct for (example, _, _), correct in zip(answers, right, strict=True))
    error = calibration_error(
        [(confidence, correct) for (_, _, confidence), correct in zip(answers, right, strict=True)]
    )
    print(
        f"{title}: accuracy {sum(right) / len(right):.3f}, hard errors {hard} = {hard / len(right):.3f}, "
        f"expected calibration error {error:.3f}"
    )


def calibration_error(answers: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error: the mean distance of confidence and accuracy in ten bins, by size."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, correct in answers:
        bins[min(int(confidence * _BINS), _BINS - 1)].append((confidence, correct))
    gaps = [
        abs(sum(confidence for confidence, _ in members) - sum(correct for _, correct in members))
        for members in bins.values()
    ]
    return sum(gaps) / len(answers)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
