"""Every regular expression of the three packages is done with 64 KiB of its worst input at once."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from analyzers.rules.knowledge.device_words import TABLES
from analyzers.rules.knowledge.model_sizes import sizes
from analyzers.rules.work.heavy_pipeline import KINDS
from gaia_cli.engines.docker_api.errors import KNOWN
from gaia_cli.project.names import DOES, HAS
from gaia_cli.targets.failures import UNREACHABLE
from tests.architecture.sources import PACKAGES, Module, listed, modules
from tests.support.worst_inputs import worst_time

MOST_S = 0.05
"""Processor time; a quadratic expression takes seconds."""
METHODS = ("match", "fullmatch", "search", "sub", "findall", "finditer", "split")
_MAKERS = ("re.compile", "Pattern")

FROM_TABLES = {
    "analyzers/rules/knowledge/model_sizes.py": ("search", re.IGNORECASE, tuple(sizes()["FAMILIES"])),
    "analyzers/rules/placement/gpu_command.py": ("search", re.IGNORECASE, tuple(TABLES["COMMANDS"])),
    "analyzers/rules/work/heavy_pipeline.py": ("match", 0, tuple(pattern for _, _, pattern in KINDS)),
    "gaia_cli/engines/docker_api/errors.py": ("search", re.IGNORECASE, tuple(pattern for pattern, *_ in KNOWN)),
    "gaia_cli/project/names.py": ("search", 0, (*HAS, *DOES)),
    "gaia_cli/targets/failures.py": ("search", 0, tuple(pattern for pattern, *_ in UNREACHABLE)),
}
"""Where expressions come from a table: how each is asked, with which flags, and all of them."""

MAKERS_OF_KINDS = {
    "gaia_cli/project/kinds.py": ("text", "_list"),
    "gaia_cli/project/environment.py": ("text",),
    "gaia_cli/project/deployment/words.py": ("text",),
}
"""Functions whose first argument is an expression that a whole text must match."""

ONLY_HANDED_ON = {
    "gaia_cli/images/ignoring.py": "an ignore file's lines, translated; its own tests time the worst of them",
    "gaia_cli/linting/selection.py": "globs, translated by fnmatch; tests/security/test_bounds.py times the worst",
    "analyzers/lean/patterns.py": "what others give",
    "runtime_images/dynamic_runtime/worker/forms/cog_values.py": "the function's own, in the function's own process",
    "gaia_cli/project/kinds.py": "what `text` and `_list` are given",
}
"""Modules with calls whose expression comes from a parameter."""


@dataclass(frozen=True)
class Expression:
    """A regular expression, where it stands, and how it is asked."""

    place: str
    pattern: str | bytes
    flags: int
    method: str


ENDLESS = {
    "a name, blanks, and what is no requirement": (r"([\w.-]+)\s*(?:\[([^\]]*)\])?\s*(?:[<>=].*)?", "fullmatch"),
    "a key of YAML": (r"\s*-?\s*([\w-]+)\s*:\s*(.*)", "fullmatch"),
    "a header of TOML": (r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$", "match"),
    "an address, begun again and again": (r"https?://\S+/whl/\S+?(?=[\"'\s]|$)", "search"),
    "an option, in two ways": (r"(-[a-zA-Z]|--[a-z-]+)[ =]*(.*)", "fullmatch"),
    "a string of JSON without an end": (r'"([^"\\]*(?:\\.[^"\\]*)*)"|[{}\[\],]', "finditer"),
    "the head of a response": (r"HTTP/1\.1 [ -~]*\r\n(?:[a-z]+: *[^\x00\r\n]*\r\n)*", "fullmatch"),
    "repeats in repeats": (r"(a+)+b", "match"),
    "alternatives that overlap": (r"(a|a)*b", "search"),
}
"""Expressions that once stood in the packages, or are like them; none may slip through."""


@pytest.mark.timeout(600)  # half a minute of processor time, on a machine that may be busy
@pytest.mark.parametrize("package", PACKAGES)
def test_every_expression_is_quick_on_its_worst_input(package: str) -> None:
    slow = []
    for expression in expressions():
        if expression.place.startswith(package):
            spent, text = worst_time(expression.pattern, expression.flags, expression.method, MOST_S)
            if spent > MOST_S:
                slow.append(f"{expression.place}: {expression.method} takes {spent:.2f} s, for {text}")

    assert not slow, listed("make its repeats possessive (`*+`), or such that none takes what the next could", slow)


def test_every_expression_is_found() -> None:
    assert len(expressions()) > 300
    assert {one.place.partition("/")[0] for one in expressions()} == set(PACKAGES)


@pytest.mark.parametrize(("pattern", "method"), ENDLESS.values(), ids=ENDLESS)
def test_the_worst_inputs_show_that_an_expression_is_endless(pattern: str, method: str) -> None:
    assert worst_time(pattern, 0, method, MOST_S / 5)[0] > MOST_S / 5


@pytest.mark.parametrize("pattern", [r"[a-z]++\s*+:", r"(?:[^\"\\]++|\\.)*+\"", r"foo|bar\d"])
def test_an_expression_that_is_quick_stays_so(pattern: str) -> None:
    assert worst_time(pattern, 0, "match", MOST_S)[0] < MOST_S


@cache
def expressions() -> tuple[Expression, ...]:
    """Return every regular expression of the three packages, once for each way in which it is asked."""
    return tuple(dict.fromkeys(one for module in modules() for one in _of(module)))


def _of(module: Module) -> Iterator[Expression]:
    method, flags, patterns = FROM_TABLES.get(module.path, ("", 0, ()))
    yield from (Expression(module.path, pattern, flags, method) for pattern in patterns)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = ast.unparse(node.func)
        if called in MAKERS_OF_KINDS.get(module.path, ()):
            yield from _made(module, node, ("fullmatch",))
        elif called in _MAKERS:
            yield from _made(module, node, _methods(module, node))
        elif called.startswith("re.") and called[3:] in METHODS:
            yield from _made(module, node, (called[3:],))


def _made(module: Module, call: ast.Call, methods: tuple[str, ...]) -> Iterator[Expression]:
    """Yield what `call` makes of its first argument, evaluated among the names of its module."""
    names = vars(importlib.import_module(module.name))
    try:
        pattern = _value(call.args[0], names)
    except NameError:
        assert module.path in (*FROM_TABLES, *ONLY_HANDED_ON), f"say where {module.path}:{call.lineno} has its patterns"
        return
    given = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    flags = sum(_value(node, names) for node in given if ast.unparse(node).startswith("re."))
    for method in methods:
        yield Expression(f"{module.path}:{call.lineno}", pattern, flags, method)


def _value(node: ast.expr, names: dict[str, Any]) -> Any:  # noqa: ANN401 -- a pattern or its flags
    return eval(compile(ast.Expression(node), "<pattern>", "eval"), dict(names))  # noqa: S307 -- Gaia's own code


def _methods(module: Module, made: ast.Call) -> tuple[str, ...]:
    """Return how a pattern is asked: by its name in the module, and in every way where that cannot be told."""
    names = {ast.unparse(made)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and made in ast.walk(node.value):
            names |= {ast.unparse(target) for target in node.targets}
    asked = {
        node.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in METHODS
        and ast.unparse(node.value).partition("[")[0] in names
    }
    return tuple(sorted(asked)) or METHODS
