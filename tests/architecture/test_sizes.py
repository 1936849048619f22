"""Folders with few modules, and modules with few lines."""

from collections import Counter

from analyzers.lean.registry import ROWS
from tests.architecture.sources import Module, importers, listed, modules

MODULES_MOST = 15
LINES_MOST = 300
LINES_LEAST = 40

ONE_FILE_EACH = {
    "analyzers/formats": "an output format is a file",
    "analyzers/rules": "a rule is a file, whatever its length",
    "gaia_cli/verbs": "a kind of verbs is a file",
    "gaia_cli/commands": "a command is a file, so that none pays for another's imports",
}
"""Folders whose modules stand alone though they are short, and why."""

ENTRIES = (
    "analyzers/facts/stubs/",  # read by astroid, in place of the libraries
    "gaia_cli/__main__.py",
    "gaia_cli/project/templates/",  # copied by `gaia init`
    "runtime_images/controller/__main__.py",
    "runtime_images/dynamic_runtime/__main__.py",
    "runtime_images/dynamic_runtime/worker/boot.py",  # started by the path of its file
    "runtime_images/dynamic_runtime/worker/forking/zygote.py",  # started by the path of its file
    "runtime_images/dynamic_runtime/worker/forms/framework_target.py",  # loaded by functions-framework, by its path
)
"""What is used without being imported; rules are, by the registry that is made of them."""


def stands_alone(module: Module) -> bool:
    return module.folder.startswith(tuple(ONE_FILE_EACH)) or len(importers()[module.name]) != 1


def test_a_folder_has_few_modules() -> None:
    counts = Counter(module.folder for module in modules() if not module.is_init)
    crowded = [f"{folder}: {n} modules" for folder, n in counts.items() if n > MODULES_MOST]

    assert not crowded, listed(f"make rooms: a folder holds at most {MODULES_MOST} modules", crowded)


def test_a_module_is_not_long() -> None:
    long = [f"{m.path}: {m.lines} lines" for m in modules() if m.lines > LINES_MOST]

    assert not long, listed(f"cut it where its ideas part: a module has at most {LINES_MOST} lines", long)


def test_a_short_module_has_more_than_one_importer() -> None:
    short = [
        f"{module.path}: {module.lines} lines, imported by {', '.join(importers()[module.name])}"
        for module in modules()
        if module.lines < LINES_LEAST and not module.is_init and not stands_alone(module)
    ]

    assert not short, listed(f"join it to its importer: it has fewer than {LINES_LEAST} lines", short)


def test_every_module_is_used() -> None:
    rules = {f"analyzers/rules/{row[0].replace('.', '/')}.py" for row in ROWS.values()}
    unused = [
        module.path
        for module in modules()
        if not module.is_init
        and not importers()[module.name]
        and not module.path.startswith(ENTRIES)
        and module.path not in rules
    ]

    assert not unused, listed("delete it, or name it among the entries: no module imports it", unused)
