"""What a node of the continuum gives over time: a GPU or none, power, and what a second and a joule cost.

An edge or a space node is not the same all day: a satellite passes out of reach, an orbit goes through the Earth's
shadow, a price changes with the hour. A `Stretch` says how things are from one moment on. A backend that draws more
than the node can give is unavailable, like one that is away; the CPU backend is always available.

`Supply` is what a replay makes of it: when there is no GPU, and what holding a backend has come to by any moment.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import inf

from gaia_cli.simulator.traces.trace import Outage, Trace
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.node.stretch import AS_EVER, Stretch
from runtime_images.policy.model import Backend


class Accrual:
    """The sum over time, from 0 on, of a rate that changes at a few moments."""

    def __init__(self, steps: Sequence[tuple[float, float]]) -> None:
        self._ats = [at for at, _ in steps]
        self._rates = [rate for _, rate in steps]
        grown = (rate * (end - at) for (at, rate), (end, _) in pairwise(steps))
        self._sums = list(accumulate(grown, initial=0.0))

    def by(self, now: float) -> float:
        """Return the sum up to `now`."""
        place = bisect_right(self._ats, now) - 1
        return self._sums[place] + self._rates[place] * (now - self._ats[place])


class _Spans:
    """Outages in their order, apart from one another."""

    def __init__(self, outages: tuple[Outage, ...]) -> None:
        self.outages = outages
        self._begins = [one.begin_s for one in outages]

    def hold(self, now: float) -> bool:
        """Return whether `now` is in one of them."""
        place = bisect_right(self._begins, now) - 1
        return place >= 0 and now < self.outages[place].end_s


class Supply:
    """What `trace`'s node gives under the prices of `scenario`.

    `outages` are the spans without a GPU, whatever the reason, in their order and apart from one another; `edges` are
    the moments at which a price may change; `varies` says whether anything but outages is known of the node.
    """

    def __init__(self, trace: Trace, scenario: Scenario) -> None:
        self.varies = bool(trace.node)
        self._stretches = trace.node if trace.node and trace.node[0].from_s <= 0.0 else (AS_EVER, *trace.node)
        self._begins = [one.from_s for one in self._stretches]
        self.edges = self._begins[1:]
        self._scenario = scenario
        away = [*trace.outages, *self._spans([not one.gpu for one in self._stretches])]
        self._away = _Spans(_merged(away))
        self._gone = _Spans(_merged([*away, *self._spans([one.lacks_power for one in self._stretches])]))
        self.outages = self._gone.outages
        self._planned = [one.begin_s for one in self.outages if one.planned]
        self._cheaper = [min(Backend, key=lambda one: self._rate(one, stretch)) for stretch in self._stretches]
        self._money = {backend: self._sum_up(backend, self._rate) for backend in Backend}
        self._joules = {backend: self._sum_up(backend, lambda one, stretch: stretch.watts(one)) for backend in Backend}

    def at(self, now: float) -> Stretch:
        """Return how the node is at `now`."""
        return self._stretches[bisect_right(self._begins, now) - 1]

    def cheaper(self, now: float) -> Backend:
        """Return the backend that costs less a second at `now`."""
        return self._cheaper[bisect_right(self._begins, now) - 1]

    def spent(self, backend: Backend, by: float) -> float:
        """Return the cost of a backend by then, held whenever it is available; what counts are differences."""
        return self._money[backend].by(by)

    def joules(self, backend: Backend, by: float) -> float:
        """Return the energy drawn by a backend by then, held whenever it is available."""
        return self._joules[backend].by(by)

    def lacks_power_only(self, now: float) -> bool:
        """Return whether a GPU is there that the node has too little power for."""
        return self.at(now).lacks_power and not self._away.hold(now)

    def next_planned_loss(self, now: float) -> float | None:
        """Return when the GPU will next be gone, as far as is known in advance."""
        coming = bisect_right(self._planned, now)
        return self._planned[coming] if coming < len(self._planned) else None

    def _spans(self, away: Sequence[bool]) -> list[Outage]:
        """Return the marked stretches as outages: what a timetable says is known in advance."""
        ends = [*self._begins[1:], inf]
        spans = zip(self._begins, ends, away, strict=True)
        return [Outage(begin, end, planned=True) for begin, end, is_away in spans if is_away]

    def _sum_up(self, backend: Backend, rate_of: Callable[[Backend, Stretch], float]) -> Accrual:
        """Sum up a rate of this backend, which is 0 while the GPU is away."""
        edges = {0.0, *self._begins}
        if backend is Backend.GPU:
            edges.update(edge for one in self.outages for edge in (one.begin_s, one.end_s) if 0.0 < edge < inf)
        gone = self._gone.hold if backend is Backend.GPU else lambda _: False
        return Accrual([(at, 0.0 if gone(at) else rate_of(backend, self.at(at))) for at in sorted(edges)])

    def _rate(self, backend: Backend, stretch: Stretch) -> float:
        return stretch.per_second(backend, self._scenario.price(backend))


def _merged(outages: Sequence[Outage]) -> tuple[Outage, ...]:
    """Sort the spans and join those that touch; a joined one is known in advance if its beginning is."""
    merged: list[Outage] = []
    for one in sorted(outages, key=lambda one: (one.begin_s, not one.planned)):
        if merged and one.begin_s <= merged[-1].end_s:
            before = merged.pop()
            merged.append(Outage(before.begin_s, max(before.end_s, one.end_s), before.planned))
        else:
            merged.append(one)
    return tuple(merged)
