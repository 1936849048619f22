"""Dynamic programming over the requests of a trace: the cheapest plan to serve them all, the future being known.

The model is the same as every policy's: one backend takes the traffic, a start is ordered its start-up time ahead, the
old backend is held until it has drained, and the next start is ordered when the last switch is through. Knowing the
future, one starts a backend just in time, so all that is left to choose is which backend serves each request. That is
dynamic programming over the requests: a label is one way to have served all of them so far, with the active backend,
when its slots are free, the earliest moment at which the other one could take over, its cost and its violations. From
each label a request is served where the last one was, on the other backend, or back here after a pause on the cheaper
one. Which request is the next one is the label's own matter, too: of clients that wait for their answers, the one whose
request comes first.

The moments of a switch that are looked at are those at which its cost may be least (`_moments`), and of the labels only
a few are kept (`labels`): the plan found is near the optimum, not proved to be it.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil, isnan

from gaia_cli.simulator.policies.labels import Chain, Label, Plan, Pruner
from gaia_cli.simulator.traces.trace import NONE_FOLLOWS, Trace
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import LATE_ALLOWED

STEPS_MOST = 5000
"""Moments at which a switch is considered: beyond as many requests, only at every second one, every third and so on."""

MOMENT_S = 1e-6
"""Before an arrival, or after a beginning: near enough to cost nothing, far enough to be a different moment."""

_OTHER = {backend: backend.other for backend in Backend}


@dataclass(frozen=True, slots=True)
class Found:
    """The best plan at one price of a violation."""

    plan: Plan
    cost: float
    late: int


class Search:
    """The dynamic program over one trace."""

    def __init__(self, trace: Trace, scenario: Scenario) -> None:
        self.scenario = scenario
        self.requests = len(trace)
        self.allowed = LATE_ALLOWED * len(trace)
        self._trace = trace
        self._services = {backend: trace.service_s(backend) for backend in Backend}
        self._supply = Supply(trace, scenario)
        self._outages = self._supply.outages
        self._edges = sorted({*self._supply.edges, *(at for one in self._outages for at in (one.begin_s, one.end_s))})
        self._start_s = {backend: scenario.start_s(backend) for backend in Backend}
        self._slo_s = scenario.slo_p95_s
        self._can_meet = bytes(min(both) <= self._slo_s for both in zip(trace.cpu_s, trace.gpu_s, strict=True))
        absolute = bool(self._outages) or self._supply.varies or not all(isnan(arrival) for arrival in trace.arrival_s)
        self._pruner = Pruner(self._supply, scenario.violation_price, absolute=absolute)

    def objective(self, found: Found) -> float:
        """Return the objective that a plan is judged by."""
        return self.scenario.objective(found.cost, self.requests, found.late)

    def best(self, price: float | None) -> Found:
        """Return the plan that costs least if every avoidable violation costs `price`; None leaves 5 % of them free."""
        labels = self._first()
        step = ceil(self.requests / STEPS_MOST)
        for row in range(0, self.requests, step):
            after: list[Label] = []
            for label in labels:
                self._serve(label, min(step, self.requests - row), after)
            labels = self._pruner.prune(after, price)
        found = [self._close(label) for label in labels]
        return min(found, key=self.objective if price is None else lambda one: one.cost + price * one.late)

    def _first(self) -> list[Label]:
        """Begin on both backends; a GPU that is lost while it starts is started again when it is back."""
        labels = []
        coming = tuple(sorted((self._trace.sent_s(row, 0.0, 0.0), row) for row in self._trace.firsts))
        for backend in Backend:
            ready_at = self._start_s[backend]
            for outage in self._outages if backend is Backend.GPU else ():
                if outage.begin_s <= ready_at:
                    ready_at = outage.end_s + self._start_s[backend]
            cost = self._supply.spent(backend, ready_at)
            free = (ready_at,) * self.scenario.slots
            other_at = ready_at + self._start_s[_OTHER[backend]] + MOMENT_S
            labels.append(Label(cost, 0, backend, ready_at, 0.0, free, other_at, coming, None))
        return labels

    def _serve(self, label: Label, count: int, after: list[Label]) -> None:
        """Add to `after` the ways to serve the next `count` requests; a switch comes before the first of them."""
        arrived, row = label.coming[0]
        ways = [
            (label, count),
            *((self._switch(label, at), count - 1) for at in self._moments(label, row, arrived)),
        ]
        if label.backend is not self._supply.cheaper(label.at):
            ways.append((self._pause(label, arrived), count - 1))
        after += [self._stay(way, left) if left else way for way, left in ways if way is not None]

    def _stay(self, label: Label, count: int) -> Label:
        """Serve the next `count` requests where the last one was."""
        cost, late, backend, at, ended, free, other_at, coming, switches = label
        services, since = self._services[backend], at
        outages = self._outages if backend is Backend.GPU else ()
        for _ in range(count):
            arrived, row = coming[0]
            begins = max(arrived, free[0])
            answered = begins + services[row]
            for outage in outages:
                if at < outage.begin_s <= answered:  # it is lost, nothing is held until it is back, and then it starts
                    back = outage.end_s + self._start_s[backend]
                    begins, free = max(begins, back), (back,) * len(free)
                    answered, other_at = begins + services[row], back + self._start_s[_OTHER[backend]] + MOMENT_S
            free = (answered,) if len(free) == 1 else tuple(sorted((*free[1:], answered)))
            late += answered - arrived > self._slo_s and self._can_meet[row]
            ended = max(ended, answered)
            at = begins
            coming = self._then(coming, answered)
        cost += self._held(backend, since, at)
        return Label(cost, late, backend, at, ended, free, other_at, coming, switches)

    def _then(self, coming: tuple[tuple[float, int], ...], answered: float) -> tuple[tuple[float, int], ...]:
        """Return what comes after the first of `coming`, which is answered then."""
        arrived, row = coming[0]
        following = self._trace.following[row]
        if following == NONE_FOLLOWS:
            return coming[1:]
        sent = (self._trace.sent_s(following, arrived, answered), following)
        return (sent,) if len(coming) == 1 else tuple(sorted((*coming[1:], sent)))

    def _moments(self, label: Label, row: int, arrived: float) -> set[float]:
        """Return when the other backend may take over for the next request.

        A cheaper one when this one has drained, a dearer one when the request comes; both where a price changes, or
        where a GPU that is away costs nothing, and at the changes in between. Behind a queue also as late as the
        request's SLO allows, and just before it would begin here.
        """
        to = _OTHER[label.backend]
        soon = max(label.other_at, label.at + MOMENT_S)
        late = max(soon, arrived - MOMENT_S)
        moments = {late}
        if self._outages or self._supply.varies:
            moments |= {soon, *self._kinks(to, soon, late)}
        elif to is self._supply.cheaper(label.at):
            moments = {min(max(soon, label.free[-1]), late)}
        begins = max(arrived, label.free[0]) - MOMENT_S
        if begins > late:
            in_time = arrived + self._slo_s - self._services[to][row] - MOMENT_S
            moments |= {begins, in_time} if late < in_time < begins else {begins}
        return moments

    def _kinks(self, to: Backend, since: float, until: float) -> list[float]:
        """Return the moments in between at which the cost of a switch may change its slope."""
        start_s, edges = self._start_s[to], self._edges
        near = edges[bisect_left(edges, since - start_s) : bisect_left(edges, until)]
        return [at for edge in near for at in (edge, edge + start_s) if since < at < until]

    def _switch(self, label: Label, moved: float) -> Label | None:
        """Let the other backend take over at `moved`, before the next request begins here."""
        to, arrived = _OTHER[label.backend], label.coming[0][0]
        earliest = max(label.other_at, label.at + MOMENT_S)
        lost_at = self._lost_at(label, moved)
        if lost_at is not None:  # the GPU goes first: the other one's start must have been ordered by then
            moved = max(earliest, min(moved, lost_at - MOMENT_S + self._start_s[to]))
            if label.free[-1] >= lost_at or moved - self._start_s[to] >= lost_at:
                return None
        if to is Backend.GPU and not self._gpu_is_there(moved - self._start_s[to], moved):
            return None
        if lost_at is None and moved >= max(arrived, label.free[0]):
            return None
        drained = max(label.free[-1], moved) if lost_at is None else min(lost_at, moved)
        cost = label.cost + self._held(label.backend, label.at, drained)
        return self._begin(label, cost, Chain(label.switches, to, moved))

    def _pause(self, label: Label, arrived: float) -> Label | None:
        """Release this backend, with the cheaper one in its stead, until the next request has `arrived`."""
        to = _OTHER[label.backend]
        left, back = max(label.other_at, label.at + MOMENT_S), arrived - MOMENT_S
        if back < left + self._start_s[label.backend] or self._lost_at(label, left) is not None:
            return None
        on_gpu_from = back - self._start_s[Backend.GPU] if label.backend is Backend.GPU else left - self._start_s[to]
        if not self._gpu_is_there(on_gpu_from, back):
            return None
        drained = max(label.free[-1], left)
        cost = label.cost + self._held(label.backend, label.at, drained)
        cost += self._held(to, left - self._start_s[to], back)
        if cost > label.cost + self._held(label.backend, label.at, back) and not self._outages:
            return None
        return self._begin(label, cost, Chain(Chain(label.switches, to, left), label.backend, back))

    def _begin(self, label: Label, cost: float, switches: Chain) -> Label:
        """Serve the next request on the backend that has just taken over; `cost` is that of the ones before."""
        (arrived, row), backend, moved = label.coming[0], switches.to, switches.at
        ready, begins = moved, max(arrived, moved)
        answered = begins + self._services[backend][row]
        for outage in self._outages if backend is Backend.GPU else ():
            if moved < outage.begin_s <= answered:
                ready = outage.end_s + self._start_s[backend]
                begins = max(arrived, ready)
                answered = begins + self._services[backend][row]
        cost += self._held(backend, moved - self._start_s[backend], begins)
        late = label.late + (answered - arrived > self._slo_s and self._can_meet[row])
        free = (*(ready,) * (self.scenario.slots - 1), answered)
        other_at = ready + self._start_s[_OTHER[backend]] + MOMENT_S
        ended = max(label.ended, answered)
        coming = self._then(label.coming, answered)
        return Label(cost, late, backend, begins, ended, free, other_at, coming, switches)

    def _lost_at(self, label: Label, moved: float) -> float | None:
        """Return when the GPU that serves is lost before it has been left and drained; None if it is not."""
        if label.backend is Backend.CPU:
            return None
        until = max(label.free[-1], moved)
        return next((one.begin_s for one in self._outages if label.at < one.begin_s <= until), None)

    def _gpu_is_there(self, since: float, until: float) -> bool:
        return all(until < one.begin_s or one.end_s <= since for one in self._outages)

    def _held(self, backend: Backend, since: float, until: float) -> float:
        """Return the cost of holding a backend for this long; a GPU that is away costs nothing."""
        return self._supply.spent(backend, until) - self._supply.spent(backend, since)

    def _close(self, label: Label) -> Found:
        """Give the last answer and release everything."""
        cost = label.cost + self._held(label.backend, label.at, label.ended)
        orders: list[float] = []
        initial, chain = label.backend, label.switches
        while chain is not None:
            orders.append(chain.at - self._start_s[chain.to])
            initial, chain = chain.to.other, chain.before
        return Found(Plan(initial, tuple(reversed(orders))), cost, label.late)
