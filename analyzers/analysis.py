"""From a path to an `Analysis`: the pipeline, each step of which is a module of its own."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analyzers.facts.escalation import resolve
from analyzers.facts.model import Facts
from analyzers.facts.stage1 import deep_recursion, extract, unfinished
from analyzers.findings import TOO_ENTANGLED, Finding, Place, Signal
from analyzers.lean.records import replace
from analyzers.linting.examination import in_cells, in_its_cell, with_excerpts
from analyzers.linting.suppression import split, suppressions
from analyzers.project.model import Source
from analyzers.project.names import by_import_name
from analyzers.project.sources import Project, collect
from analyzers.rules.examination import evidence_rules, examine
from analyzers.verdict.alternatives import Alternative, Examined, alternatives, by_slo
from analyzers.verdict.verdict import decide
from runtime_images.policy.model import Evidence, ExecutionMode, Slo, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.verdict.hardware import Hardware
    from analyzers.verdict.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known about a function.

    `root` is its directory and `entry` the file it starts in, empty when none was found; `findings` are sorted
    by weight, failures first; `files` is everything that was read, relative to `root`. `alternatives` say which small
    change to the code would lead to another mode, `prediction` how long a request takes on each backend, where an SLO
    asks for a latency and the code tells how much it computes.
    """

    root: Path
    entry: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    files: tuple[str, ...]
    duration_s: float
    alternatives: tuple[Alternative, ...] = ()
    prediction: "Prediction | None" = None

    @property
    def mode(self) -> ExecutionMode:
        """The execution mode."""
        return self.verdict.mode

    @property
    def confidence(self) -> float:
        """The probability that the mode is right."""
        return self.verdict.confidence

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        return self.verdict.reason

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The findings in the words of the manifest."""
        return tuple(finding.evidence for finding in self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What could not be analyzed; not empty means that the verdict rests on less than the function."""
        return tuple(finding for finding in self.findings if finding.signal is Signal.FAILURE)


def analyze(path: Path | str, *, entrypoint: str = "", slo: Slo | None = None, hardware: str = "") -> Analysis:
    """Analyze the function at `path`, a directory, a Python file or a notebook, without running any of it.

    `entrypoint` is "path.py" or "path.py:attribute" inside a directory; by default it is searched. With an SLO that
    asks for a latency, the time that a request is predicted to take decides between the two preferred modes where it
    is known; `hardware` names the GPU of that prediction, or a file with profiles (hardware.py).

    Raises:
        AnalyzerError: there is nothing to analyze at `path`, no such entry point, or no such hardware.
    """
    started = time.perf_counter()
    profile = _profile(slo, hardware)
    with warnings.catch_warnings(action="ignore"):  # the parser's, about odd code: they are between it and the author
        project = collect(Path(path), entrypoint)
        facts, told = _facts(project)
        examine_again = partial(_findings, project=project, told=told)
        findings = examine_again(facts)
        complete = not any(finding.signal is Signal.FAILURE for finding in findings)
        prediction = _prediction(facts, slo, profile, project.sources)
        decide_again = partial(_decided, project=project, complete=complete, prediction=prediction)
        verdict = decide_again(findings)
        examined = Examined(facts, findings, verdict, examine_again, decide_again, partial(_shown, project))
        changes = (*alternatives(examined), *by_slo(findings, prediction))
    shown = tuple(in_cells(with_excerpts(findings, project.sources), project.sources))
    duration_s = time.perf_counter() - started
    return Analysis(project.root, project.entry, verdict, shown, project.files, duration_s, changes, prediction)


def _facts(project: Project) -> tuple[Facts, list[Finding]]:
    """The facts of a project, and the findings that tell of what could not be analyzed."""
    files, failures = extract(project.sources, project.imported)
    with deep_recursion():
        find = by_import_name((source.module, source) for source in project.sources).get
        resolved, more = resolve(files, project.sources, find)
    told = [*project.failures, *failures, *unfinished(files), *map(_opened, more)]
    return Facts(resolved, project.dependencies, project.assets), told


def _findings(facts: Facts, *, project: Project, told: Sequence[Finding]) -> list[Finding]:
    """What stands after the comments of the authors, failures first, then by weight; notebooks are counted through."""
    with deep_recursion():
        evidence = _in_use(list(examine(evidence_rules(), facts, project.entry)), project)
    comments = [comment for source in project.sources for comment in suppressions(source.path, source.text)]
    failures = dict.fromkeys((*told, *unfinished(facts.files)))
    standing, _ = split([*failures, *evidence], comments)
    return sorted(standing, key=_order)


def _decided(
    findings: Sequence[Finding], *, project: Project, complete: bool, prediction: "Prediction | None"
) -> Verdict:
    return decide(in_cells(findings, project.sources), complete=complete, prediction=prediction)


def _shown(project: Project, place: Place) -> str:
    return in_its_cell(place, project.sources).shown


def _opened(failure: Finding) -> Finding:
    """A device that inference could not tell stays open; a failure of inference itself stays a failure."""
    return replace(failure, signal=Signal.OPEN) if failure.rule == TOO_ENTANGLED else failure


def _in_use(evidence: list[Finding], project: Project) -> list[Finding]:
    """The findings of code that serving may run."""
    if all(finding.place.path in project.starts for finding in evidence):
        return evidence
    from analyzers.project.unused import unused  # most functions are one file

    aside = unused(project.sources, project.starts)
    return [finding for finding in evidence if not aside.covers(finding.place)]


def _profile(slo: Slo | None, name: str) -> "Hardware | None":
    """The hardware to predict for; one that is named must be there, even when nothing is predicted."""
    if not name and (slo is None or slo.latency_p95_ms is None):
        return None
    from analyzers.verdict.hardware import hardware

    return hardware(name)


def _prediction(
    facts: Facts, slo: Slo | None, profile: "Hardware | None", sources: Sequence[Source]
) -> "Prediction | None":
    if slo is None or profile is None:
        return None
    from analyzers.verdict.prediction import predict

    prediction = predict(facts, slo, profile)
    if prediction is None:
        return None
    work = prediction.work
    return replace(prediction, work=replace(work, place=in_its_cell(work.place, sources)))


def _order(finding: Finding) -> tuple[bool, float, str, int, int, str]:
    place = finding.place
    return (
        finding.signal is not Signal.FAILURE,
        -abs(finding.weight),
        place.path,
        place.cell,
        place.line,
        finding.rule,
    )
