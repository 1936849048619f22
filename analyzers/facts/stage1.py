"""Stage 1: the facts of each file from the standard library's syntax tree alone.

Every call becomes a fact under each qualified name that its callee may have, with its arguments evaluated as far as
possible and with the guard it stands under. An argument that stays Unknown is left for stage 2 (stage2.py).
"""

import ast
import sys
from collections.abc import Callable, Collection, Iterable, Sequence

from analyzers.facts.file_reader import FileReader
from analyzers.facts.model import FileFacts, Origin
from analyzers.facts.scopes.model import ModuleScopes, Scope, Site
from analyzers.facts.scopes.walk import read_scopes
from analyzers.facts.syntax import last_name
from analyzers.facts.values.evaluator import Evaluator
from analyzers.findings import TOO_DEEP, TOO_ENTANGLED, Finding, Place, failed
from analyzers.lean.prefilter import may_use_a_gpu
from analyzers.project.model import Source
from analyzers.project.names import by_import_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.facts.neighbours import Neighbours

_RECURSION_LIMIT = 12_000
"""Deep enough for any tree that `ast.parse` accepts; Python-to-Python calls take no C stack."""
_GIVEN_UP = {
    Origin.TOO_DEEP: (TOO_DEEP, "the code is nested too deeply to be analyzed"),
    Origin.TOO_ENTANGLED: (TOO_ENTANGLED, "the code is too entangled to be followed within the budget"),
}


def extract(
    sources: Sequence[Source],
    imported: Collection[str],
    neighbours: "Neighbours | None" = None,
    tell: Callable[[str], object] | None = None,
) -> tuple[tuple[FileFacts, ...], tuple[Finding, ...]]:
    """Return the facts of `sources`, and the failures of the files that could not be analyzed.

    `imported` are the paths of the files that serving imports and never runs as a program. Names lead into the other
    sources; where a single file is read, into its `neighbours`. A value is evaluated when a rule looks at it, so
    `unfinished` returns further failures once the rules have run. `tell` is told how far the work is.
    """
    found: list[FileFacts] = []
    failures: list[Finding] = []
    with DeepRecursion():
        scopes: dict[str, ModuleScopes] = {}
        for source in sources:
            try:
                scopes[source.path] = read_scopes(source, skip_main=source.path in imported)
            except RecursionError:
                failures.append(_given_up(source.path, Origin.TOO_DEEP))
        callers = _call_sites(scopes.values())
        thorough = neighbours is None or any(_is_worth_it(source.text) for source in sources)
        evaluator = Evaluator(_modules(scopes.values(), neighbours), callers, thorough=thorough)
        for path, module in scopes.items():
            found.append(FileReader(path, module, evaluator, callers).facts())
            if tell is not None:
                tell(f"followed {len(found)} of {len(scopes)} files")
    return tuple(found), tuple(failures)


def _is_worth_it(text: str) -> bool:
    """Return whether a file may say something of GPUs, or may hold up an event loop."""
    return "async def" in text or may_use_a_gpu(text.encode())


def unfinished(files: Iterable[FileFacts]) -> tuple[Finding, ...]:
    """Return the failures of values that were asked for and could not be evaluated: one of a kind for each file."""
    return tuple(_given_up(file.path, origin) for file in files for origin in file.given_up)


def _given_up(path: str, origin: Origin) -> Finding:
    rule, message = _GIVEN_UP[origin]
    return failed(rule, Place(path, 1), message)


class DeepRecursion:
    """A block in which Python follows code as deep as its parser accepts: facts are made there, and looked at."""

    def __enter__(self) -> None:
        self._before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(self._before, _RECURSION_LIMIT))

    def __exit__(self, *_raised: object) -> None:
        sys.setrecursionlimit(self._before)


def _modules(scopes: Iterable[ModuleScopes], neighbours: "Neighbours | None") -> Callable[[str], Scope | None]:
    """Return a look-up of the modules that names may lead into: those read, or a single file and its neighbours."""
    if neighbours is None:
        return by_import_name((module.top.name, module.top) for module in scopes).get
    for module in scopes:
        neighbours.add_own(module.top.name, module.top)
    return neighbours.get


def _call_sites(scopes: Iterable[ModuleScopes]) -> dict[str, list[Site]]:
    """Return every call in the project by the last part of its callee's name."""
    sites: dict[str, list[Site]] = {}
    for module in scopes:
        for site in module.sites:
            if isinstance(site.node, ast.Call) and (name := last_name(site.node.func)):
                sites.setdefault(name, []).append(site)
    return sites
