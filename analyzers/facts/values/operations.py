"""What operators, methods and well-known calls make of values: pure functions, which know no scopes."""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from analyzers.facts import vocabulary
from analyzers.facts.model import (
    Array,
    Items,
    Known,
    Made,
    OneOf,
    Origin,
    Scalar,
    Symbol,
    Table,
    Unknown,
    Value,
    from_caller,
    options,
    texts,
)

MAX_OPTIONS = 16
_LARGEST = 1 << 62
_LONGEST = 4096
MOST_PARTS = 512
"""How much may be in a list, a dict or an array at any depth: a part may stand in it twice, and that in another one."""
_MOST_DIMENSIONS = 16

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
UNKNOWN = Unknown()
CALLER = Unknown(Origin.CALLER)
_CONVERSIONS: Mapping[str, Callable[..., Scalar]] = {"int": int, "float": float, "str": str, "bool": bool}
ENVIRONMENT = frozenset({"os.environ.get", "os.getenv", "decouple.config"})
_JSON = frozenset({"json.loads", "json.load"})
_PATHS = frozenset({"os.path.join", "pathlib.Path"})
_TEXTS: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower, "casefold": str.casefold, "upper": str.upper, "strip": str.strip,
}  # fmt: skip
TAKE_ARGUMENTS = frozenset({"get", "startswith"})
"""Methods that are understood and whose arguments decide what they return."""
_AGGREGATES = frozenset({"min", "max", "abs", "round", "sum", "len", "range", "list", "tuple", "next", "iter"})
_UNDERSTOOD = (
    vocabulary.DEVICE_CALLS | vocabulary.DECLARED_DEFAULTS | ENVIRONMENT | _JSON | _PATHS | _CONVERSIONS.keys()
    | _AGGREGATES
)  # fmt: skip
"""The calls, beside allocations, whose arguments decide what they return."""


def one_of(values: Iterable[Value], *, guarded: bool = False, usual: Sequence[Value] = ()) -> Value:
    """Return the value that is one of `values`, flat and without repetition; `usual` are those by default."""
    flat = list(values)
    several = [value for value in flat if isinstance(value, OneOf)]
    if not usual and any(value.usual for value in several):
        usual = flat
    unique = _unique(flat)
    if len(unique) == 1:
        return unique[0]
    return OneOf(unique, guarded or any(value.guarded for value in several), _unique(map(_by_default, usual)))


def _by_default(value: Value) -> Value:
    return OneOf(value.usual) if isinstance(value, OneOf) and value.usual else value


def _unique(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(option for value in values for option in options(value)))[:MAX_OPTIONS]


def known(value: Scalar) -> Value:
    """Return the constant `value`; numbers beyond any size of a machine's memory say nothing."""
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        return UNKNOWN
    return Known(value)


def bounded(value: Value) -> Value:
    """Return `value` unless there is more in it than anybody looks at."""
    pending, parts = [value], 0
    while pending:
        match pending.pop():
            case Items(values=inside) | Array(shape=inside) | OneOf(options=inside):
                pending += inside[:MOST_PARTS]
            case Table(entries=entries):
                pending += [one for _, one in entries[:MOST_PARTS]]
            case _:
                continue
        parts += 1
        if parts + len(pending) > MOST_PARTS:
            return UNKNOWN
    return value


def each(value: Value, function: Callable[[Value], Value]) -> Value:
    """Return `function` of `value`, of each alternative where there are several."""
    if isinstance(value, OneOf):
        usual = [function(option) for option in value.usual]
        return one_of([function(option) for option in options(value)], guarded=value.guarded, usual=usual)
    return function(value)


def arithmetic(op: ast.operator, left: Value, right: Value) -> Value:
    """Return what `left op right` gives."""
    match left, right:
        case Known(value=str(first)), Known(value=str(second)) if isinstance(op, ast.Add):
            return _text(first + second)
        case Known(value=str(first)), _ if isinstance(op, ast.Add):
            return _text(first + "{}")
        case Known(value=int() | float() as first), Known(value=int() | float() as second):
            function = _ARITHMETIC.get(type(op))
            if function is None or abs(first) > _LARGEST or abs(second) > _LARGEST:
                return UNKNOWN
            try:
                return known(function(first, second))
            except (ArithmeticError, ValueError):
                return UNKNOWN
        case Items(values=values), Known(value=int(times)) if isinstance(op, ast.Mult):
            return Items(values * times) if 0 <= len(values) * times <= MOST_PARTS else UNKNOWN
        case _, Known(value=str()) if isinstance(op, ast.Div):
            return right  # a path: its last part is the name
        case Array(), _:
            return left
        case _, Array():
            return right
        case _:
            return CALLER if from_caller(left) or from_caller(right) else UNKNOWN


def formatted(parts: Iterable[Value]) -> Value:
    """Return what an f-string gives, `{}` for an unknown part, so that the known start of `cuda:{}` remains."""
    text = ""
    for part in parts:
        text += str(part.value) if isinstance(part, Known) else "{}"
        if len(text) > _LONGEST:  # before it is doubled again
            return UNKNOWN
    return Known(text) if not text.startswith("{}") else UNKNOWN


def _text(text: str) -> Value:
    """Return a text that was put together; one that is too long says nothing."""
    return Known(text) if len(text) <= _LONGEST else UNKNOWN


