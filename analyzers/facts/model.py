"""What is known about a function's code, as frozen values; rules read these and never a syntax tree.

Stage 1 states facts, with `Unknown` where it cannot tell; stage 2 only makes an `Unknown` known. It never means "no".
"""

from collections.abc import Callable, Collection, Iterator
from enum import Enum, StrEnum

from analyzers.findings import Place as Place  # noqa: PLC0414 -- facts speak of places, and rules look for them here
from analyzers.lean.records import record
from analyzers.project.model import Asset, Dependency, Step, Variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

Scalar = str | int | float | bool | None


class Origin(StrEnum):
    """Why a value is unknown: the caller decides it (request, parameter), the analysis gave up, or any other."""

    CALLER = "caller"
    OTHER = "other"
    TOO_DEEP = "too deep"
    TOO_ENTANGLED = "too entangled"


@record
class Known:
    """A constant, wherever it came from: literal, variable, class attribute, default argument."""

    value: Scalar


@record
class Symbol:
    """Something outside the project, by its qualified name, such as `torch.float16`."""

    name: str


@record
class Made:
    """What a call returned or a class built; `name` is the qualified name of what was called."""

    name: str


@record
class Items:
    """A tuple or a list of values."""

    values: tuple["Value", ...]


@record
class Table:
    """A dict literal with constant keys."""

    entries: tuple[tuple[Scalar, "Value"], ...]

    def get(self, key: Scalar) -> "Value | None":
        """Return the value under `key`, None without one."""
        return dict(self.entries).get(key)


@record
class Array:
    """A tensor or an array that an allocation made, with the value of each dimension."""

    shape: tuple["Value", ...]


@record
class OneOf:
    """One of several values; `guarded` when the availability of a GPU chooses, `usual` those that it is by default."""

    options: tuple["Value", ...]
    guarded: bool = False
    usual: tuple["Value", ...] = ()


@record
class Unknown:
    """A value that the analysis cannot determine."""

    origin: Origin = Origin.OTHER


Value = Known | Symbol | Made | Items | Table | Array | OneOf | Unknown


def options(value: Value) -> Iterator[Value]:
    """Yield the alternatives of `value`, itself when there is only one."""
    if isinstance(value, OneOf):
        for option in value.options:
            yield from options(option)
    else:
        yield value


def constants(value: Value) -> tuple[Scalar, ...]:
    """Return the constants among the alternatives of `value`."""
    return tuple(option.value for option in options(value) if isinstance(option, Known))


def texts(value: Value) -> tuple[str, ...]:
    """Return the strings among the alternatives of `value`."""
    return tuple(constant for constant in constants(value) if isinstance(constant, str))


def strings(value: Value) -> Iterator[str]:
    """Yield the strings among the alternatives of `value`, those in its tuples and lists included."""
    for option in options(value):
        if isinstance(option, Items):
            for item in option.values:
                yield from strings(item)
        else:
            yield from texts(option)


def is_unknown(value: Value) -> bool:
    """Return whether nothing at all is known of `value`."""
    return all(isinstance(option, Unknown) for option in options(value))


def from_caller(value: Value) -> bool:
    """Return whether `value` depends on the request or on a parameter."""
    return any(isinstance(option, Unknown) and option.origin is Origin.CALLER for option in options(value))


class Guard(Enum):
    """When code runs: always, only where a GPU is available or none is, or only where a setting asks for it."""

    ALWAYS = "always"
    SETTING = "setting"
    WITH_GPU = "with_gpu"
    WITHOUT_GPU = "without_gpu"


class Argument:
    """A call's argument: its value, or what gives it when asked, and its line and offset (in UTF-8, from 0)."""

    __slots__ = ("_value", "is_literal", "line", "offset")

    def __init__(self, value: Value | Callable[[], Value], line: int, offset: int, *, is_literal: bool = False) -> None:
        self._value = value
        self.line: Final = line
        self.offset: Final = offset
        self.is_literal: Final = is_literal

    @property
    def value(self) -> Value:
        """The value."""
        if callable(self._value):
            self._value = self._value()
        return self._value


