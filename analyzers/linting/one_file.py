"""One file linted: read, checked or examined (in_depth.py), and its suppressions heeded.

What nobody asked for is not worked out. Most files of a tree have nothing to do with GPUs: where no evidence is wanted
it is enough to see that their syntax is right.
"""

import warnings

from analyzers.examination import comments_in_cells, failure, in_cells, with_excerpts
from analyzers.facts.neighbours import Library, Neighbours
from analyzers.findings import Finding
from analyzers.lean.prefilter import may_hinder_a_switch
from analyzers.lean.suppression import split, suppressions
from analyzers.linting.engine import FileResult, Linted
from analyzers.project.reading import Code, Trouble, as_code, check, read_code


def lint_file(library: Library, path: str, *, evidence: bool = True, data: bytes | None = None) -> Linted:
    """Lint the file `path` as a module of the project that `library` reads.

    Without `evidence` only what the linter is there for is looked for, what hinders a switch and failures; a file with
    suppressions is always searched for evidence too, since a comment may be about it. `data` goes before what the file
    holds.
    """
    with warnings.catch_warnings(action="ignore"):  # the parser's, about odd code: they are between it and the author
        return _linted(library, path, evidence=evidence, data=data)


def _linted(library: Library, path: str, *, evidence: bool, data: bytes | None) -> Linted:
    neighbours = Neighbours(library, path)
    try:
        code = read_code(library.tree.root, path) if data is None else as_code(path, data)
        comments = suppressions(path, code.text)
        evidence = evidence or bool(comments)
        found = with_excerpts(_findings(code, neighbours, evidence=evidence), [code])
    except Trouble as trouble:
        return Linted(FileResult(path, (failure(trouble),)))
    kept, silenced = split(sorted(found, key=_order), comments)
    if code.cells:
        kept, silenced = tuple(in_cells(kept, [code])), tuple(in_cells(silenced, [code]))
        comments = comments_in_cells(comments, code.cells)
    result = FileResult(path, kept, silenced, comments)
    return Linted(result, tuple(sorted(neighbours.read - {path})), tuple(sorted(neighbours.absent)))


def _findings(code: Code, neighbours: Neighbours, *, evidence: bool) -> list[Finding]:
    switchability = may_hinder_a_switch(code.data)
    if evidence or switchability:
        from analyzers.linting.in_depth import findings

        return findings(code, neighbours, evidence=evidence, switchability=switchability)
    check(code)
    return []


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return (finding.place.line, finding.place.column, finding.rule, finding.message)
