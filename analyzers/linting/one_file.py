"""One file linted: read, checked or examined, and its suppressions applied.

Most files of a tree have nothing to do with GPUs: where no evidence is wanted only their syntax is checked, and neither
facts nor rules are loaded.
"""

import warnings

from analyzers.facts.neighbours import Library, Neighbours
from analyzers.findings import RULE_FAILED, TOO_ENTANGLED, Finding, Place, failed
from analyzers.lean.prefilter import may_hinder_a_switch
from analyzers.linting.examination import in_cells, vain_in_cells, with_excerpts
from analyzers.linting.results import FileResult, Linted
from analyzers.linting.suppression import in_vain, split, suppressions
from analyzers.project.model import Code, UnreadableError
from analyzers.project.reading import as_code, check, read_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzers.facts.model import FileFacts
    from analyzers.project.model import Find, Source

LOADED = ("ast", "symtable", "analyzers.facts.stage1", "analyzers.facts.contexts.reading", "analyzers.rules.behaviour")
"""The modules, beside the rules, that linting a file about GPUs loads."""


def lint_file(library: Library, path: str, *, evidence: bool = True, data: bytes | None = None) -> Linted:
    """Lint the file `path` as a module of the project that `library` reads.

    Without `evidence` only failures and what hinders a switch are looked for, except in a file with suppressions, which
    may be about evidence. `data` replaces the content of the file.
    """
    neighbours = Neighbours(library, path)
    try:
        with warnings.catch_warnings(action="ignore"):  # the parser's, about odd code: they are for its author
            code = read_code(library.tree.root, path) if data is None else as_code(path, data)
            comments = suppressions(path, code.text)
            examined = _findings(code, neighbours, evidence=evidence or bool(comments))
            found = with_excerpts([*code.failures, *examined], [code])
    except UnreadableError as error:
        return Linted(FileResult(path, (error.failure,)))
    kept, silenced = split(sorted(found, key=_order), comments)
    vain = tuple(in_vain(comments, silenced))
    if code.cells:
        kept, vain = tuple(in_cells(kept, [code])), vain_in_cells(vain, [code])
    result = FileResult(path, kept, vain)
    read, absent = sorted(neighbours.read - {path}), sorted(neighbours.absent)
    return Linted(result, tuple(read), tuple(absent), neighbours.unimported)


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return (finding.place.line, finding.place.column, finding.rule, finding.message)


def _findings(code: Code, neighbours: Neighbours, *, evidence: bool) -> list[Finding]:
    """Return what is found in `code`: failures, what hinders a switch and, if wanted, evidence."""
    switchability = may_hinder_a_switch(code.data)
    if not evidence and not switchability:
        check(code)
        return []
    from analyzers.facts.stage1 import DeepRecursion, extract, unfinished

    source = neighbours.library.parsed(code)
    files, failures = extract([source], (), neighbours)
    found = [*failures]
    with DeepRecursion():
        resolved: Sequence[FileFacts] = files
        if evidence:
            resolved, evidences = _evidence(source, files, neighbours.code)
            found += evidences
        if switchability:
            found += _hindrances(source, resolved, neighbours, infer=not evidence, wants_gpu=code.wants_gpu)
    return [*found, *unfinished(files)]


def _evidence(
    source: "Source", files: "Sequence[FileFacts]", find: "Find"
) -> "tuple[Sequence[FileFacts], list[Finding]]":
    """Return the facts with every device that inference finds, and the evidence in them."""
    from analyzers.facts.escalation import resolve
    from analyzers.facts.model import Facts
    from analyzers.rules.examination import evidence_rules, examine

    files, failures = resolve(files, [source], find)
    return files, [*failures, *examine(evidence_rules(), Facts(tuple(files)), source.path)]


def _hindrances(
    source: "Source", files: "Sequence[FileFacts]", neighbours: Neighbours, *, infer: bool, wants_gpu: bool
) -> list[Finding]:
    """Return what hinders a switch; with `infer` the devices asked for are inferred first."""
    from analyzers.facts.contexts.reading import read_contexts
    from analyzers.facts.escalation import resolve
    from analyzers.facts.model import Facts
    from analyzers.rules.behaviour import Behaviour, device_matters
    from analyzers.rules.examination import examine, switchability_rules, tying_rules

    try:
        known = read_contexts([source])
        found: list[Finding] = []
        if infer:
            find = neighbours.code
            files, failures = resolve(files, [source], find, lambda call: device_matters(known.of(call.place)))
            found += [one for one in failures if one.rule != TOO_ENTANGLED]  # no rule misses it: most stay unknown
        behaviour = Behaviour(Facts(tuple(files)), known, tying_rules)
        hindrances = list(examine(switchability_rules(source.text), behaviour, source.path))
        if not hindrances:
            return found
        from analyzers.linting.programs import without_gpu_code, without_moot  # most files need neither

        mattering = without_moot(hindrances, source, known, neighbours)
        return [*found, *without_gpu_code(mattering, neighbours, wants_gpu=wants_gpu)]
    except Exception as error:  # noqa: BLE001 -- whatever is wrong here must not hide the evidence
        message = f"the check of when the code runs failed: {type(error).__name__}: {error}"
        return [failed(RULE_FAILED, Place(source.path, 1), message)]
