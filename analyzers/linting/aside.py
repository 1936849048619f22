"""Code of a project in which nobody would change what hinders a switch: by a file's path, or by a place in it.

Other people's code is kept as it came, and comes anew with its next release. What trains or measures is started
by hand, on a machine that was chosen for it: no worker runs it, so nothing there can be switched. A
platform that is asked for a GPU by a decorator gives one, so what is decorated cannot fail for want of it. A main block
that gives a network random numbers shows that it runs, and is no use to anybody else.
"""

import ast
from collections.abc import Iterator

from analyzers.facts.syntax import Function
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import words
from analyzers.project.parsing import nodes_of

_COPIED = words(
    "3rdparty 3rdparties thirdparty thirdparties vendor vendored vendors extern external externals submodules "
    "dependencies deps"
)
"""Folders of other people's code, without what joins or begins a name."""
_PACKAGES = words("basicsr bigvgan detectron2 espnet facexlib fairseq xpose")
"""Packages that others copy whole, likewise; at the top of a project, or of its sources, they are its own."""
_ROOTS = frozenset({"src", "python", "lib", "packages"})
_STEMS = ("train", "tun", "bench", "eval", "profil", "test")
_BY_HAND = Pattern(
    r"(^|[/_-])((pre)?train(ing|ers?)?|fine_?tun(e|ing)|bench(marks?|marking)?|eval(s|uate|uation)?|profil(er|ing))(?=[/_.-])|(^|/)tests?\.py$"
)
"""Words in paths for what is done once, before anything is served."""
_RANDOM = frozenset({"rand", "randn", "randint", "rand_like", "randn_like"})
Lines = tuple[int, int]


def is_copied(path: str) -> bool:
    """Return whether the file at `path` lies in a folder of other people's code."""
    folders = [part.lstrip("_").replace("-", "").replace("_", "") for part in path.lower().split("/")[:-1]]
    below = folders[2:] if folders[:1] and folders[0] in _ROOTS else folders[1:]
    return not (_COPIED.isdisjoint(folders) and _PACKAGES.isdisjoint(below))


def is_by_hand(path: str) -> bool:
    """Return whether the file at `path` is called after work that somebody starts by hand."""
    lower = path.lower()
    return any(stem in lower for stem in _STEMS) and _BY_HAND.search(lower) is not None


def harmless_lines(tree: ast.Module, main: Lines) -> tuple[Lines, ...]:
    """Return the first and the last lines of such places in `tree`, whose main block has the lines `main`."""
    tried = [main] if _draws(tree, main) else []
    return (*_declared(tree), *tried)


def _declared(tree: ast.Module) -> Iterator[Lines]:
    for node in nodes_of(tree):
        if isinstance(node, Function | ast.ClassDef) and any(map(_asks_for_gpu, node.decorator_list)):
            yield node.lineno, node.end_lineno or node.lineno


def _asks_for_gpu(decorator: ast.expr) -> bool:
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    return any(_wants(one.value) for one in given if "gpu" in (one.arg or "").lower()) or any(
        _holds_gpu(one.value) for one in given
    )


def _wants(value: ast.expr) -> bool:
    """Return whether a value is not one of those that mean none: None, 0, False, empty."""
    return not (isinstance(value, ast.Constant) and not value.value)


def _holds_gpu(value: ast.expr) -> bool:
    """Return whether a dict asks for GPUs in one of its entries, as BentoML's resources and Ray's options do."""
    parts = [part for part in nodes_of(value) if isinstance(part, ast.Dict)]
    entries = ((key, given) for part in parts for key, given in zip(part.keys, part.values, strict=True))
    return any(
        isinstance(key, ast.Constant) and "gpu" in str(key.value).lower() and _wants(given) for key, given in entries
    )


def _draws(tree: ast.Module, main: Lines) -> bool:
    first, last = main
    block = next((node for node in tree.body if node.lineno <= first and (node.end_lineno or 0) >= last > 0), None)
    parts = nodes_of(block) if block is not None else ()
    return any(isinstance(part, ast.Attribute) and part.attr in _RANDOM for part in parts)
