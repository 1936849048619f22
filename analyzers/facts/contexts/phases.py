"""When a file's functions run: as names and decorators say (`handler`, `@app.post`, `setup`), and who calls whom."""

from collections.abc import Iterator, Mapping

from analyzers.facts.contexts.model import CallContext, Phase
from analyzers.lean.records import record, replace
from analyzers.lean.tables import words

_REQUESTS = words("handler handle lambda_handler predict infer inference do_POST do_GET on_receive")
_ASIDE = ("download", "train", "eval", "bench", "prepare", "monitor")
_REQUEST_DECORATORS = words(
    "api api_route batch batched delete endpoint fastapi_endpoint function get method patch post put realtime "
    "route task_queue web_endpoint websocket websocket_listener websocket_route websocket_stream"
)
_STARTS = words("__init__ setup load start new startup lifespan init on_start initialize")
_START_DECORATORS = frozenset({"enter", "on_event", "build", "on_startup", "asynccontextmanager"})
_REQUEST = "request"
"""The name under which Flask and others have the request at hand."""
CACHES = words("lru_cache cache cached cached_property cache_resource singleton cache_data")
"""Decorators that keep a function from running again."""


@record
class Calls:
    """A call of `name()` or, with `on_self`, of `self.name()`; `silent` where gradients are off.

    `later`: what is called runs when somebody else calls it, or is awaited, though it is no coroutine: not right here.
    `owner` is the name of the object whose method is called, empty without one.
    """

    name: str
    on_self: bool
    silent: bool
    later: bool = False
    owner: str = ""


class Called:
    """A function of the file: when it runs, whom it calls, the names it binds, and those in main memory (`host`).

    `handed` are the names that hold a part of what its caller gives, wherever that is.
    `asked` are the names that hold what a request says, where the function takes requests.

    `is_own` says that it has a phase of its own, so that others than its callers in the file may call it, `serves` that
    this is a request's; `yields` that a call of it only makes a generator, which somebody else runs; `silent` that it
    runs without gradients, `in_loop` that an event loop waits for it.
    """

    def __init__(self, owner: str, phase: Phase | None, *, is_coroutine: bool = False, is_silent: bool = False) -> None:
        self.owner = owner
        self.is_own = phase is not None
        self.serves = phase is Phase.REQUEST
        self.yields = False
        self.phases = {phase} if phase else set()
        self.in_loop = is_coroutine
        self.silent = is_silent
        self.callees: list[Calls] = []
        self.host: set[str] = set()
        self.handed: set[str] = set()
        self.parameters: frozenset[str] = frozenset()
        self.bound: set[str] = set()
        self.asked = {_REQUEST}

    @property
    def found_out(self) -> set[str]:
        """The names that it binds, empty for the top of the file, where they are the file's own settings."""
        return set() if Phase.IMPORT in self.phases else self.bound

    def applied_to(self, context: CallContext) -> CallContext:
        """Return the context of a call in this function with what its callers make of it."""
        silent = context.without_gradients or self.silent
        in_loop = context.in_coroutine or self.in_loop
        return replace(context, phases=frozenset(self.phases), without_gradients=silent, in_coroutine=in_loop)


def phase_of(name: str, decorators: set[str]) -> Phase | None:
    """Return when a function runs, by its name and decorators; jobs that prepare something serve no request."""
    if "local_entrypoint" in decorators:
        return Phase.CLIENT
    if decorators & _START_DECORATORS or (name in _STARTS and not decorators & _REQUEST_DECORATORS):
        return Phase.START
    if name in _REQUESTS or (decorators & _REQUEST_DECORATORS and not any(word in name for word in _ASIDE)):
        return Phase.REQUEST
    return None


def spread(functions: Mapping[str, Called], instances: Mapping[str, str]) -> None:
    """Spread the phases of `functions`, by their dotted names, from the callers to the called.

    `instances` has the class of what a name holds, by the name.
    """
    for function in functions.values():
        plain = [call for call in function.callees if not call.owner]
        methods = [call for call in function.callees if call.owner in instances]
        function.callees = plain + [replace(call, name=f"{instances[call.owner]}.{call.name}") for call in methods]
    _spread_phases(functions)
    _spread_loops(functions)
    _spread_silence(functions)


def _spread_phases(functions: Mapping[str, Called]) -> None:
    pending = [name for name, function in functions.items() if function.phases]
    while pending:
        caller = functions[pending.pop()]
        for target, _ in _calls(functions, caller):
            if not caller.phases <= functions[target].phases:
                functions[target].phases |= caller.phases
                pending.append(target)


def _spread_loops(functions: Mapping[str, Called]) -> None:
    """Say of the plain functions that a coroutine calls that its event loop waits for them, too."""
    pending = [function for function in functions.values() if function.in_loop]
    while pending:
        for target, call in _calls(functions, pending.pop()):
            if not (functions[target].in_loop or functions[target].yields or call.later):
                functions[target].in_loop = True
                pending.append(functions[target])


def _spread_silence(functions: Mapping[str, Called]) -> None:
    """Say of the functions that are only ever called without gradients that they run without."""
    loud: dict[str, int] = {}  # how many calls of a function record gradients
    for caller in functions.values():
        for target, call in _calls(functions, caller):
            loud[target] = loud.get(target, 0) + (not call.silent and not caller.silent)
    pending = [name for name, number in loud.items() if not number]
    while pending:
        function = functions[pending.pop()]
        if function.silent or function.is_own:
            continue
        function.silent = True
        for target, call in _calls(functions, function):
            loud[target] -= not call.silent
            if not loud[target]:
                pending.append(target)


def _calls(functions: Mapping[str, Called], caller: Called) -> Iterator[tuple[str, Calls]]:
    """Yield the functions that `caller` may call, each with the call; for a class, its `__init__`."""
    for call in caller.callees:
        wanted = f"{caller.owner}.{call.name}" if call.on_self and caller.owner else call.name
        yield from ((target, call) for target in (wanted, f"{call.name}.__init__") if target in functions)