class _Guarded:
    """A fact of code that runs at all times or only at some: `when` is found out when a rule asks, as few do."""

    __slots__ = ()
    when: "Guard | Callable[[], Guard]"

    @property
    def guard(self) -> Guard:
        """When it runs."""
        return self.when if isinstance(self.when, Guard) else self.when()


@record
class Import(_Guarded):
    """An imported name, qualified: `from torch import nn` is `torch.nn`."""

    name: str
    place: Place
    when: "Guard | Callable[[], Guard]" = Guard.ALWAYS

    @property
    def package(self) -> str:
        """The top-level package."""
        return self.name.partition(".")[0]


@record
class Call(_Guarded):
    """A call or a decorator, by its qualified name; the method of an object of unknown kind is `.method`.

    `on` holds the object whose method is called, None for a function; `is_own` says that the project defines it.
    """

    name: str
    place: Place
    args: tuple[Argument, ...] = ()
    keywords: tuple[tuple[str, Argument], ...] = ()
    when: "Guard | Callable[[], Guard]" = Guard.ALWAYS
    on: Argument | None = None
    is_decorator: bool = False
    is_own: bool = False

    @property
    def receiver(self) -> Value:
        """The object whose method is called."""
        return self.on.value if self.on is not None else Unknown()

    @property
    def package(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0].removesuffix("()")

    @property
    def method(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What it is given, by position and by name."""
        return (*self.args, *(argument for _, argument in self.keywords))

    def keyword(self, *names: str) -> Value | None:
        """Return the value of the first of these keyword arguments that the call has."""
        for name in names if self.keywords else ():
            for given, argument in self.keywords:
                if given == name:
                    return argument.value
        return None

    def argument(self, position: int, *names: str) -> Value | None:
        """Return the value of an argument given by position or by one of `names`."""
        return self.args[position].value if position < len(self.args) else self.keyword(*names)


@record
class Constant(_Guarded):
    """A name that the code gives a value: an assignment, a parameter's default, an entry of a dict literal."""

    name: str
    given: Argument
    place: Place
    when: "Guard | Callable[[], Guard]" = Guard.ALWAYS

    @property
    def value(self) -> Value:
        """The value, often `Unknown`."""
        return self.given.value


@record
class Refusal:
    """A place where the code stops itself because there is no GPU."""

    place: Place


@record
class FileFacts:
    """The facts of one file. `gathering` computes what is `gathered`; why values are unknown grows in `given_up`."""

    path: str
    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    constants: tuple[Constant, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    gathering: Callable[[], frozenset[tuple[int, int]]] = frozenset
    given_up: Collection[Origin] = ()

    @property
    def gathered(self) -> frozenset[tuple[int, int]]:
        """The places, by line and column, of calls that are given a list which a loop has filled."""
        return self.gathering()


@record
class Facts:
    """The facts of all files that the function reaches, its dependency lists, variables, image and what lies beside."""

    files: tuple[FileFacts, ...]
    dependencies: tuple[Dependency, ...] = ()
    assets: tuple[Asset, ...] = ()
    variables: tuple[Variable, ...] = ()
    image: tuple[Step, ...] = ()

    def imports(self) -> Iterator[Import]:
        """Return all imports, file by file."""
        return (fact for file in self.files for fact in file.imports)

    def calls(self) -> Iterator[Call]:
        """Return all calls and decorators, file by file."""
        return (fact for file in self.files for fact in file.calls)

    def constants(self) -> Iterator[Constant]:
        """Return all named values, file by file."""
        return (fact for file in self.files for fact in file.constants)

    def refusals(self) -> Iterator[Refusal]:
        """Return all refusals, file by file."""
        return (fact for file in self.files for fact in file.refusals)
