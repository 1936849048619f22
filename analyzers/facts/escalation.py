"""When stage 2 is worth its price: only where stage 1 left the device of a placement unknown.

Starting astroid costs more than everything else together, so a function without such an argument never imports it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from analyzers.facts.model import Argument, Call, FileFacts, Value, from_caller, is_unknown
from analyzers.facts.vocabulary import DEVICE_CALLS, DEVICE_KEYWORDS
from analyzers.findings import INFERENCE_FAILED, TOO_ENTANGLED, Finding, Place, failed
from analyzers.lean.records import replace
from analyzers.project.model import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.facts.stage2 import Query
    from analyzers.project.model import Find

_ENTANGLED = "this device is too entangled to be inferred within the budget"


def resolve(
    files: Sequence[FileFacts],
    sources: Sequence[Source],
    find: "Find",
    matters: Callable[[Call], bool] = lambda _: True,
) -> tuple[tuple[FileFacts, ...], list[Finding]]:
    """Return the facts with every device that stage 2 could infer, and the failures where it gave up.

    `find` gives the project's modules by name; only the devices of calls that `matters` accepts are asked for. When
    inference fails as a whole, the facts of stage 1 stand.
    """
    calls = [(file.path, call) for file in files for call in file.calls if matters(call)]
    unknown = [(path, argument.line, argument.offset) for path, call in calls for argument in unknown_devices(call)]
    if not unknown:
        return tuple(files), []
    from analyzers.facts.stage2 import Query, infer

    queries = [Query(*start) for start in unknown]
    try:
        answers, given_up = infer(queries, sources, find)
    except Exception as error:  # noqa: BLE001 -- astroid may fail on any code; stage 1 still stands
        message = f"inference failed: {type(error).__name__}: {error}"
        return tuple(files), [failed(INFERENCE_FAILED, Place(queries[0].path, queries[0].line), message)]
    failures = [failed(TOO_ENTANGLED, Place(query.path, query.line), _ENTANGLED) for query in given_up]
    return tuple(_resolved(file, answers) for file in files) if answers else tuple(files), failures


def unknown_devices(call: Call) -> Iterator[Argument]:
    """Return the arguments of `call` that name a device that is unknown to stage 1 and that the code itself decides."""
    takes_device_first = call.method in ("to", "to_device") or call.name in DEVICE_CALLS
    candidates = [*call.args[:takes_device_first]]
    candidates += [argument for name, argument in call.keywords if name in DEVICE_KEYWORDS]
    return (argument for argument in candidates if is_unknown(argument.value) and not from_caller(argument.value))


def _resolved(file: FileFacts, answers: "Mapping[Query, Value]") -> FileFacts:
    places = {(query.line, query.offset): value for query, value in answers.items() if query.path == file.path}
    if not places:
        return file

    def known(argument: Argument) -> Argument:
        value = places.get((argument.line, argument.offset))
        if value is None or not is_unknown(argument.value):
            return argument
        return Argument(value, argument.line, argument.offset)

    def resolved(call: Call) -> Call:
        if not any((argument.line, argument.offset) in places for argument in call.arguments):
            return call
        keywords = tuple((name, known(argument)) for name, argument in call.keywords)
        return replace(call, args=tuple(map(known, call.args)), keywords=keywords)

    return replace(file, calls=tuple(map(resolved, file.calls)))
