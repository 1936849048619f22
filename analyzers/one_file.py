"""All that it takes to lint one file: facts, inference where a device is open, rules, suppressions."""

from analyzers.escalation import resolve
from analyzers.examination import comments_in_cells, examine, failure, in_cells, with_excerpts
from analyzers.facts import Facts
from analyzers.findings import Finding, Place, Signal
from analyzers.linting import FileResult, Linted
from analyzers.neighbours import Library, Neighbours
from analyzers.prefilter import may_use_a_gpu
from analyzers.reading import Source, Trouble, read_source
from analyzers.suppression import split, suppressions
from analyzers.syntax import deep_recursion, extract


def lint_file(library: Library, path: str) -> Linted:
    """Lint the file `path` as a module of the project that `library` reads."""
    neighbours = Neighbours(library, path)
    try:
        source = read_source(library.tree.root, path)
    except Trouble as trouble:
        return Linted(FileResult(path, (failure(trouble),)))
    comments = suppressions(path, source.text)
    found = with_excerpts(_findings(source, neighbours), [source])
    kept, silenced = split(sorted(found, key=_order), comments)
    if source.cells:
        kept, silenced = tuple(in_cells(kept, [source])), tuple(in_cells(silenced, [source]))
        comments = comments_in_cells(comments, source.cells)
    result = FileResult(path, kept, silenced, comments)
    return Linted(result, tuple(sorted(neighbours.read - {path})), tuple(sorted(neighbours.absent)))


def _findings(source: Source, neighbours: Neighbours) -> list[Finding]:
    files, troubles = extract([source], "", neighbours)
    with deep_recursion():
        files, more = resolve(files, [source], neighbours.source)
        facts = Facts(files)
        found = list(examine(facts))
        if source.relevant and ("async" in source.text or may_use_a_gpu(source.text.encode())):
            found += _conduct(source, facts)
    return [*(failure(trouble) for trouble in (*troubles, *more)), *found]


def _conduct(source: Source, facts: Facts) -> list[Finding]:
    """What the hygiene rules find; only files that may hold evidence of a GPU have conduct to speak of."""
    from analyzers.rules.hygiene import hygiene

    try:
        return list(hygiene(facts, [source]))
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with hygiene must not hide the evidence
        message = f"the hygiene rules failed: {type(error).__name__}: {error}"
        return [Finding("GA906", Place(source.path, 1), message, 0.0, Signal.FAILURE)]


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return (finding.place.line, finding.place.column, finding.rule, finding.message)
