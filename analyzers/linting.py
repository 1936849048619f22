"""What the rules find in files, one by one and without a verdict: the engine of `gaia lint`.

A file is linted as a module of the project that it lies in, and only its own findings are reported. Neither this
module nor what it imports knows of verdicts, so that a hook on one file does not pay for them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from analyzers.examination import examine, failure, with_excerpts
from analyzers.facts import Facts
from analyzers.reading import Trouble, read_source
from analyzers.records import record
from analyzers.rules.model import Finding
from analyzers.suppression import Suppression, split, suppressions
from analyzers.syntax import extract


@record
class FileResult:
    """What was found in the file `path`, which is relative to the root with forward slashes.

    `findings` are in the order of their places, failures of the analysis (GA9xx) among them; `suppressed` are those
    that a comment silences; `suppressions` are all such comments in the file, also those that silence nothing.
    """

    path: str
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()
    suppressions: tuple[Suppression, ...] = ()


def lint(
    paths: Sequence[Path], *, root: Path, cache_dir: Path | None = None, processes: int = 1
) -> Iterator[FileResult]:
    """Lint the Python files `paths`, in their order; each result is there as soon as its file is done.

    A path that is not absolute is taken from `root`, and a path in a result is relative to it. `cache_dir` keeps
    results from one run to the next, None keeps none; `processes` is how many may work at a time.
    """
    for path in paths:
        yield lint_file(_relative(path, root), root)


def lint_file(path: str, root: Path) -> FileResult:
    """Lint the file `path` below `root`."""
    try:
        source = read_source(root, path)
    except Trouble as trouble:
        return FileResult(path, (failure(trouble),))
    files, troubles = extract([source], "")
    found = [*map(failure, troubles), *examine(Facts(files))]
    comments = suppressions(path, source.text)
    kept, silenced = split(sorted(with_excerpts(found, [source]), key=_order), comments)
    return FileResult(path, kept, silenced, comments)


def _relative(path: Path, root: Path) -> str:
    """`path` as findings name it: relative to the root where it lies below, else as it was given."""
    whole = root / path
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.as_posix()


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return (finding.place.line, finding.place.column, finding.rule, finding.message)
