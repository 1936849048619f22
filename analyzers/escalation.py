"""When stage 2 is worth its price: it is started only where stage 1 left the device of a placement unknown.

Starting astroid costs more than everything else together, so a function without such an argument never imports
it. Stage 2 turns an Unknown into something known and changes nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence

from analyzers.facts import Argument, Call, FileFacts, Value, from_caller, is_unknown
from analyzers.reading import Source
from analyzers.records import replace
from analyzers.vocabulary import DEVICE_CALLS, DEVICE_KEYWORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.inference import Query


def resolve(files: Sequence[FileFacts], sources: Sequence[Source]) -> tuple[FileFacts, ...]:
    """The facts with every device that stage 2 can tell; the same facts when there is nothing to ask."""
    open_devices = [
        (file.path, argument) for file in files for call in file.calls for argument in unknown_devices(call)
    ]
    if not open_devices:
        return tuple(files)
    from analyzers.inference import Query, infer

    answers = infer(sources, [Query(path, argument.line, argument.offset) for path, argument in open_devices])
    return tuple(_resolved(file, answers) for file in files) if answers else tuple(files)


def unknown_devices(call: Call) -> Iterator[Argument]:
    """The arguments of `call` that name a device which stage 1 could not tell, and which the code itself decides."""
    takes_device_first = call.method in ("to", "to_device") or call.name in DEVICE_CALLS
    candidates = [*call.args[:1]] if takes_device_first else []
    candidates += [argument for name, argument in call.keywords if name in DEVICE_KEYWORDS]
    return (argument for argument in candidates if is_unknown(argument.value) and not from_caller(argument.value))


def _resolved(file: FileFacts, answers: "Mapping[Query, Value]") -> FileFacts:
    places = {(query.line, query.offset): value for query, value in answers.items() if query.path == file.path}

    def known(argument: Argument) -> Argument:
        value = places.get((argument.line, argument.offset)) if is_unknown(argument.value) else None
        return replace(argument, value=value) if value is not None else argument

    calls = tuple(
        replace(
            call,
            args=tuple(known(argument) for argument in call.args),
            keywords=tuple((name, known(argument)) for name, argument in call.keywords),
        )
        for call in file.calls
    )
    return replace(file, calls=calls)
