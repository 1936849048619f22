"""From a path to an `Analysis`: the pipeline, with a module for each step."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analyzers.facts.escalation import resolve
from analyzers.facts.model import Facts
from analyzers.facts.stage1 import DeepRecursion, extract, unfinished
from analyzers.findings import TOO_ENTANGLED, Finding, Place, Signal
from analyzers.lean.garbage import NoCollections
from analyzers.lean.records import replace
from analyzers.linting.examination import in_cells, in_its_cell, with_excerpts
from analyzers.linting.suppression import split, suppressions
from analyzers.project.model import Source
from analyzers.project.names import by_import_name
from analyzers.project.newer.interpreters import function_python
from analyzers.project.sources import Project, Tell, collect
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

    `root` is its directory and `entry` the file it starts in, empty when none was found; `findings` are sorted by
    weight, failures first; `files` are all that were read, relative to `root`: shared code begins with `../`.
    `alternatives` say which small change to the code would lead to another mode. `prediction` says how long a request
    takes on each backend; it is None without an SLO for latency, and where the code does not tell how much it computes.
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
    def slo_out_of_reach(self) -> str:
        """That by the prediction neither backend can keep the SLO, in one sentence; empty where that is not known."""
        return self.prediction.out_of_reach if self.prediction is not None else ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The findings as the manifest holds them."""
        return tuple(finding.evidence for finding in self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What could not be analyzed; not empty means that the verdict rests on less than the function."""
        return tuple(finding for finding in self.findings if finding.signal is Signal.FAILURE)


def analyze(
    path: Path | str,
    *,
    entrypoint: str = "",
    slo: Slo | None = None,
    hardware: str = "",
    tree: str = "",
    python: str = "",
    tell: Tell = None,
) -> Analysis:
    """Analyze the function at `path`, a directory, a Python file or a notebook, without running any of it.

    `entrypoint` is "path.py" or "path.py:attribute" inside a directory; by default it is searched. With an SLO for
    latency, the predicted time of a request decides between the two preferred modes where it is known; `hardware` names
    the GPU of that prediction, or a file with profiles (hardware.py). `tree` is a directory above, such as the
    repository, whose modules the function may import; by default it has only its own. `python` is the version that it
    asks for, such as "3.12", where that is not the one that Gaia runs on. `tell` is told how far the work is, in a few
    words, again and again.

    Raises:
        AnalyzerError: there is nothing to analyze at `path`, no such entry point, or no such hardware.
    """
    started = time.perf_counter()
    profile = _profile(slo, hardware)
    odd_code = warnings.catch_warnings(action="ignore")  # the parser warns of it: that is for its author
    with NoCollections(), odd_code, function_python(python):
        project = collect(Path(path), entrypoint, tree, tell)
        sources = project.sources
        facts, failures = _facts(project, tell)
        examine_again = partial(_findings, project=project, failures=failures)
        findings = examine_again(facts)
        complete = not any(finding.signal is Signal.FAILURE for finding in findings)
        prediction = _prediction(facts, slo, profile, sources)

        def decide_again(findings: Sequence[Finding]) -> Verdict:
            return decide(in_cells(findings, sources), complete=complete, prediction=prediction)

        def shown_place(place: Place) -> str:
            return in_its_cell(place, sources).shown

        verdict = decide_again(findings)
        examined = Examined(facts, findings, verdict, examine_again, decide_again, shown_place)
        changes = tuple(dict.fromkeys((*alternatives(examined), *by_slo(findings, prediction))))
        shown = tuple(in_cells(with_excerpts(findings, sources), sources))
    duration_s = time.perf_counter() - started
    return Analysis(project.root, project.entry, verdict, shown, project.files, duration_s, changes, prediction)


def _facts(project: Project, tell: Tell) -> tuple[Facts, list[Finding]]:
    """Return the facts of a project, and the failures in it."""
    files, unread = extract(project.sources, project.imported, tell=tell)
    with DeepRecursion():
        find = by_import_name((source.module, source) for source in project.sources).get
        resolved, uninferred = resolve(files, project.sources, find)
    opened = [replace(found, signal=Signal.OPEN) if found.rule == TOO_ENTANGLED else found for found in uninferred]
    failures = [*project.failures, *unread, *unfinished(files), *opened]
    return Facts(resolved, project.dependencies, project.assets, project.variables, project.image), failures


def _findings(facts: Facts, *, project: Project, failures: Sequence[Finding]) -> list[Finding]:
    """Return what no comment silences, failures first, then by weight."""
    with DeepRecursion():
        evidence = list(examine(evidence_rules(), facts, project.entry))
    if any(finding.place.path not in project.starts for finding in evidence):
        from analyzers.project.unused import in_use  # most functions are one file

        evidence = in_use(evidence, project.sources, project.starts)
    comments = [comment for source in project.sources for comment in suppressions(source.path, source.text)]
    standing, _ = split([*dict.fromkeys((*failures, *unfinished(facts.files))), *evidence], comments)
    return sorted(standing, key=_order)


def _profile(slo: Slo | None, name: str) -> "Hardware | None":
    """Return the hardware to predict for; a name must be valid even when nothing is predicted."""
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
