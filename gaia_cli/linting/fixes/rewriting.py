"""Rewriting code with its formatting kept: the one module that imports libcst.

libcst keeps every byte that is not touched. Should it not hand back a file as it was, the file is left alone; so is one
that the parser would not take afterwards. A device is guarded as the whole expression that names it, or not at all: a
choice binds weaker than any operator, so a guarded operand would be part of another expression than it was. In an
f-string nothing is written, for before Python 3.12 no quote of its own may stand in it.
"""

import ast
from collections.abc import Iterator

from analyzers.project.parsing import syntax_tree
from gaia_cli.errors import EngineError

try:
    import libcst as cst
    from libcst.metadata import (
        Assignment,
        GlobalScope,
        MetadataWrapper,
        ParentNodeProvider,
        PositionProvider,
        Scope,
        ScopeProvider,
    )
except ImportError:
    raise EngineError(
        "libcst, which rewrites the code, is not installed",
        "pip install 'gaia-faas[fix]', in a pre-commit hook with its own additional_dependencies add libcst to them, "
        "or lint without --fix",
    ) from None

Start = tuple[int, int]
_HOLDERS = (cst.Arg, cst.Assign, cst.AnnAssign, cst.Param, cst.DictElement, cst.NamedExpr)
"""What a device is the value of; a choice may stand there without parentheses."""


def guard(source: bytes, starts: frozenset[Start]) -> tuple[bytes, int]:
    """Return `source` with the device strings and `.cuda()` calls at `starts` guarded, and how many were."""
    try:
        module = cst.parse_module(source)
        if module.bytes != source:
            return source, 0
        transformer = _Guard(starts, module.code)
        changed = MetadataWrapper(module).visit(transformer)
        syntax_tree(changed.code)
    except (cst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError):
        return source, 0
    return changed.bytes, transformer.count


