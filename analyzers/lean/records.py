"""`@record`: a frozen value class that costs almost nothing, at start-up and for each value.

It is written and checked like a frozen dataclass. It exists because the standard decorator imports `inspect` and
compiles each class from several pieces of text, which takes longer than `gaia lint` has for a whole file, and because
a frozen dataclass is three times slower to fill. Here only `__init__` is made. Frozen is a promise to the type
checker, which holds everybody to it.
"""

from operator import attrgetter
from types import FunctionType

from analyzers.lean.initializers import INITIALIZERS

TYPE_CHECKING = False  # as type checkers know it; importing `typing` would cost more than everything here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    _T = TypeVar("_T")
else:

    def dataclass_transform(**_options: object) -> "Callable[[Callable], Callable]":
        """Nothing at run time."""
        return lambda function: function


@dataclass_transform(frozen_default=True)
def record(cls: "type[_T]") -> "type[_T]":
    """Make `cls`, whose annotated names are its fields, a value: slots, `__init__`, equality, hash, patterns."""
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    fields = tuple(cls.__annotations__)  # which the body no longer holds from Python 3.14 on
    defaults = {field: body.pop(field) for field in fields if field in body}
    values = attrgetter(*fields)

    def equal(self: object, other: object) -> bool:
        return type(self) is type(other) and bool(values(self) == values(other))

    def hashed(self: object) -> int:
        return hash(values(self))

    body |= {"__slots__": fields, "__match_args__": fields, "__init__": _initializer(fields, defaults)}
    body |= {"__eq__": equal, "__hash__": hashed, "__repr__": _shown}
    made: type[_T] = type(cls.__name__, cls.__bases__, body)
    return made


def replace(original: "_T", /, **changes: object) -> "_T":
    """Return a copy of a record with some fields changed."""
    return type(original)(**(fields_of(original) | changes))


def fields_of(original: object) -> "dict[str, Any]":
    """Return the fields of a record by name; records inside stay as they are."""
    names: tuple[str, ...] = type(original).__match_args__  # type: ignore[attr-defined] # given by `record`
    return {name: getattr(original, name) for name in names}


def _initializer(fields: tuple[str, ...], defaults: "dict[str, Any]") -> "Callable[..., None]":
    """Return an `__init__` with a parameter for each of `fields`.

    Classes differ in names only: so there is one for each number of fields, and its names are replaced.
    """
    assert tuple(defaults) == fields[len(fields) - len(defaults) :], "fields with a default come last"
    assert len(fields) <= len(INITIALIZERS), "initializers.py needs one more"
    code = INITIALIZERS[len(fields) - 1].__code__.replace(co_varnames=("self", *fields), co_names=fields)
    return FunctionType(code, {}, "__init__", tuple(defaults.values()))


def _shown(self: object) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in fields_of(self).items())
    return f"{type(self).__name__}({shown})"
