"""Arrays as far as their size matters: which calls allocate one, with what shape, and how many elements that is."""

from collections.abc import Iterable, Mapping

from analyzers.facts.model import Array, Items, Known, Value, from_caller, options
from analyzers.facts.vocabulary import ARRAY_MODULES, SHAPE_AS_ARGUMENTS, SHAPE_FIRST, SHAPE_KEYWORDS


def allocated(name: str, args: list[Value], keywords: Mapping[str, Value]) -> Array | None:
    """The array that a call to `name` makes, None when it is no allocation."""
    if not may_allocate(name):
        return None
    function = name.rpartition(".")[2]
    named = next((keywords[key] for key in SHAPE_KEYWORDS if key in keywords), None)
    if named is not None:
        return Array(_dimensions([named]))
    if function in SHAPE_AS_ARGUMENTS and args:
        return Array(_dimensions(args))
    if function in SHAPE_FIRST and args:
        return Array(_dimensions(args[:1]))
    if function in ("normal", "uniform", "randint") and len(args) > 1:
        shape = next((value for value in reversed(args) if isinstance(value, Items)), None)
        return Array(shape.values) if shape is not None else None
    return None


def may_allocate(name: str) -> bool:
    """Whether `name` is in a module that allocates arrays."""
    module = name.rpartition(".")[0]
    return module in ARRAY_MODULES or ".random" in module


def _dimensions(args: Iterable[Value]) -> tuple[Value, ...]:
    """The dimensions, given one by one or as one tuple."""
    flat: list[Value] = []
    for value in args:
        flat.extend(value.values if isinstance(value, Items) else [value])
    return tuple(flat)


def elements(array: Array) -> int | None:
    """How many elements `array` has when all dimensions are constants."""
    count = 1
    for dimension in array.shape:
        if not isinstance(dimension, Known) or not isinstance(dimension.value, int | float):
            return None
        count *= int(dimension.value)
    return count


def arrays(value: Value) -> Iterable[Array]:
    """The arrays among the alternatives of `value`."""
    return (option for option in options(value) if isinstance(option, Array))


def size_from_caller(array: Array) -> bool:
    """Whether the request or a parameter decides the size of `array`."""
    return any(from_caller(dimension) for dimension in array.shape)


def shown_shape(array: Array) -> str:
    """The shape of `array` as people write it, `?` for a dimension that is not known."""
    return " x ".join(str(getattr(dimension, "value", "?")) for dimension in array.shape)
