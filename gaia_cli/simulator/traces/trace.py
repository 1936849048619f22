"""A trace: one row is one request, with its service time on each backend; and when the GPU was unavailable.

A row without an arrival is a closed loop's: it is sent `think_s` after the client's previous row has been answered, its
first one `think_s` after the start. Times are seconds, and columns are arrays, since a trace may have a million rows.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan, nan

from gaia_cli.simulator.traces.conditions import Conditions
from runtime_images.node.stretch import Stretch
from runtime_images.policy.model import Backend


@dataclass(frozen=True, slots=True)
class Row:
    """One request. `arrival_s` None means closed loop; `cpu_time_s` is the CPU time it burns on the CPU backend.

    `client` says who sends it: requests of the same client follow one another.
    """

    arrival_s: float | None
    cpu_s: float
    gpu_s: float
    cpu_time_s: float
    think_s: float = 0.0
    client: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """A span of time in which there is no GPU; of a planned one the policy knows in advance."""

    begin_s: float
    end_s: float
    planned: bool = False


NONE_FOLLOWS = -1
"""Stands for a row after the last one of a client."""


def column() -> "array[float]":
    """Return an empty column of seconds: a third of the memory of a list."""
    return array("d")


def _row_numbers() -> "array[int]":
    return array("l")


@dataclass(frozen=True, slots=True)
class Trace:
    """The requests of a function, column by column; `arrival_s` is nan in a closed loop.

    `following` has for each row the same client's next one, or NONE_FOLLOWS; `firsts` are the clients' first rows,
    `lasts` their last ones by their names, and `waiting` those clients of which a request waits for an answer. `source`
    is where it came from, if that says more than its name. `node` are the stretches of the node that serves, in their
    order, if anything is known of it; `outages` come on top. `conditions` are those of the run that it was recorded of.
    """

    name: str
    arrival_s: "array[float]" = field(default_factory=column)
    cpu_s: "array[float]" = field(default_factory=column)
    gpu_s: "array[float]" = field(default_factory=column)
    cpu_time_s: "array[float]" = field(default_factory=column)
    think_s: "array[float]" = field(default_factory=column)
    following: "array[int]" = field(default_factory=_row_numbers)
    firsts: "array[int]" = field(default_factory=_row_numbers)
    lasts: dict[str, int] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    outages: tuple[Outage, ...] = ()
    node: tuple[Stretch, ...] = ()
    source: str = ""
    conditions: Conditions = field(default_factory=Conditions)

    def __len__(self) -> int:
        return len(self.cpu_s)

    def add(self, row: Row) -> None:
        """Append a request."""
        number, before = len(self), self.lasts.get(row.client)
        if before is None:
            self.firsts.append(number)
        else:
            self.following[before] = number
        self.following.append(NONE_FOLLOWS)
        self.lasts[row.client] = number
        if row.arrival_s is None:
            self.waiting.add(row.client)
        self.arrival_s.append(nan if row.arrival_s is None else row.arrival_s)
        self.cpu_s.append(row.cpu_s)
        self.gpu_s.append(row.gpu_s)
        self.cpu_time_s.append(row.cpu_time_s)
        self.think_s.append(row.think_s)

    def sent_s(self, row: int, before_s: float, answered_s: float) -> float:
        """Return when a row is sent whose client's row before was sent at `before_s` and answered at `answered_s`."""
        arrival_s = self.arrival_s[row]
        return answered_s + self.think_s[row] if isnan(arrival_s) else max(arrival_s, before_s)

    def service_s(self, backend: Backend) -> "array[float]":
        """Return the service times on a backend."""
        return self.cpu_s if backend is Backend.CPU else self.gpu_s


def trace_of(name: str, rows: Iterable[Row], outages: Iterable[Outage] = (), node: Iterable[Stretch] = ()) -> Trace:
    """Collect `rows` in a trace."""
    trace = Trace(name, outages=tuple(outages), node=tuple(node))
    for row in rows:
        trace.add(row)
    return trace
