"""What an attempt comes to where there is no GPU: `try: net.cuda()` with an answer to the failure is a choice.

    try:                         an attempt: without a GPU the other branch serves
        net = net.to("cuda")
    except RuntimeError:
        net = net.to("cpu")

    try:                         none: without a GPU every request fails, if politely
        return net.cuda()(x)
    except Exception as error:
        return {"error": str(error)}

Read from the shape of the code alone: which errors a handler takes, and whether it leaves behind what the attempt would
have made. Nothing is evaluated.
"""

import ast
from collections.abc import Iterator, Sequence

from analyzers.facts.gpu_only import is_gpu_only
from analyzers.facts.syntax import word_of
from analyzers.facts.vocabulary import GPU_ONLY_MODULES
from analyzers.project.names import dotted
from analyzers.project.parsing import nodes_of

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "OSError"})
_GPU_ERRORS = frozenset(
    {"RuntimeError", "AssertionError", "Exception", "BaseException", "OSError", "ValueError", "NotImplementedError"}
)
"""What is raised where there is no GPU, by the frameworks' initialization and by their placements."""
_EXITS = ("sys.exit", "exit", "quit", "os._exit")
_PROGRAM_ERRORS = frozenset(
    {"FileNotFoundError", "CalledProcessError", "SubprocessError", "OSError", "Exception", "BaseException"}
)
"""What a program raises that is there only where a GPU is."""
_MISSING = frozenset({"AttributeError"})
"""What is raised where a library was built without its functions for GPUs."""
_GPU = ("cuda", "gpu", "flash_att", "bitsandbytes", "tensorrt")
_GPU_PROGRAM = "nvidia"
_NONE = frozenset[int]()
_REPORTS = (ast.Dict, ast.JoinedStr, ast.Tuple, ast.List)
"""What a handler returns to tell of an error."""


def attempted(node: "ast.Try | ast.TryStar", *, is_last: bool) -> tuple[frozenset[int], frozenset[int]]:
    """Return the identities of the statements of a `try` that may fail without a GPU, where something else then serves.

    Those behind the first of them count, too: they are reached only where it has not failed. The second are those of
    the handlers that run then. `is_last` says that no code follows in the block around.
    """
    raised = {id(statement): errors for statement in node.body if (errors := _errors_of(statement))}
    if not raised:
        return _NONE, _NONE
    first = next(place for place, statement in enumerate(node.body) if id(statement) in raised)
    ends_here = is_last and any(isinstance(part, ast.Return) for one in node.body for part in nodes_of(one))
    made = _made(node.body)
    serving = [one for one in node.handlers if _serves(one, made, ends_here=ends_here)]
    tried = {key: errors for key, errors in raised.items() if any(_catches(one, errors) for one in serving)}
    all_errors = frozenset[str]().union(*tried.values())
    reached = [id(one) for one in node.body[first + 1 :]] if tried else []
    return frozenset((*tried, *reached)), frozenset(
        id(one) for one in node.handlers if tried and _catches(one, all_errors)
    )


def _errors_of(node: ast.stmt) -> frozenset[str]:
    """Return what a statement may raise where there is no GPU."""
    if _imports_gpu_library(node):
        return _IMPORT_ERRORS
    if any(isinstance(part, ast.Constant) and _GPU_PROGRAM in str(part.value) for part in nodes_of(node)):
        return _PROGRAM_ERRORS
    return _GPU_ERRORS | _MISSING if _speaks_of_gpus(node) else frozenset()


def is_suppressed(node: "ast.With | ast.AsyncWith") -> bool:
    """Return whether a block goes on without its body where there is no GPU: `with suppress(RuntimeError):`."""
    for item in node.items:
        match item.context_expr:
            case ast.Call(func=function, args=errors) if dotted(function).rpartition(".")[2] == "suppress":
                if any(dotted(error).rpartition(".")[2] in _GPU_ERRORS | _IMPORT_ERRORS for error in errors):
                    is_import = all(isinstance(one, ast.Import | ast.ImportFrom) for one in node.body)
                    return is_import or not _made(node.body)
    return False


def _catches(handler: ast.ExceptHandler, errors: frozenset[str]) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(part is None or dotted(part).rpartition(".")[2] in errors for part in caught)


def _imports_gpu_library(node: ast.stmt) -> bool:
    match node:
        case ast.Import(names=names):
            return any(_is_for_gpus(alias.name) for alias in names)
        case ast.ImportFrom(module=str(module)):
            return _is_for_gpus(f"{module}.{node.names[0].name}")
        case _:
            return False


def _is_for_gpus(module: str) -> bool:
    return module.startswith(GPU_ONLY_MODULES) or is_gpu_only(module)


def _speaks_of_gpus(node: ast.AST) -> bool:
    for part in nodes_of(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "to":
            return True
        name = _word(part).lower()
        if any(word in name for word in _GPU):
            return True
    return False


def _word(node: ast.AST) -> str:
    """Return the word that a node is, also the name of an argument."""
    return word_of(node) or (node.arg or "" if isinstance(node, ast.keyword) else "")


def _serves(handler: ast.ExceptHandler, made: frozenset[str], *, ends_here: bool) -> bool:
    """Return whether a handler puts something in the place of what has failed: all names that would have been `made`.

    `ends_here` says that the attempt would have returned something, and that nothing comes after it.
    """
    last = handler.body[-1]
    if isinstance(last, ast.Raise) or exits(last):
        return False
    if any("cpu" in _word(part).lower().split("_") for one in handler.body for part in nodes_of(one)):
        return True
    if isinstance(last, ast.Return):
        return _is_answer(last.value, handler.name)
    return not ends_here and made <= {name for name, _ in _bound(handler.body)}


def exits(node: ast.stmt) -> bool:
    """Return whether a statement ends the program."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and dotted(node.value.func) in _EXITS


def _is_answer(value: ast.expr | None, error: str | None) -> bool:
    """Return whether a handler's answer is one of the function's, and does not tell of the error."""
    match value:
        case None | ast.Constant(value=None):
            return False
        case ast.Constant(value=bool()):
            return True
        case ast.Constant():
            return False
    names = {part.id for part in nodes_of(value) if isinstance(part, ast.Name)}
    return not isinstance(value, _REPORTS) and error not in names


def _made(body: Sequence[ast.stmt]) -> frozenset[str]:
    """Return the names that `body` binds to something new: not those of which it only changes what they held.

    Where its last statement does that, what it took for it is none of them. Where an import goes with a flag,
    `import cupy; HAS_CUPY = True`, the flag stands for both.
    """
    bound = list(_bound(body))
    changed = {name for name, value in bound if name in _read(value)}
    made = {name for name, _ in bound} - changed
    if changed & {name for name, _ in _bound(body[-1:])}:
        made -= _read(body[-1])
    flags = {name for name, value in bound if isinstance(value, ast.Constant) and isinstance(value.value, bool)}
    imported = {name for name, value in bound if isinstance(value, ast.Import | ast.ImportFrom)}
    return frozenset(made - imported if flags else made)


def _read(node: ast.AST) -> set[str]:
    """Return the dotted names in a piece of code."""
    return {name for part in nodes_of(node) if isinstance(part, ast.expr) and (name := dotted(part))}


def _bound(statements: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that statements bind, each with what it is bound to."""
    for statement in statements:
        for node in nodes_of(statement):
            match node:
                case ast.Assign(targets=targets, value=value):
                    yield from ((name, value) for target in targets if (name := dotted(target)))
                case (
                    ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value)
                ):
                    yield dotted(target), value
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    yield from ((alias.asname or alias.name.partition(".")[0], node) for alias in names)
