"""What a newer Python runs: from code to its tree, as JSON, in nodes that older Pythons know.

Started as a program, isolated, by a Python that has nothing of Gaia's: so it imports the standard library only. The
code comes on standard input, as a string of JSON. Nodes stand in one list, each behind those that it holds, so that
nobody needs depth to read them. What is for type checkers only is dropped: type parameters; a `type` statement becomes
an assignment, a template string an f-string.

    {"nodes": [[kind, position, {field: value}], ...]}
    {"error": [message, line, column]}                         of what is no Python

A position is line, column, end line and end column, or nothing. A value is null, a text, or a list with its kind before
it: ["node", index], ["list", values...], ["int", hexadecimal], ["bytes", hexadecimal], ["constant", its name], ...
"""

import ast
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS = {"TypeAlias": "Assign", "TemplateStr": "JoinedStr", "Interpolation": "FormattedValue"}
_DROPPED = {"type_params", "is_lazy"}
_OUT = 1
"""Standard output, which is a pipe to the process that has started this one."""
_POSITION = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_NAMED = {"True": True, "False": False, "Ellipsis": ...}


def _value(value: object, places: "dict[int, int]") -> object:
    if isinstance(value, ast.AST):
        return ["node", places[id(value)]]
    if isinstance(value, list):
        return ["list", *(_value(one, places) for one in value)]
    if value is None or isinstance(value, str):
        return value
    for name, constant in _NAMED.items():
        if value is constant:
            return ["constant", name]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, int):
        return ["int", hex(value)]
    if isinstance(value, complex):
        return ["complex", value.real.hex(), value.imag.hex()]
    assert isinstance(value, float)
    return ["float", value.hex()]


def _fields(node: ast.AST) -> "dict[str, object]":
    """Return the fields of a node as an older Python has them."""
    fields = {name: getattr(node, name, None) for name in node._fields if name not in _DROPPED}
    kind = type(node).__name__
    if kind == "TypeAlias":
        return {"targets": [fields["name"]], "value": fields["value"], "type_comment": None}
    if kind == "Interpolation":
        del fields["str"]
    return fields


def _in_order(tree: ast.AST) -> "list[ast.AST]":
    """Return the nodes of a tree, each behind those that it holds."""
    ordered, pending = [], [tree]
    while pending:
        node = pending.pop()
        ordered.append(node)
        for value in _fields(node).values():
            held = value if isinstance(value, list) else [value]
            pending += [one for one in held if isinstance(one, ast.AST)]
    return ordered[::-1]


def _position(node: ast.AST) -> "list[Any] | None":
    return [getattr(node, name) for name in _POSITION] if hasattr(node, _POSITION[0]) else None


def _written(tree: ast.AST) -> "dict[str, object]":
    nodes: list[list[Any]] = []
    places: dict[int, int] = {}
    for node in _in_order(tree):
        if id(node) in places:
            continue  # one object stands for each `Load` of a file
        kind = type(node).__name__
        fields = {name: _value(value, places) for name, value in _fields(node).items()}
        places[id(node)] = len(nodes)
        nodes.append([_KINDS.get(kind, kind), _position(node), fields])
    return {"nodes": nodes}


def _limit(seconds: int, size: int) -> None:
    """Let the kernel end this process where it takes more."""
    import resource  # which not every system has

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _main() -> int:
    seconds, size = int(sys.argv[1]), int(sys.argv[2])
    text = json.load(sys.stdin)
    _limit(seconds, size)
    try:
        found = _written(ast.parse(text, ""))
    except SyntaxError as error:
        found = {"error": [error.msg, error.lineno, error.offset]}
    left = memoryview(json.dumps(found).encode())
    while left:
        left = left[os.write(_OUT, left) :]
    return 0


if __name__ == "__main__":
    sys.exit(_main())
