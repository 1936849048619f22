"""The sources of the three packages, each read and parsed once for all checks."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gaia_cli", "analyzers", "runtime_images")


@dataclass(frozen=True)
class Module:
    """One file of source."""

    path: str
    """From the root of the repository, with slashes."""
    text: str

    @property
    def name(self) -> str:
        """The dotted name; of a package without its `__init__`."""
        return ".".join(PurePath(self.path).with_suffix("").parts).removesuffix(".__init__")

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def is_init(self) -> bool:
        return self.path.endswith("/__init__.py")

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names of what is imported anywhere in it: of `from a import b` both `a` and `a.b`."""
        return frozenset(_imported(ast.walk(self.tree)))

    @property
    def libraries(self) -> frozenset[str]:
        """The top-level names among its imports."""
        return frozenset(name.partition(".")[0] for name in self.imports)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the three packages, by path."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return tuple(Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)


@cache
def importers() -> dict[str, frozenset[str]]:
    """By the name of each module: the paths of the modules in the three packages that import it."""
    found: dict[str, set[str]] = {module.name: set() for module in modules()}
    for module in modules():
        for name in module.imports & found.keys() - {module.name}:
            found[name].add(module.path)
    return {name: frozenset(paths) for name, paths in found.items()}


def under(*folders: str) -> Iterator[Module]:
    """Return the modules in `folders` and below them."""
    return (module for module in modules() if module.path.startswith(tuple(f"{folder}/" for folder in folders)))


def listed(what_to_do: str, found: Iterable[str]) -> str:
    """Write the message of a failed check: what to do, then each place."""
    return "\n  ".join((f"{what_to_do}:", *found))
