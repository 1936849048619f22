"""Reading a file's scopes: one walk over its tree, in which nothing is evaluated.

A value may depend on bindings that come later in the file (`self.device` is used in one method and set in another), so
the walk notes what is bound where, under which conditions, and the evaluation (values/evaluator.py) comes after it.
"""

import ast
from collections.abc import Sequence
from itertools import zip_longest

from analyzers.facts.scopes.fallbacks import attempted, exits, is_suppressed
from analyzers.facts.scopes.model import MOST_MEANINGS, Binding, Conditions, Kind, ModuleScopes, Scope, Site, under
from analyzers.facts.syntax import Function, arguments_of
from analyzers.project.mains import is_main_test
from analyzers.project.model import Source
from analyzers.project.names import LONGEST_NAME, absolute_module, dotted
from analyzers.project.parsing import nodes_of

_LEAVES = (ast.Name, ast.Constant)


def read_scopes(source: Source, *, skip_main: bool) -> ModuleScopes:
    """Walk `source`, with `skip_main` past the block under `if __name__ == "__main__"`, which serving never runs."""
    walker = _Walker(source, skip_main=skip_main)
    walker.block(source.tree.body, walker.found.top, ())
    return walker.found


class _Walker:
    def __init__(self, source: Source, *, skip_main: bool) -> None:
        self.source = source
        self.skip_main = skip_main
        self.found = ModuleScopes(Scope(source.module, None), source)

    def block(self, body: Sequence[ast.stmt], scope: Scope, conditions: Conditions) -> None:
        for statement in body:
            if isinstance(statement, ast.Try | ast.TryStar):
                self.attempt(statement, scope, conditions, is_last=statement is body[-1])
            else:
                self.statement(statement, scope, conditions)
            if isinstance(statement, ast.If) and not statement.orelse and _leaves(statement.body):
                conditions = under(conditions, statement.test, False, scope)

    def statement(self, node: ast.stmt, scope: Scope, conditions: Conditions) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.bind_imports(node, scope, conditions)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.function(node, scope, conditions)
            case ast.ClassDef():
                self.class_(node, scope, conditions)
            case ast.If():
                self.branch(node, scope, conditions)
            case ast.Match():
                self.cases(node, scope, conditions)
            case ast.With() | ast.AsyncWith() if is_suppressed(node):
                self.simple(node, scope, conditions)
                self.children(node, scope, under(conditions, None, True, scope))
            case _:
                self.simple(node, scope, conditions)
                self.children(node, scope, conditions)

    def simple(self, node: ast.stmt, scope: Scope, conditions: Conditions) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self.assign(target, value, scope, conditions)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, value, scope, conditions)
            case ast.AugAssign(target=target, op=op, value=value):
                total = ast.copy_location(ast.BinOp(left=target, op=op, right=value), node)
                self.assign(target, total, scope, conditions)
            case ast.For(target=target) | ast.AsyncFor(target=target):
                self.opaque(target, scope, conditions, source=node.iter)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, item.context_expr, scope, conditions)
            case ast.Return(value=value) if value is not None:
                scope.returns.append((value, conditions))
            case ast.Assert(test=test):
                self.found.exits.append((node, under(conditions, test, False, scope)))
            case ast.Expr(value=ast.BoolOp(op=op, values=[test, last])) if exits(ast.Expr(last)):
                self.found.exits.append((node, under(conditions, test, isinstance(op, ast.And), scope)))
            case _ if isinstance(node, ast.Raise) or exits(node):
                self.found.exits.append((node, conditions))

    def children(self, node: ast.AST, scope: Scope, conditions: Conditions) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.expr):
                self.expression(value, scope, conditions)
            elif not isinstance(value, list):
                continue
            elif name in ("body", "orelse", "finalbody"):
                self.block(value, scope, conditions)
            else:
                for item in value:
                    if isinstance(item, ast.expr):
                        self.expression(item, scope, conditions)
                    elif isinstance(item, ast.AST):
                        self.children(item, scope, conditions)

    def branch(self, node: ast.If, scope: Scope, conditions: Conditions) -> None:
        while True:  # a loop: hundreds of elif are no recursion
            self.expression(node.test, scope, conditions)
            if not (self.skip_main and is_main_test(node.test)):
                self.block(node.body, scope, under(conditions, node.test, True, scope))
            if self.skip_main and is_main_test(node.test, inverted=True):
                return
            conditions = under(conditions, node.test, False, scope)
            if not (len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)):
                break
            node = node.orelse[0]
        self.block(node.orelse, scope, conditions)

    def cases(self, node: ast.Match, scope: Scope, conditions: Conditions) -> None:
        """Read the cases of a `match` as the branches of tests for the texts and numbers that they compare with."""
        self.expression(node.subject, scope, conditions)
        for case in node.cases:
            self.children(case.pattern, scope, conditions)
            test = _matched(node.subject, case)
            self.block(case.body, scope, conditions if test is None else under(conditions, test, True, scope))
            if test is not None and case.guard is None:
                conditions = under(conditions, test, False, scope)

    def attempt(self, node: ast.Try | ast.TryStar, scope: Scope, conditions: Conditions, *, is_last: bool) -> None:
        tried, answering = attempted(node, is_last=is_last)
        for statement in node.body:
            where = under(conditions, None, True, scope) if id(statement) in tried else conditions
            self.block([statement], scope, where)
        is_answer = any(condition.test is None and not condition.outcome for condition in conditions)
        for handler in node.handlers:
            failed = id(handler) in answering
            known = len(self.found.exits)
            self.block(handler.body, scope, under(conditions, None, False, scope) if failed else conditions)
            if is_answer and not failed:
                del self.found.exits[known:]  # the answer to a missing GPU has failed itself: that refuses nothing
        self.block(node.orelse, scope, conditions)
        self.block(node.finalbody, scope, conditions)

    def bind_imports(self, node: ast.Import | ast.ImportFrom, scope: Scope, conditions: Conditions) -> None:
        module = absolute_module(self.source, node) if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            if alias.name == "*" and len(scope.stars) < MOST_MEANINGS:
                scope.stars.append(module)
            qualified = f"{module}.{alias.name}" if module else alias.name
            if len(qualified) > LONGEST_NAME:
                continue
            shown = alias.asname or (alias.name if module else alias.name.partition(".")[0])
            target = qualified if module or alias.asname else shown
            scope.bind(shown, Binding(Kind.IMPORT, scope, conditions, target=target))
            self.found.imports.append((qualified, node, scope, conditions))

    def function(self, node: Function, scope: Scope, conditions: Conditions) -> None:
        inner = Scope(f"{scope.name}.{node.name}", scope, is_decorated=bool(node.decorator_list))
        scope.bind(node.name, Binding(Kind.FUNCTION, inner, conditions))
        self.decorators(node, scope, conditions)
        is_method = scope.is_class and not any(dotted(decorator) == "staticmethod" for decorator in node.decorator_list)
        self.parameters(node.args, scope, inner, is_method=is_method)
        self.block(node.body, inner, conditions)

    def parameters(self, arguments: ast.arguments, outer: Scope, inner: Scope, *, is_method: bool) -> None:
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [*zip_longest(reversed(positional), reversed(arguments.defaults))][::-1]  # the last have defaults
        if is_method and pairs:
            inner.bind(pairs.pop(0)[0].arg, Binding(Kind.SELF, outer))
        for parameter, default in (*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)):
            inner.parameters.append(parameter.arg)
            inner.bind(parameter.arg, Binding(Kind.PARAMETER, outer, (), default, parameter.arg, inner))
            if default is not None:
                self.expression(default, outer, ())
                self.found.named.append((parameter.arg, default, outer, ()))
        for star in filter(None, (arguments.vararg, arguments.kwarg)):
            inner.bind(star.arg, Binding(Kind.OPAQUE, outer))

    def class_(self, node: ast.ClassDef, scope: Scope, conditions: Conditions) -> None:
        inner = Scope(f"{scope.name}.{node.name}", scope, is_class=True)
        scope.bind(node.name, Binding(Kind.CLASS, inner, conditions))
        self.decorators(node, scope, conditions)
        for expression in (*node.bases, *(keyword.value for keyword in node.keywords)):
            self.expression(expression, scope, conditions)
        self.block(node.body, inner, conditions)

    def decorators(self, node: Function | ast.ClassDef, scope: Scope, conditions: Conditions) -> None:
        for decorator in node.decorator_list:
            self.found.sites.append(Site(decorator, scope, conditions, is_decorator=True))
            if isinstance(decorator, ast.Call):
                for child in (decorator.func, *arguments_of(decorator)):
                    self.expression(child, scope, conditions)

    def assign(self, target: ast.expr, value: ast.expr, scope: Scope, conditions: Conditions) -> None:
        binding = Binding(Kind.VALUE, scope, conditions, value)
        match target:
            case ast.Name(id=name):
                scope.bind(name, binding)
                self.found.named.append((name, value, scope, conditions))
            case ast.Attribute(value=owner, attr=name):
                if isinstance(owner, ast.Name):
                    holder = scope.enclosing_class()
                    own = scope.bindings.get(owner.id, [])
                    if holder is not None and any(known.kind is Kind.SELF for known in own):
                        holder.bind(name, binding)
                    elif "device" in name:  # `args.device = ...`, of an object made elsewhere
                        scope.bind(f"{owner.id}.{name}", binding)
                self.found.named.append((name, value, scope, conditions))
            case ast.Subscript(value=holder, slice=ast.Constant(value=str(key))) if _is_environment(holder):
                self.found.named.append((key, value, scope, conditions))
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
                if len(values) == len(elements):
                    for element, part in zip(elements, values, strict=True):
                        self.assign(element, part, scope, conditions)
                else:
                    self.opaque(target, scope, conditions, source=value)

    def opaque(self, target: ast.expr, scope: Scope, conditions: Conditions, *, source: ast.expr) -> None:
        """Bind the names in `target` to something unknown that stems from `source`."""
        for node in nodes_of(target):
            if isinstance(node, ast.Name):
                scope.bind(node.id, Binding(Kind.OPAQUE, scope, conditions, source))

    def expression(self, node: ast.expr, scope: Scope, conditions: Conditions) -> None:
        """Note what is in `node`; names, constants and attributes are most of all expressions, so they come first."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if isinstance(node, _LEAVES):
            return
        if isinstance(node, ast.Call):
            self.found.sites.append(Site(node, scope, conditions))
            self.environment(node, scope, conditions)
            self.expression(node.func, scope, conditions)
            for argument in node.args:
                self.expression(argument, scope, conditions)
            for keyword in node.keywords:
                self.expression(keyword.value, scope, conditions)
        else:
            self.compound(node, scope, conditions)

    def environment(self, node: ast.Call, scope: Scope, conditions: Conditions) -> None:
        """Note the variables that `os.environ.setdefault("NAME", value)`, `update(NAME=value)` and `putenv` set."""
        match node:
            case ast.Call(func=ast.Attribute(value=holder, attr=method), args=[ast.Constant(value=str(name)), value]):
                if method == "putenv" or (method == "setdefault" and _is_environment(holder)):
                    self.found.named.append((name, value, scope, conditions))
            case ast.Call(func=ast.Attribute(value=holder, attr="update"), keywords=keywords):
                if _is_environment(holder):
                    self.found.named += [(one.arg, one.value, scope, conditions) for one in keywords if one.arg]

    def compound(self, node: ast.expr, scope: Scope, conditions: Conditions) -> None:
        match node:
            case ast.IfExp():
                self.expression(node.test, scope, conditions)
                self.expression(node.body, scope, under(conditions, node.test, True, scope))
                self.expression(node.orelse, scope, under(conditions, node.test, False, scope))
                return
            case ast.Lambda():
                inner = Scope(f"{scope.name}.<lambda>", scope)
                self.parameters(node.args, scope, inner, is_method=False)
                self.expression(node.body, inner, conditions)
                return
            case ast.NamedExpr(target=ast.Name() as target, value=value):
                self.assign(target, value, scope, conditions)
            case ast.BinOp(op=ast.MatMult()) | ast.Subscript(value=ast.Attribute(attr="environ")):
                self.found.sites.append(Site(node, scope, conditions))
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        self.found.named.append((key.value, value, scope, conditions))
        for name in node._fields:
            value = getattr(node, name)
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, ast.expr):
                    self.expression(child, scope, conditions)
                elif isinstance(child, ast.comprehension):
                    self.opaque(child.target, scope, conditions, source=child.iter)
                    for part in (child.iter, *child.ifs):
                        self.expression(part, scope, conditions)


def _matched(subject: ast.expr, case: ast.match_case) -> ast.expr | None:
    """Return a case as a test, None where it is a pattern that compares with no constants."""
    patterns = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
    values = [pattern.value for pattern in patterns if isinstance(pattern, ast.MatchValue)]
    if len(values) < len(patterns):
        return case.guard
    words = ast.copy_location(ast.Tuple(elts=values, ctx=ast.Load()), subject)
    op, right = (ast.Eq(), values[0]) if len(values) == 1 else (ast.In(), words)
    return ast.copy_location(ast.Compare(left=subject, ops=[op], comparators=[right]), subject)


def _is_environment(node: ast.expr) -> bool:
    return dotted(node).rpartition(".")[2] == "environ"


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Return whether control never runs past the end of `body`."""
    return isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break) or exits(body[-1])
