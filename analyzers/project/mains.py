"""Which tests hold only where a file runs as a program: `if __name__ == "__main__":` in all its spellings."""

import ast


def is_main_test(test: ast.expr, *, inverted: bool = False) -> bool:
    """Return whether `test` holds only where the file runs as a program: `__name__ == "__main__"`.

    With `inverted`: whether it holds everywhere else.
    """
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return is_main_test(inner, inverted=not inverted)
        case ast.BoolOp(op=ast.And() | ast.Or() as op, values=parts) if isinstance(op, ast.Or) == inverted:
            return any(is_main_test(part, inverted=inverted) for part in parts)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if isinstance(op, ast.In | ast.NotIn):
                own = isinstance(right, ast.Tuple | ast.List | ast.Set) and all(map(_is_main, right.elts))
                return _is_own_name(left) and own and isinstance(op, ast.NotIn) == inverted
            named = (_is_own_name(left) and _is_main(right)) or (_is_main(left) and _is_own_name(right))
            return named and isinstance(op, ast.NotEq | ast.IsNot if inverted else ast.Eq | ast.Is)
    return False


def _is_own_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__name__"


def _is_main(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "__main__"
