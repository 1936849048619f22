"""The names of a file that hold something in main memory, or outlive the function that fills them."""

import ast
from collections.abc import Sequence

from analyzers.facts.contexts.idioms import asked_for_kind, is_asked, is_handed_in, is_on_host
from analyzers.facts.contexts.model import CallContext
from analyzers.facts.contexts.phases import Called
from analyzers.facts.syntax import called_name
from analyzers.lean.records import replace
from analyzers.project.parsing import nodes_of

_OBJECTS = frozenset({"self", "cls"})


class Names:
    """The names at the top of a file, and those that its functions declare `global`."""

    def __init__(self, tree: ast.Module) -> None:
        self.globals: set[str] = set()
        self._tops = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

    def kept(self, target: ast.expr, function: Called | None, *, in_object: bool) -> str:
        """Return the name through which what is put into `target` outlives a call of `function`, empty otherwise.

        Without a function nothing does; with `in_object` attributes of `self` live as long as the object that serves.
        """
        match target:
            case ast.Name(id=name) if function is not None and name in self.globals:
                return name
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute) if in_object:
                return f"self.{attribute}"
            case ast.Subscript(value=ast.Name(id=name)) if function is not None:
                return name if name in self._tops - function.bound else ""
            case ast.Subscript(value=ast.Attribute() as container):
                return self.kept(container, function, in_object=in_object)
        return ""

    def chosen(self, value: ast.expr, function: Called, tests: Sequence[ast.expr]) -> bool:
        """Return whether a value was asked for, by one of the `tests` around it or by whoever calls `function`."""
        handed_in = not function.serves and is_handed_in(value, function.parameters | function.found_out)
        return handed_in or is_asked(value, tests)

    def bind(self, target: ast.AST, value: ast.expr, function: Called) -> None:
        """Remember the names that `function` binds, and which of them hold something in main memory."""
        found = [part for part in nodes_of(target) if isinstance(part, ast.Name)]
        names = {part.id for part in found}
        function.bound |= {part.id for part in found if isinstance(part.ctx, ast.Store)}
        zipped = value.args if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else []
        if any(self.is_on_host(part, function) for part in (value, *zipped)):
            function.host |= names
        if not function.serves and all(_is_given(part, function) for part in zipped or [value]):
            function.handed |= names
        if function.serves and self._is_asked_for(value, function):
            function.asked |= names

    def given(self, node: ast.Call, function: Called, context: CallContext) -> CallContext:
        """Return the context of the call `node` in `function` with what it is given.

        What it asks for its kind, as `isinstance(x, float)` does, may as well be in main memory, and is remembered.
        """
        kind = asked_for_kind(node)
        function.host |= {kind} if kind else set()
        by_name = function.serves and not isinstance(node.func, ast.Call)
        asked = by_name and any(self._is_asked_for(part, function) for part in node.args[:1])
        return replace(context, asked=frozenset({called_name(node)})) if asked else context

    def _is_asked_for(self, node: ast.expr, function: Called) -> bool:
        """Return whether `node` depends on what the request says."""
        said = function.asked | function.parameters - _OBJECTS
        return any(isinstance(part, ast.Name) and part.id in said for part in nodes_of(node))

    def is_on_host(self, node: ast.expr, function: Called) -> bool:
        """Return whether `node` is in main memory, or may be for all that its function shows: its caller has it."""
        return is_on_host(node, function.host) or (isinstance(node, ast.Name) and node.id in function.handed)


def _is_given(value: ast.expr, function: Called) -> bool:
    """Return whether a value is a part of what a function is given, and not what it makes of that."""
    makes = any(isinstance(part, ast.Call) for part in nodes_of(value))
    return not makes and is_handed_in(value, function.parameters)
