"""Lines of events: each is read or refused, and what was read is written and read again as the same."""

import json
from dataclasses import is_dataclass
from enum import Enum
from random import Random
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from runtime_images.events.codec import EVENTS, decode, encode, plan_of
from tests.fuzz.chance import damaged, mostly, pumped
from tests.fuzz.fuzzer import Fuzzer

_ODD: tuple[object, ...] = (
    None, True, "", [], {}, -1, 10**400, 2**64, 1.5, float("nan"), float("inf"), -0.0, "\ud800", "\x1b]0;x\x07", [[]],
    {"event": "log"}, "cpu", 5e-324, 1e308,
)  # fmt: skip
_HIDDEN = ("t", "extra")


class Events(Fuzzer):
    """Gives lines to the codec."""

    name = "events"

    def make(self, random: Random) -> bytes:
        name = mostly(random, list(EVENTS), ["", "new", "extra", "t"])
        value: dict[str, object] = {"schema_version": 1, "t": mostly(random, (1.25, 3), _ODD), "event": name}
        if kind := EVENTS.get(name):
            value |= _fields(random, kind)
        if random.random() < 0.2:
            value[random.choice(("extra", "name", "new", "schema_version", "event"))] = random.choice(_ODD)
        line = json.dumps(value, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")
        if random.random() < 0.3:
            line = damaged(random, line)
        return pumped(random, line, 200_000, (b"[", b'{"a":', b"1", b"\\", b" ")) if random.random() < 0.02 else line

    def check(self, case: bytes) -> None:
        event = decode(case)
        if event is None:
            return
        line = encode(event, event.t)
        again = decode(line)
        assert again is not None, f"its own line is refused: {line[:200]!r}"
        assert type(again) is type(event), f"a {type(event).__name__} comes back as a {type(again).__name__}"
        assert encode(again, again.t) == line, f"{line[:300]!r} becomes {encode(again, again.t)[:300]!r}"


def _fields(random: Random, kind: type[Any]) -> dict[str, object]:
    """Return values for the fields of a dataclass, by their names in JSON."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        plan.wire_name: _value(random, hints[plan.name]) for plan in plan_of(kind) if random.random() < 0.97
    }  # fmt: skip


def _value(random: Random, hint: Any) -> object:  # noqa: ANN401 -- a type as `typing` has them
    """Return a value of JSON for a field of this type; rarely one that does not fit."""
    if random.random() < 0.01:
        return random.choice(_ODD)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(random, arguments[0])
    if origin in (Union, UnionType):
        return None if random.random() < 0.3 else _value(random, arguments[0])
    if origin is tuple:
        return [_value(random, arguments[0]) for _ in range(random.randint(0, 3))]
    if origin is dict:
        keys = list(arguments[0]) if issubclass(arguments[0], Enum) else ["a", "b_ms", ""]
        return {key: _value(random, arguments[1]) for key in keys if random.random() < 0.9}
    return _plain(random, hint)


def _plain(random: Random, kind: Any) -> object:  # noqa: ANN401 -- as above
    if is_dataclass(kind):
        assert isinstance(kind, type)
        return _fields(random, kind)
    if not isinstance(kind, type):
        return random.choice(_ODD)
    if issubclass(kind, Enum):
        return mostly(random, [one.value for one in kind], ["new"], 0.03)
    if issubclass(kind, tuple):
        return [_value(random, hint) for hint in get_type_hints(kind, include_extras=True).values()]
    if kind is float:
        return random.choice((0.0, random.random(), random.uniform(-1e9, 1e9), random.randint(0, 9), 1e-9, 0.05))
    return {
        int: random.randint(-3, 10**6),
        bool: random.random() < 0.5,
        str: mostly(random, ("a", ""), ("\x1b", "é")),
    }.get(kind)
