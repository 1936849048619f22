"""What happens in a universe: values that a seed makes, that can be made smaller, printed, and read again."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from runtime_images.policy.model import ExecutionMode


@dataclass(frozen=True)
class Step:
    """What a client does: ask, begin, wait, read, noise, stall, drip, idle, half, leave, reset or vanish.

    A request asks the function for the `act`, with `size` bytes of body; it is sent in `pieces`, `pause_s` apart.
    `cut` is how much of it a "begin" sends, in 1/100. `answer_bytes` and `service_s` are for the function.
    """

    does: str
    act: str = "answer"
    method: str = "GET"
    size: int = 0
    framing: str = "length"
    pieces: int = 1
    pause_s: float = 0.0
    cut: int = 50
    answer_bytes: int = 10
    service_s: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Client:
    """Connects at `at_s`, over a connection that is `late_s` late and holds `capacity` bytes; then does its steps."""

    at_s: float
    steps: tuple[Step, ...]
    late_s: float = 0.0
    pieces: int = 1
    capacity: int = 2**18


@dataclass(frozen=True)
class Upset:
    """What happens to the runtime at `at_s`: `does` names it; `which` is a worker, `what` says more."""

    at_s: float
    does: str
    which: int = 0
    what: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """One universe. From `length_s` on all is well: what is hung goes on, what has failed starts, the GPU is back."""

    seed: int
    mode: str = ExecutionMode.CPU_PREFERRED
    clients: tuple[Client, ...] = ()
    upsets: tuple[Upset, ...] = ()
    length_s: float = 5.0
    idempotent: bool = False
    judged: bool = False
    concurrency: int = 0
    queue_size: int = 1024
    request_timeout_s: float = 5.0
    drain_timeout_s: float = 3.0
    memory_bytes: int = 2**31
    connections: int = 1000
    arena_bytes: int = 2**20
    lazy: bool = False
    worker_late_s: float = 0.0
    worker_pieces: int = 1

    def to_json(self) -> str:
        """Return it in one line, without what is as usual."""
        return json.dumps(_unusual(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Schedule":
        """Read what `to_json` has written."""
        values = json.loads(text)
        clients = [
            Client(**{**client, "steps": tuple(Step(**step) for step in client["steps"])})
            for client in values.pop("clients", ())
        ]
        upsets = [Upset(**upset) for upset in values.pop("upsets", ())]
        return cls(clients=tuple(clients), upsets=tuple(upsets), **values)

    def story(self) -> Iterator[str]:
        """Say in lines what happens."""
        yield "a universe: " + _said({**_unusual(self), "clients": None, "upsets": None})
        for number, client in enumerate(self.clients):
            yield f"  client {number} comes: " + _said({**_unusual(client), "steps": None})
            yield from (f"    {step.does}: " + _said({**_unusual(step), "does": None}) for step in client.steps)
        for upset in self.upsets:
            yield f"  at {upset.at_s:g} s {upset.does}: " + _said({**_unusual(upset), "at_s": None, "does": None})

    @property
    def weight(self) -> int:
        """How much happens, for comparison."""
        return len(self.to_json())


def _unusual(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- any of the values above
    """Return the fields that are not as usual, values in values included."""
    kept: dict[str, Any] = {}
    for field in fields(value):
        one = getattr(value, field.name)
        if field.default is MISSING or one != field.default:
            kept[field.name] = [_unusual(part) for part in one] if isinstance(one, tuple) else one
    return kept


def _said(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None) or "as usual"


def without(parts: tuple[Any, ...], start: int, count: int) -> tuple[Any, ...]:
    """Return the parts without `count` of them."""
    return parts[:start] + parts[start + count :]


def plainer(value: Any, names: Iterable[str]) -> Iterator[Any]:  # noqa: ANN401 -- any of the values above
    """Yield copies of a value with one of these fields as usual."""
    usual = {field.name: field.default for field in fields(value)}
    for name in names:
        if getattr(value, name) != usual[name]:
            yield replace(value, **{name: usual[name]})
