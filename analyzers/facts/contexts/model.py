"""When and how code runs, as frozen values: reading.py derives them from the syntax for the rules 7xx."""

from collections.abc import Mapping
from enum import Enum

from analyzers.findings import Place
from analyzers.lean.records import record, replace


class Phase(Enum):
    """When code runs; `CLIENT`: on the caller's machine. Code without a phase is not run, as far as one file shows."""

    IMPORT = "import"
    START = "start"
    REQUEST = "request"
    CLIENT = "client"


@record
class CallContext:
    """How a call runs.

    `function`: its function's dotted name inside the file, empty at the top; `loop`: a `for` of that function repeats
    it item by item; `once`: a test for None, an entry or an attribute, or a cache keeps it from running again;
    `without_gradients`: PyTorch records nothing; `kept`: the global name in which the result outlives the request;
    `stores`: an item is assigned, not read; `awaited`: the call is; `chosen`: the value is one that a test around it
    asks for, or several GPUs are. Of the methods that are called in a chain from this place, `on_host` are those whose
    receiver has been brought to main memory before, `moves` those whose arguments name a device, and `asked` those that
    are first given what depends on the request.
    """

    function: str = ""
    phases: frozenset[Phase] = frozenset()
    loop: bool = False
    in_coroutine: bool = False
    once: bool = False
    without_gradients: bool = False
    kept: str = ""
    stores: bool = False
    awaited: bool = False
    chosen: bool = False
    on_host: frozenset[str] = frozenset()
    moves: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()

    def joined(self, inner: "CallContext") -> "CallContext":
        """Return this context with what is known of a call that starts at the same place, further inside."""
        on_host, moves = self.on_host | inner.on_host, self.moves | inner.moves
        return replace(self, on_host=on_host, moves=moves, asked=self.asked | inner.asked)


NOWHERE = CallContext()
Start = tuple[str, int, int]
"""Where an expression starts: its file, its line, and its column or its offset in the line."""


@record
class Contexts:
    """The contexts of all calls by the place where they start, and what else only the text of the files shows.

    `literals` are the strings that name a CUDA device, with offsets in bytes for columns (as an `Argument` has them);
    `modules` the qualified names of the project's own PyTorch modules; `learning` the files that train or switch
    gradients off themselves, `serving` those with a function that takes requests; `mains` has the first and the
    last line of their main blocks.
    """

    by_start: Mapping[Start, CallContext]
    literals: Mapping[Start, Place]
    modules: frozenset[str]
    learning: frozenset[str]
    serving: frozenset[str]
    mains: Mapping[str, tuple[int, int]]

    def of(self, place: Place) -> CallContext:
        """Return the context of the call at `place`."""
        return self.by_start.get((place.path, place.line, place.column), NOWHERE)
