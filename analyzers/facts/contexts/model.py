"""When and how code runs, as frozen values; reading.py tells them from the syntax, 7xx rules read them."""

from collections.abc import Mapping
from enum import Enum

from analyzers.findings import Place
from analyzers.lean.records import record


class Phase(Enum):
    """When code runs; `CLIENT` is on the machine of whoever calls. Other code is nobody's, as far as one file tells."""

    IMPORT = "import"
    START = "start"
    REQUEST = "request"
    CLIENT = "client"


@record
class CallContext:
    """How a call runs.

    `function` is its function's dotted name inside the file, empty at the top; `loop` tells that a `for` of that
    function repeats it for one item after the other. `once` stands for code that a test for None, an entry or an
    attribute, or a cache around the function keeps from running again. `without_gradients`: PyTorch records nothing
    there. `kept` is the global name in which the result outlives the request; `stores`: an item is assigned, not read.
    Of the methods that are called in a chain from this place, `on_host` names those whose receiver has been brought to
    main memory before, and `moves` those whose arguments speak of a device.
    """

    function: str = ""
    phases: frozenset[Phase] = frozenset()
    loop: bool = False
    in_coroutine: bool = False
    once: bool = False
    without_gradients: bool = False
    kept: str = ""
    stores: bool = False
    on_host: frozenset[str] = frozenset()
    moves: frozenset[str] = frozenset()


NOWHERE = CallContext()


@record
class Contexts:
    """The contexts of all calls by the place where they start, and what else only the text of the files tells.

    `literals` are the strings that name a CUDA device, by file, line and offset in bytes (as an `Argument` has them);
    `modules` the qualified names of the project's own PyTorch modules; `learning` the files that train or switch
    gradients off themselves.
    """

    by_start: Mapping[tuple[str, int, int], CallContext]
    literals: Mapping[tuple[str, int, int], Place]
    modules: frozenset[str]
    learning: frozenset[str]

    def of(self, place: Place) -> CallContext:
        """The context of the call at `place`."""
        return self.by_start.get((place.path, place.line, place.column), NOWHERE)
