"""A project's modules as one of its files sees them: found and read when a name first leads into one.

Linting a file must not cost reading all that it imports, most of which says nothing about it. So a module is looked for
when an expression names something in it, and read once for many files. What was read and what was looked for in vain is
remembered: besides the file itself, its result depends on just that (cache.py).
"""

from functools import cache

from analyzers.facts.newest import Newest
from analyzers.lean.prefilter import may_tell_a_device
from analyzers.project.importers import Importers
from analyzers.project.model import Code, Source, UnreadableError
from analyzers.project.names import Tree
from analyzers.project.parsing import Outcome, tried
from analyzers.project.reading import parsed, read_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.facts.scopes.model import Scope

MAX_PARSED_CHARACTERS = 1024 * 1024
"""How much is kept parsed; a syntax tree takes a hundred times the memory of its text."""
MAX_KEPT_CHARACTERS = 32 * 1024 * 1024
"""Of how much text it is kept what the modules bind, which takes a few times the memory of the text."""


class Library:
    """The modules of `tree` that have been read: what each binds, and the newest of them parsed."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.importers = Importers(tree)
        self._sources: Newest[Source | None] = Newest(MAX_PARSED_CHARACTERS)
        self._scopes: Newest[Scope | None] = Newest(MAX_KEPT_CHARACTERS)

    def code(self, path: str) -> Code | None:
        """Return the code of the file at `path`, None where `source` would be."""
        try:
            code = read_code(self.tree.root, path)
        except UnreadableError:
            return None
        return code if may_tell_a_device(code.data) and tried(code.text) is Outcome.PARSED else None

    def source(self, path: str) -> Source | None:
        """Return the file at `path`, None when it says nothing of devices, or cannot be analyzed.

        The latter is a finding of its own when the file itself is linted.
        """
        if path not in self._sources:
            code = self.code(path)
            try:
                source = parsed(code) if code is not None else None
            except UnreadableError:
                source = None
            self._sources.keep(path, source, len(source.text) if source is not None else 0)
        return self._sources.get(path)

    def parsed(self, code: Code) -> Source:
        """Parse `code`, but once for the run where it is linted as well as imported.

        Raises:
            UnreadableError: it is not Python.
        """
        known = self._sources.get(code.path)
        if known is not None and known.text == code.text:
            return known
        source = parsed(code)
        if may_tell_a_device(code.data):
            self._sources.keep(code.path, source, len(source.text))
        return source

    def scope(self, path: str) -> "Scope | None":
        """Return the names that the file at `path` binds, None without a source."""
        if path not in self._scopes:
            source = self.source(path)
            self._scopes.keep(path, _scope_of(source), len(source.text) if source is not None else 0)
        return self._scopes.get(path)


def _scope_of(source: Source | None) -> "Scope | None":
    from analyzers.facts.scopes.walk import read_scopes  # a file that is only checked has no neighbours

    try:
        return read_scopes(source, skip_main=True).top if source is not None else None
    except RecursionError:
        return None


class Neighbours:
    """The modules by the names under which the file `path` may import them.

    `read` are the paths of those that were asked for, `absent` the names of those that the project does not have;
    `unimported` says that nothing was found that imports the file, where this was asked.
    """

    def __init__(self, library: Library, path: str) -> None:
        self.library = library
        self._beside = path.rpartition("/")[0]
        self._path = cache(self._find)
        self._scopes: dict[str, Scope | None] = {}
        self.read: set[str] = set()
        self.absent: set[str] = set()
        self.unimported = False

    def is_imported(self, path: str) -> bool:
        """Return whether anything imports the file itself, at `path`, for all that can be told."""
        return self.importer(path) is not None

    def importer(self, path: str) -> str | None:
        """Return what imports the file itself, at `path`, None where nothing does, empty where nobody can tell."""
        found = self.library.importers.of(path)
        self.unimported = found is None
        if found:
            self.read.add(found)
        return found

    def add_own(self, name: str, top: "Scope") -> None:
        """Make the file itself known under its own name."""
        self._scopes[name] = top

    def get(self, name: str) -> "Scope | None":
        """Return the names that the module `name` binds, None when it is none of the project's.

        A scope that was returned once stays: the evaluator knows scopes by their identity.
        """
        if name not in self._scopes:
            path = self._path(name)
            self._scopes[name] = self.library.scope(path) if path else None
        return self._scopes[name]

    def code(self, name: str) -> Code | None:
        """Return the code of the module `name`, None when it is none of the project's."""
        path = self._path(name)
        return self.library.code(path) if path else None

    def _find(self, name: str) -> str:
        tree = self.library.tree
        package = name.partition(".")[0]
        if not tree.knows(package, self._beside):
            self.absent.add(package)
            return ""
        path = tree.find(name, self._beside)
        if path:
            self.read.add(path)
        elif name != package:
            self.absent.add(name)
        return path
