"""The offline optimum: what somebody who knew every request in advance would have done.

**Model.** The same as every policy's: one backend takes the traffic, a start is ordered its start-up time ahead, the
old backend is held until it has drained, and the next start is ordered when the last switch is through. Knowing the
future, one starts a backend just in time, so all that is left to choose is which backend serves each request. That is
dynamic programming over the requests: a label is one way to have served all of them so far, with the active backend,
when its slots are free, the earliest moment at which the other one could take over, its cost and its violations. From
each label a request is served where the last one was, on the other backend, or back here after a pause on the cheaper
one. A dearer backend takes over when the request arrives, a cheaper one when the request before it has begun.

**The allowance.** The objective forgives the first 5 % of violations, which no sum over requests can say. So
a price is put on every violation instead, and the price is searched at which the allowance is just used up: the
lower convex hull of all pairs of cost and violations, edge by edge (Everett, "Generalized Lagrange Multiplier Method",
1963). The result is a plan that is replayed like any policy; between two corners of the hull a better one may exist, by
no more than `Optimum.bound` says.

**Complexity.** Of the labels of one backend, those are kept that no other one beats in cost, backlog and readiness to
switch, at most KEPT: O(requests * KEPT) for each of the few prices tried.
"""

from dataclasses import dataclass
from math import ceil, isnan
from typing import NamedTuple

from gaia_cli.simulator.scenario import ALLOWED_SHARE, VIOLATION_GPU_S, Scenario
from gaia_cli.simulator.schedule import Plan, Planned
from gaia_cli.simulator.traces import Trace
from gaia_cli.simulator.world import Replay, replay
from runtime_images.policy.model import Backend

KEPT = 8
PRICES_MOST = 12
STEPS_MOST = 5000
"""Moments at which a switch is considered: beyond as many requests, only at every second one, every third and so on."""

NEAR_ENOUGH = 1.005
"""How far above the bound a plan may be for the search to end."""

MOMENT_S = 1e-6
"""Before an arrival, or after a beginning: near enough not to cost anything, far enough to be told apart."""


_OTHER = {backend: backend.other for backend in Backend}


class _Label(NamedTuple):
    """One way to have served the requests so far.

    `cost` is what has been paid up to `at`, when the last request began; it arrived at `arrived` and is answered at
    `answered`. `free` are the moments at which the active backend's slots are free, in their order; `other_at` is the
    earliest moment at which the other backend can take over. `switches` is the chain of moments at which traffic
    moved.
    """

    cost: float
    late: int
    backend: Backend
    at: float
    arrived: float
    answered: float
    free: tuple[float, ...]
    other_at: float
    switches: "_Chain | None"


