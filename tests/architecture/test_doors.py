"""The files of a tree that may be a stranger's are read and written in two modules, and nowhere else."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Module, modules, under

DOORS = ("analyzers/lean/files.py", "analyzers/lean/writing.py")
OWN = {
    "analyzers/facts/stage2.py": "the stubs of libraries",
    "analyzers/lean/tables.py": "the rules' tables",
    "analyzers/linting/cache.py": "the analyzer's own code, for its digest",
    "analyzers/manifest.py": "the analyzer's own code, for its digest",
    "gaia_cli/__main__.py": "the null device in place of a closed output",
    "gaia_cli/commands/init.py": "the templates",
    "gaia_cli/engines/environments.py": "the environment that is being made",
    "gaia_cli/engines/private_places.py": "the environment that is being made, and its lock",
    "gaia_cli/running/records.py": "the records of running functions, in a directory of this user's alone",
    "gaia_cli/images/recipes.py": "the recipes of images",
    "gaia_cli/targets/kubeconfig/entries.py": "certificates that the user's kubeconfig names",
    "gaia_cli/targets/kubeconfig/files.py": "the user's kubeconfig",
    "gaia_cli/views/console.py": "the null device in place of a closed output",
    "gaia_cli/views/simulation_report.py": "the page's template",
}
"""Modules that open a file which no stranger has made, and which."""

CALLS = frozenset({"open", "read_text", "read_bytes", "write_text", "write_bytes", "fdopen", "mkstemp", "copyfile"})
NOT_FILES = {
    "gaia_cli/running/playing/player.py": "a connection",
    "gaia_cli/images/context.py": "an archive in memory",
}


def opening(module: Module) -> Iterator[int]:
    """Yield the lines of `module` that open, read or write a file."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name) if name in CALLS:
                    yield node.lineno


def test_files_are_opened_behind_the_doors_only() -> None:
    elsewhere = {
        f"{module.path}:{line}"
        for module in under("gaia_cli", "analyzers")
        for line in opening(module)
        if module.path not in (*DOORS, *OWN, *NOT_FILES)
    }
    assert elsewhere == set()


def test_every_exception_is_one() -> None:
    opens = {module.path for module in modules() if any(opening(module))}
    assert set(OWN) | set(NOT_FILES) <= opens
