"""Which files make up the function: from the entry point along the imports, inside the project only.

Training scripts, tests and tools beside a function say nothing about how it is served, so they count only when the
entry point reaches them. Without an entry point the files that a platform would start are the starts (platforms.py),
and without these every file that is no test, training script or tool.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from analyzers.errors import AnalyzerError
from analyzers.findings import Finding
from analyzers.lean.files import NOTEBOOK
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.project.beside.assets import read_assets
from analyzers.project.beside.dockerfile import read_steps
from analyzers.project.beside.installed import installed
from analyzers.project.beside.variables import read_variables
from analyzers.project.dependencies import listed_in, read_dependencies
from analyzers.project.ignored import walk
from analyzers.project.importers import TESTS
from analyzers.project.model import Asset, Code, Dependency, Source, Step, UnreadableError, Variable
from analyzers.project.parsing import syntax_tree
from analyzers.project.reach import Reach
from analyzers.project.reading import parsed, read_code, read_entry
from runtime_images.entrypoint import EntryError, find_entry

Tell = Callable[[str], object] | None
"""Who is told how far long work is."""
MAX_FILES = 5000
_ASIDE = Pattern(
    rf"{TESTS}|(^|/)(docs?|benchmarks?|scripts?|tools?|notebooks?|training)/"
    r"|(^|/)(setup|noxfile|tasks|(pre|fine_?)?train(ing|er)?(_[^/]*)?|finetune[^/]*"
    r"|[^/]*_train(ing|er)?|eval(uate|uation)?|bench(mark)?[^/]*)\.py$",
    re.IGNORECASE,
)


@record
class Project:
    """What is read of a function.

    `entry` is the file of the entry point, empty when none was found; `starts` are the files where reading starts, of
    which `programs` run as programs.
    """

    root: Path
    entry: str
    sources: tuple[Source, ...]
    failures: tuple[Finding, ...]
    dependencies: tuple[Dependency, ...]
    assets: tuple[Asset, ...] = ()
    variables: tuple[Variable, ...] = ()
    image: tuple[Step, ...] = ()
    starts: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()

    @property
    def imported(self) -> frozenset[str]:
        """The files that serving imports and never runs as a program, so that their main block says nothing."""
        return frozenset(source.path for source in self.sources) - self.programs

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that was read or tried, sorted."""
        read = {source.path for source in self.sources} | {failure.place.path for failure in self.failures}
        return tuple(sorted(read | {dependency.place.path for dependency in self.dependencies}))


def collect(path: Path, entrypoint: str = "", tree: str = "", tell: Tell = None) -> Project:
    """Read the function at `path`, a directory or a single file, with the entry point named or searched.

    `tree` is a directory above, whose modules it may import; `tell` is told how far the work is.

    Raises:
        AnalyzerError: there is nothing at `path`, or no Python in it.
    """
    if path.is_file():
        if path.suffix not in (".py", NOTEBOOK):
            raise AnalyzerError(f"{path} is not a Python file", "give a .py file, a notebook or a function's directory")
        return _follow(path.parent, tree, path.name, [path.name], tell=tell)
    if not path.is_dir():
        raise AnalyzerError(f"there is nothing at {path}", "give a function's directory or a Python file")
    try:
        entry = find_entry(path, entrypoint, read_entry, syntax_tree).path
    except EntryError as error:
        if entrypoint:
            raise AnalyzerError(error.message, error.hint) from None
    else:
        return _follow(path, tree, entry, [entry], tell=tell)
    files = sorted(_python_files(path)) or sorted(_python_files(path, NOTEBOOK))
    if not files:
        raise AnalyzerError(f"no Python file in {path}", "`gaia init DIR` writes a small function to start from")
    served = [file for file in files if not is_aside(file)] or files
    known: dict[str, Source] = {}
    starts, programs = _platform_starts(path, served, known) or (served, served)
    return _follow(path, tree, "", starts, programs, tell, known)


def is_aside(path: str) -> bool:
    """Return whether a file is a test, a training script or a tool by its path, or lies in a folder of such."""
    return _ASIDE.search(path) is not None


def reached(root: Path, starts: list[str]) -> frozenset[str]:
    """Return the files below `root` that reading from the files `starts` along the imports comes to, and these."""
    sources, _ = _sources(Reach(root), starts)
    return frozenset(source.path for source in sources) | frozenset(starts)


def _platform_starts(root: Path, files: list[str], known: dict[str, Source]) -> tuple[list[str], list[str]] | None:
    """Return the files that a platform would start, and those that run as programs; None when one is unreadable.

    What is parsed for that is `known` afterwards.
    A web server beside the entry of another platform is a demonstration, unless that entry imports it.
    """
    from analyzers.project.platforms import PROGRAMS, WEB_SERVER, configured, platform_in  # few need it

    def parse(code: Code) -> Source:
        known[code.path] = source = parsed(code)
        return source

    platforms = configured(root, files)
    for path in files:
        try:
            if platform := platform_in(read_code(root, path), parse):
                platforms[path] = platform
        except UnreadableError:
            return None
    named = [path for path, platform in platforms.items() if platform not in ("", WEB_SERVER)]
    starts = named or [path for path, platform in platforms.items() if platform]
    return (starts, [path for path in starts if platforms[path] in PROGRAMS]) if starts else None


def _python_files(root: Path, suffix: str = ".py") -> Iterator[str]:
    """Yield the relative paths of the project's files that end in `suffix`, and of what may not be read.

    Ignored directories are skipped.
    """
    count, refused = 0, list[str]()
    for directory, names in walk(str(root), refused=refused.append):
        for name in names:
            if name.endswith(suffix):
                count += 1
                if count > MAX_FILES:
                    hint = "give the function's directory"
                    raise AnalyzerError(f"more than {MAX_FILES} Python files in {root}", hint)
                yield (Path(directory) / name).relative_to(root).as_posix()
    yield from (Path(directory).relative_to(root).as_posix() for directory in refused)


def _follow(
    root: Path,
    tree: str,
    entry: str,
    starts: list[str],
    programs: list[str] | None = None,
    tell: Tell = None,
    known: dict[str, Source] | None = None,
) -> Project:
    beside = entry or (starts[0] if len({start.rpartition("/")[0] for start in starts}) == 1 else "")
    dependencies = read_dependencies(root, beside)
    image = read_steps(root, beside)
    stated = {one.name.replace("-", "_") for one in dependencies.stated}
    sources, failures = _sources(Reach(root, tree, stated, known), starts, tell)
    return Project(
        root,
        entry,
        tuple(sorted(sources, key=lambda source: source.path)),
        (*failures, *dependencies.failures),
        (*dependencies.stated, *listed_in(source for source in sources if source.path in starts), *installed(image)),
        read_assets(root, beside),
        read_variables(root, image, beside),
        image,
        tuple(starts),
        frozenset(programs or ()),
    )


def _sources(reach: Reach, starts: list[str], tell: Tell = None) -> tuple[list[Source], list[Finding]]:
    """Return what is read from the files `starts` along the imports, and what of it cannot be read."""
    sources: list[Source] = []
    failures: list[Finding] = []
    pending = dict.fromkeys(starts)
    seen: set[str] = set()
    while pending:
        path = next(iter(pending))
        del pending[path]
        seen.add(path)
        try:
            source = reach.read(path)
        except UnreadableError as error:
            failures.append(error.failure)
            continue
        sources.append(source)
        failures += source.failures
        if tell is not None:
            tell(f"read {len(seen)} files")
        pending |= dict.fromkeys(imported for imported in reach.imported(source) if imported not in seen)
    return sources, failures