def item(base: Value, index: Value) -> Value:
    """Return what `base[index]` gives."""

    def of(option: Value) -> Value:
        match option, index:
            case Items(values=values), Known(value=int(position)) if -len(values) <= position < len(values):
                return values[position]
            case Table(), Known(value=key):
                return option.get(key) or UNKNOWN
            case Made() | Symbol() | Unknown(), _ if option != Symbol("os.environ"):
                return option
            case _:
                return UNKNOWN

    return each(base, of)


def method(base: Value, name: str, arguments: Sequence[Value]) -> Value | None:
    """Return what a method of a value that is understood gives, None when that depends on the callee.

    `arguments` are only needed for those that TAKE_ARGUMENTS.
    """
    if name == "get" and isinstance(base, Table):
        return _entry(base, arguments)
    if name in vocabulary.SAME_OBJECT and any(isinstance(option, Array | Made) for option in options(base)):
        return base
    if from_caller(base):
        return CALLER
    if name in _TEXTS and texts(base):
        return each(base, lambda option: _changed(option, _TEXTS[name]))
    if name == "startswith" and texts(base):
        return each(base, lambda option: _begins(option, arguments[0] if arguments else UNKNOWN))
    return None


def _entry(table: Table, arguments: Sequence[Value]) -> Value:
    """Return what `table.get(key, default)` gives."""
    if arguments and isinstance(arguments[0], Known):
        return table.get(arguments[0].value) or (arguments[1] if len(arguments) > 1 else Known(None))
    return UNKNOWN


def _changed(value: Value, change: Callable[[str], str]) -> Value:
    return Known(change(value.value)) if isinstance(value, Known) and isinstance(value.value, str) else UNKNOWN


def _begins(value: Value, start: Value) -> Value:
    match value, start:
        case Known(value=str(text)), Known(value=str(part)):
            return Known(text.startswith(part))
        case _:
            return UNKNOWN


def made_by(name: str) -> Made:
    """Return what a call to `name` gives; the same method on its own results, as in a loop, adds no third link."""
    stem, _, method = name.rpartition("().")
    return Made(stem if stem.endswith(f").{method}().{method}") else name)


def is_understood(name: str) -> bool:
    """Return whether `known_call` needs the arguments of a call to `name`."""
    return name in _UNDERSTOOD or may_allocate(name)


def known_call(name: str, args: list[Value], keywords: Mapping[str, Value]) -> Value | None:
    """Return what a call gives that stage 1 knows: devices, the environment, conversions, allocations."""
    if name in vocabulary.DEVICE_CALLS:
        return args[0] if args else keywords.get("type", UNKNOWN)
    if name in vocabulary.DECLARED_DEFAULTS:
        return keywords.get("default") or (args[0] if args else UNKNOWN)
    if name in ENVIRONMENT:
        return args[1] if len(args) > 1 else keywords.get("default", UNKNOWN)
    if name in _JSON:
        return CALLER
    if name in _PATHS and args and isinstance(args[-1], Known):
        return args[-1]
    if name in _CONVERSIONS and args:
        return each(args[0], lambda option: _converted(option, _CONVERSIONS[name]))
    if name in _AGGREGATES:
        return CALLER if any(from_caller(value) for value in args) else None
    return allocated(name, args, keywords)


def _converted(value: Value, convert: Callable[..., Scalar]) -> Value:
    if not isinstance(value, Known):
        return value if isinstance(value, Unknown) else UNKNOWN
    try:
        return known(convert(value.value))
    except (ValueError, TypeError, OverflowError):
        return UNKNOWN


def allocated(name: str, args: list[Value], keywords: Mapping[str, Value]) -> Array | None:
    """Return the array that a call to `name` makes, None when it is no allocation."""
    if not may_allocate(name):
        return None
    function = name.rpartition(".")[2]
    named = [keywords[key] for key in vocabulary.SHAPE_KEYWORDS if key in keywords]
    if named:
        return Array(_dimensions(named[:1]))
    if function in vocabulary.SHAPE_AS_ARGUMENTS and args:
        return Array(_dimensions(args))
    if function in vocabulary.SHAPE_FIRST and args:
        return Array(_dimensions(args[:1]))
    if function in ("normal", "uniform", "randint") and len(args) > 1:
        shape = next((value for value in reversed(args) if isinstance(value, Items)), None)
        return Array(shape.values) if shape is not None else None
    return None


def may_allocate(name: str) -> bool:
    """Return whether `name` is in a module that allocates arrays."""
    module = name.rpartition(".")[0]
    return module in vocabulary.ARRAY_MODULES or ".random" in module


def _dimensions(args: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(chain.from_iterable(value.values if isinstance(value, Items) else (value,) for value in args))


def elements(array: Array) -> int | None:
    """Return how many elements `array` has, None unless all dimensions are constants."""
    sizes = [dimension.value if isinstance(dimension, Known) else None for dimension in array.shape]
    numbers = [int(size) for size in sizes if isinstance(size, int | float)]
    from math import prod  # a hook meets few shapes

    return prod(numbers) if len(numbers) == len(sizes) <= _MOST_DIMENSIONS else None


def arrays(value: Value) -> Iterable[Array]:
    """Return the arrays among the alternatives of `value`."""
    return (option for option in options(value) if isinstance(option, Array))


def size_from_caller(array: Array) -> bool:
    """Return whether the request or a parameter decides the size of `array`."""
    return any(from_caller(dimension) for dimension in array.shape)


def shown_shape(array: Array) -> str:
    """Return the shape of `array` for a message, `?` for an unknown dimension."""
    return " x ".join(str(getattr(dimension, "value", "?")) for dimension in array.shape)