class _Guard(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider, ScopeProvider, ParentNodeProvider)

    def __init__(self, starts: frozenset[Start], code: str) -> None:
        super().__init__()
        self.starts = starts
        self.quote = "'" if code.count("'") > code.count('"') else '"'
        self.rebound = frozenset(_rebound(code))
        self.count = 0
        self.names: dict[int, tuple[str, ...]] = {}

    def leave_SimpleString(  # noqa: N802 -- the name is libcst's
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.BaseExpression:
        torch = self._guarding(original_node) if self._is_whole(original_node) else ""
        return _choice(updated_node, torch, updated_node.quote) if torch else updated_node

    def leave_BinaryOperation(  # noqa: N802 -- the name is libcst's
        self, original_node: cst.BinaryOperation, updated_node: cst.BinaryOperation
    ) -> cst.BaseExpression:
        is_text = isinstance(_first_operand(original_node), cst.SimpleString)
        torch = self._guarding(original_node) if is_text and self._is_whole(original_node) else ""
        return _choice(updated_node, torch, self.quote) if torch else updated_node

    def leave_Call(  # noqa: N802 -- the name is libcst's
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.BaseExpression:
        callee = updated_node.func
        if not isinstance(callee, cst.Attribute) or callee.attr.value != "cuda" or updated_node.args:
            return updated_node
        torch = self._guarding(original_node)
        if not torch:
            return updated_node
        choice = _choice(cst.SimpleString(f"{self.quote}cuda{self.quote}"), torch, self.quote)
        return updated_node.with_changes(func=callee.with_changes(attr=cst.Name("to")), args=[cst.Arg(choice)])

    def _is_whole(self, node: cst.CSTNode) -> bool:
        """Return whether `node` is all of an argument's, a variable's or a default's value, where a CPU may stand."""
        holder = self.get_metadata(ParentNodeProvider, node)
        if not isinstance(holder, cst.Arg):
            return isinstance(holder, _HOLDERS)
        call = self.get_metadata(ParentNodeProvider, holder)
        return not (isinstance(call, cst.Call) and _is_for_gpus(call))

    def _guarding(self, node: cst.CSTNode) -> str:
        """Return the name of PyTorch that guards `node`, and count it; empty where the node stays as it is."""
        is_wanted = self._start(node) in self.starts and not self._is_in_text(node)
        torch = self._torch(node) if is_wanted else ""
        self.count += bool(torch)
        return torch

    def _is_in_text(self, node: cst.CSTNode) -> bool:
        """Return whether `node` stands in an f-string, or in one of the strings with braces that came after them."""
        while not isinstance(node, cst.Module):
            node = self.get_metadata(ParentNodeProvider, node)
            if type(node).__name__.endswith("StringExpression"):
                return True
        return False

    def _start(self, node: cst.CSTNode) -> Start:
        start = self.get_metadata(PositionProvider, node).start
        return start.line, start.column

    def _torch(self, node: cst.CSTNode) -> str:
        """Return the name by which the code at `node` surely sees PyTorch, empty without one."""
        scope = self.get_metadata(ScopeProvider, node, None)
        if not isinstance(scope, Scope):
            return ""
        if id(scope) not in self.names:
            self.names[id(scope)] = tuple(sorted(set(_names(scope))))
        return next((name for name in self.names[id(scope)] if self._is_torch(name, scope, node)), "")

    def _is_torch(self, name: str, scope: Scope, node: cst.CSTNode) -> bool:
        """Return whether only imports of PyTorch bind `name`, and one of them has certainly run before `node`."""
        imports = [assignment.node for assignment in scope[name] if isinstance(assignment, Assignment)]
        if name in self.rebound or not imports or len(imports) != len(scope[name]):
            return False
        return all(_binds_torch(statement, name) for statement in imports) and any(
            self._start(statement) < self._start(node) and self._is_certain(statement, scope) for statement in imports
        )

    def _is_certain(self, statement: cst.CSTNode, scope: Scope) -> bool:
        """Return whether an import stands directly in the module, or directly in the function that `scope` is."""
        line = self.get_metadata(ParentNodeProvider, statement)
        block = self.get_metadata(ParentNodeProvider, line)
        if isinstance(block, cst.Module):
            return True
        return (
            isinstance(block, cst.IndentedBlock)
            and self.get_metadata(ScopeProvider, statement, None) is scope
            and isinstance(self.get_metadata(ParentNodeProvider, block), cst.FunctionDef)
        )


def _first_operand(node: cst.BaseExpression) -> cst.BaseExpression:
    while isinstance(node, cst.BinaryOperation):
        node = node.left
    return node


def _is_for_gpus(call: cst.Call) -> bool:
    """Return whether a call takes no CPU for its device: `x.cuda(device)`, or with an index `device("cuda", 1)`."""
    name = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    return name == "cuda" or (name == "device" and len(call.args) > 1)


def _rebound(code: str) -> Iterator[str]:
    """Yield the names that are bound in patterns and by `:=`, of which libcst keeps no count, and those deleted."""
    for node in ast.walk(syntax_tree(code)):
        match node:
            case (
                ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
                | ast.NamedExpr(target=ast.Name(id=name))
                | ast.Name(id=name, ctx=ast.Del())
            ):
                yield name


def _names(scope: Scope) -> Iterator[str]:
    """Yield the names that are bound to imports in `scope` and around it."""
    while True:
        for assignment in scope.assignments:
            if isinstance(assignment, Assignment) and isinstance(assignment.node, cst.Import):
                yield assignment.name.partition(".")[0]
        if isinstance(scope, GlobalScope):
            return
        scope = scope.parent


def _binds_torch(node: cst.CSTNode, name: str) -> bool:
    """Return whether an import binds `name` to PyTorch: `import torch`, `import torch.nn`, `import torch as name`."""
    if not isinstance(node, cst.Import):
        return False
    for alias in node.names:
        if alias.asname is not None:
            if isinstance(alias.asname.name, cst.Name) and alias.asname.name.value == name:
                return alias.evaluated_name == "torch"
        elif alias.evaluated_name.partition(".")[0] == name:
            return name == "torch"
    return False


def _choice(device: cst.BaseExpression, torch: str, quote: str) -> cst.IfExp:
    available = cst.Call(cst.Attribute(cst.Attribute(cst.Name(torch), cst.Name("cuda")), cst.Name("is_available")))
    return cst.IfExp(test=available, body=device, orelse=cst.SimpleString(f"{quote}cpu{quote}"))
