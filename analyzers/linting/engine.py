"""What the rules find in files, one by one and without a verdict: the engine of `gaia lint`.

A file is linted as a module of its project: its names lead into the modules that it imports, and only its own findings
are reported. A cached result needs only this module and its imports at the top; what parses and examines (one_file.py)
is loaded for the first file that is linted anew.
"""

from collections.abc import Iterator, Sequence

from analyzers.lean.garbage import RareCollections, collect_new
from analyzers.linting.results import FileResult, Linted
from analyzers.project.names import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

MANY_FILES = 64
"""With fewer files to lint anew, more processes cost more than they give."""


def lint(
    paths: "Sequence[PathLike[str] | str]",
    *,
    root: "PathLike[str] | str",
    cache_dir: "PathLike[str] | str | None" = None,
    processes: int = 1,
    evidence: bool = True,
) -> Iterator[FileResult]:
    """Lint the Python files `paths`, in their order, and yield each result as soon as its file is done.

    Without `evidence` the rules 1xx to 6xx are skipped, which saves most of the work. Relative paths start at `root`,
    and so do the paths in results. `cache_dir` keeps results from one run to the next; `processes` is how many may
    work in parallel where there are enough files.
    """
    tree = Tree(str(root))
    names = [_relative(str(path), tree.root) for path in paths]
    if cache_dir is None:
        for linted in _lint_anew(tree, names, processes, evidence=evidence):
            yield linted.result
        return
    from analyzers.linting.cache import Cache

    cache = Cache(str(cache_dir), tree, evidence=evidence)
    known = {name: cache.get(name) for name in names}
    anew = _lint_anew(tree, [name for name in names if known[name] is None], processes, evidence=evidence)
    try:
        for name in names:
            result = known[name]
            if result is None:
                linted = next(anew)
                cache.add(linted)
                result = linted.result
            yield result
    finally:
        cache.write()


def lint_text(data: bytes, path: str, *, root: "PathLike[str] | str", evidence: bool = True) -> FileResult:
    """Lint `data` as if it were the content of the file `path`, which need not be there; see `lint`."""
    from analyzers.facts.neighbours import Library
    from analyzers.linting.one_file import lint_file

    tree = Tree(str(root))
    return lint_file(Library(tree), _relative(path, tree.root), evidence=evidence, data=data).result


def _lint_anew(tree: Tree, names: Sequence[str], processes: int, *, evidence: bool) -> Iterator[Linted]:
    if not names:
        return
    if processes > 1 and len(names) >= MANY_FILES:
        from analyzers.linting.parallel import lint_in_processes

        yield from lint_in_processes(tree, names, processes, evidence=evidence)
        return
    from analyzers.facts.neighbours import Library
    from analyzers.linting.one_file import lint_file

    library = Library(tree)
    with RareCollections():
        for name in names:
            yield lint_file(library, name, evidence=evidence)
            collect_new()


def _relative(path: str, root: str) -> str:
    """Return `path` as findings name it: relative to the root where it lies below, else as it was given."""
    whole = path if path.startswith("/") else f"{root}/{path}"
    inside = f"{root.rstrip('/')}/"
    return whole.removeprefix(inside) if whole.startswith(inside) else path