class _Chain(NamedTuple):
    before: "_Chain | None"
    to: Backend
    at: float


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best plan found, replayed; no plan in the model has an objective below `bound`."""

    plan: Plan
    replay: Replay
    bound: float


@dataclass(frozen=True, slots=True)
class _Found:
    """The best plan at one price of a violation."""

    plan: Plan
    cost: float
    late: int


def optimum(trace: Trace, scenario: Scenario) -> Optimum:
    """The offline optimum of `trace`."""
    allowed = ALLOWED_SHARE * len(trace)
    search = _Search(trace, scenario)
    dear = search.best(VIOLATION_GPU_S * scenario.gpu_price)
    best, bound = dear, scenario.objective(dear.cost, len(trace), dear.late)
    if dear.late < allowed:
        cheap = search.best(0.0)
        best, bound = (cheap, cheap.cost) if cheap.late <= allowed else _between(search, dear, cheap, allowed)
    return Optimum(best.plan, replay(trace, scenario, Planned(best.plan)), bound)


def _between(search: "_Search", few: _Found, many: _Found, allowed: float) -> tuple[_Found, float]:
    """The best plan on the hull between one with too few late requests and one with too many, and the bound."""
    objective = search.scenario.objective
    best = min(few, many, key=lambda found: objective(found.cost, search.requests, found.late))
    bound = 0.0
    for _ in range(PRICES_MOST):
        price = (few.cost - many.cost) / (many.late - few.late)
        found = search.best(price)
        bound = max(bound, found.cost + price * (found.late - allowed))
        best = min(best, found, key=lambda found: objective(found.cost, search.requests, found.late))
        near = objective(best.cost, search.requests, best.late) <= bound * NEAR_ENOUGH
        if near or found.late in (few.late, many.late):
            break
        few, many = (found, many) if found.late <= allowed else (few, found)
    return best, bound


class _Search:
    """The dynamic program over one trace."""

    def __init__(self, trace: Trace, scenario: Scenario) -> None:
        self.scenario = scenario
        self.requests = len(trace)
        self._trace = trace
        self._services = {backend: trace.service_s(backend) for backend in Backend}
        self._price = {backend: scenario.price(backend) for backend in Backend}
        self._start_s = {backend: scenario.start_s(backend) for backend in Backend}
        self._cheaper = min(Backend, key=scenario.price)
        self._slo_s = scenario.slo_p95_s
        self._can_meet = bytes(min(both) <= self._slo_s for both in zip(trace.cpu_s, trace.gpu_s, strict=True))
        self._absolute = bool(trace.outages) or not all(isnan(arrival) for arrival in trace.arrival_s)

    def best(self, price: float) -> _Found:
        """The plan with the least cost if every avoidable violation costs `price`."""
        labels = self._first()
        step = ceil(self.requests / STEPS_MOST)
        for row in range(0, self.requests, step):
            after: list[_Label] = []
            for label in labels:
                self._serve(label, row, min(row + step, self.requests), after)
            labels = self._prune(after, price)
        return min((self._close(label) for label in labels), key=lambda found: found.cost + price * found.late)

    def _first(self) -> list[_Label]:
        """Both backends to begin with, as far as they are there."""
        labels = []
        for backend in Backend:
            ready_at = self._start_s[backend]
            if backend is Backend.CPU or self._gpu_is_there(0.0, ready_at):
                free = (ready_at,) * self.scenario.slots
                other_at = ready_at + self._start_s[backend.other]
                labels.append(_Label(0.0, 0, backend, 0.0, 0.0, 0.0, free, other_at, None))
        return labels

    def _serve(self, label: _Label, row: int, end: int, after: list[_Label]) -> None:
        """Add to `after` the ways to serve the rows from `row` to before `end`; a switch comes before the first."""
        arrival = self._trace.arrival_s[row]
        arrived = label.answered + self._trace.think_s[row] if isnan(arrival) else max(arrival, label.arrived)
        ways = [(label, row), (self._switch(label, row, arrived), row + 1)]
        if label.backend is not self._cheaper:
            ways.append((self._pause(label, row, arrived), row + 1))
        for way, first in ways:
            served = way if way is None or first == end else self._stay(way, first, end)
            if served is not None:
                after.append(served)

    def _stay(self, label: _Label, first: int, end: int) -> _Label | None:
        """Serve the rows from `first` to before `end` where the last one was."""
        _, late, backend, begins, arrived, answered, free, _, _ = label
        arrivals, thinks, services, can_meet = (
            self._trace.arrival_s,
            self._trace.think_s,
            self._services[backend],
            self._can_meet,
        )
        for row in range(first, end):
            arrival = arrivals[row]
            arrived = answered + thinks[row] if isnan(arrival) else max(arrival, arrived)
            begins = max(arrived, free[0])
            answered = begins + services[row]
            free = (answered,) if len(free) == 1 else tuple(sorted((*free[1:], answered)))
            if answered - arrived > self._slo_s and can_meet[row]:
                late += 1
        if backend is Backend.GPU and not self._gpu_is_there(label.at, max(free[-1], answered)):
            return None
        cost = label.cost + self._price[backend] * (begins - label.at)
        return _Label(cost, late, backend, begins, arrived, answered, free, label.other_at, label.switches)

    def _switch(self, label: _Label, row: int, arrived: float) -> _Label | None:
        """Let the other backend take over before `row` begins here."""
        to = _OTHER[label.backend]
        moved = max(label.other_at, label.at + MOMENT_S)
        if to is not self._cheaper:
            moved = max(moved, arrived - MOMENT_S)
        if moved >= max(arrived, label.free[0]) or not self._may_leave(label, moved, to):
            return None
        drained = max(label.free[-1], moved)
        cost = label.cost + self._price[label.backend] * (drained - label.at)
        return self._begin(label, row, arrived, cost, _Chain(label.switches, to, moved))

    def _pause(self, label: _Label, row: int, arrived: float) -> _Label | None:
        """Release this backend, with the cheaper one in its stead, until `row` comes."""
        to = _OTHER[label.backend]
        left, back = max(label.other_at, label.at + MOMENT_S), arrived - MOMENT_S
        if back < left + self._start_s[label.backend] or not self._may_leave(label, left, to):
            return None
        if label.backend is Backend.GPU and not self._gpu_is_there(back - self._start_s[Backend.GPU], back):
            return None
        drained = max(label.free[-1], left)
        cost = label.cost + self._price[label.backend] * (drained - label.at)
        cost += self._price[to] * (self._start_s[to] + back - left)
        if cost > label.cost + self._price[label.backend] * (back - label.at) and not self._trace.outages:
            return None
        return self._begin(label, row, arrived, cost, _Chain(_Chain(label.switches, to, left), label.backend, back))

    def _begin(self, label: _Label, row: int, arrived: float, cost: float, switches: _Chain) -> _Label | None:
        """Serve `row` first on the backend that has just taken over; `cost` is that of the ones before."""
        backend, moved = switches.to, switches.at
        begins = max(arrived, moved)
        answered = begins + self._services[backend][row]
        if backend is Backend.GPU and not self._gpu_is_there(moved, answered):
            return None
        cost += self._price[backend] * (self._start_s[backend] + begins - moved)
        late = label.late + (answered - arrived > self._slo_s and self._can_meet[row])
        free = (*(moved,) * (self.scenario.slots - 1), answered)
        other_at = moved + self._start_s[_OTHER[backend]]
        return _Label(cost, late, backend, begins, arrived, answered, free, other_at, switches)

    def _may_leave(self, label: _Label, moved: float, to: Backend) -> bool:
        """Whether no outage is in the way of a switch."""
        if to is Backend.GPU:
            return self._gpu_is_there(moved - self._start_s[to], moved)
        return self._gpu_is_there(label.at, max(label.free[-1], moved))

    def _gpu_is_there(self, since: float, until: float) -> bool:
        return not self._trace.outages or all(until < one.begin_s or one.end_s <= since for one in self._trace.outages)

    def _prune(self, labels: list[_Label], price: float) -> list[_Label]:
        """The labels that no other one beats, the cheapest first, at most KEPT for each backend."""
        kept: list[_Label] = []
        for backend in Backend:
            hourly = self._price[backend] if self._absolute else 0.0
            mine = [label for label in labels if label.backend is backend]
            if len(mine) > 1:
                mine.sort(key=lambda label: label.cost + price * label.late - hourly * label.at)
                mine = self._unbeaten(mine)
            kept += mine
        return kept

    def _unbeaten(self, ordered: list[_Label]) -> list[_Label]:
        kept: list[_Label] = []
        for label in ordered:
            if not any(self._beats(better, label) for better in kept):
                kept.append(label)
                if len(kept) == KEPT:
                    break
        return kept

    def _beats(self, one: _Label, other: _Label) -> bool:
        """Whether the dearer of two labels has nothing that the cheaper one lacks; a closed loop's time is its own."""
        if not self._absolute:
            return one.other_at - one.at <= max(other.other_at - other.at, 0.0)
        if one.other_at > max(other.other_at, other.at):
            return False
        return all(mine <= theirs for mine, theirs in zip(one.free, other.free, strict=True))

    def _close(self, label: _Label) -> _Found:
        """The end: the last answer is given, and everything is released."""
        ended_at = max(label.free[-1], label.answered)
        cost = label.cost + self._price[label.backend] * (ended_at - label.at)
        orders: list[float] = []
        initial, chain = label.backend, label.switches
        while chain is not None:
            orders.append(chain.at - self._start_s[chain.to])
            initial, chain = chain.to.other, chain.before
        return _Found(Plan(initial, tuple(reversed(orders))), cost, label.late)
