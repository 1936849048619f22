"""The context of a decision: settings, memory, observation and time, and what follows from them."""

from functools import cache
from math import exp, inf
from typing import NamedTuple

from runtime_images.policy.learning import learn
from runtime_images.policy.learning.answers import NOTHING, Fresh
from runtime_images.policy.learning.estimators import alarm_step, alarm_threshold, closed_loop_clients
from runtime_images.policy.model import CPU, GPU, Backend, LaneObservation, Observation
from runtime_images.policy.planning import plans
from runtime_images.policy.planning.forecast import Forecast, forecast
from runtime_images.policy.planning.plans import Terms
from runtime_images.policy.settings import PolicySettings
from runtime_images.policy.state import Level, PolicyState

RETURNING_MOST = 10
NOT_ASKED = -1
ALONE = 4.6
"""The evidence at which requests are taken for those of a single waiting client: odds of 100 to 1."""


class Choice(NamedTuple):
    """What a rule wants: to stay on the active backend, or to move to the other one."""

    rule: str
    moves: bool


@cache
def stay(rule: str) -> Choice:
    """Keep the active backend."""
    return Choice(rule, moves=False)


@cache
def move(rule: str) -> Choice:
    """Go to the other backend."""
    return Choice(rule, moves=True)


class Context:
    """A moment. The rules write what they learn of it on `state`, this decision's own copy; nothing else changes.

    `cpu` and `gpu` are what is seen of the backends, `here` that of the active one. What only some rules ask for is
    worked out when one asks, and once.
    """

    __slots__ = (
        "_clients", "_forecast", "_overdue_s", "_terms", "cpu", "fresh", "gpu", "here", "now", "seen", "settings",
        "slo_s", "state",
    )  # fmt: skip

    def __init__(
        self,
        settings: PolicySettings,
        state: PolicyState,
        seen: Observation,
        now: float,
        fresh: Fresh = NOTHING,
    ) -> None:
        self.settings = settings
        self.state = state
        self.seen = seen
        self.now = now
        self.fresh = fresh
        self.cpu: LaneObservation = seen.lanes[CPU]
        self.gpu: LaneObservation = seen.lanes[GPU]
        self.here = self.gpu if seen.active is GPU else self.cpu
        self.slo_s = settings.latency_slo_s
        self._overdue_s: tuple[float, ...] | None = None
        self._clients: int | None = NOT_ASKED
        self._forecast: Forecast | None = None
        self._terms: Terms | None = None

    # what waits

    @property
    def overdue_s(self) -> tuple[float, ...]:
        """The ages of requests without an answer that are over the SLO already, cold starts left out."""
        if self._overdue_s is None:
            self._overdue_s = self._find_overdue(self.slo_s)
        return self._overdue_s

    def _find_overdue(self, slo_s: float | None) -> tuple[float, ...]:
        waiting, serving = self.seen.queue_ages_s, self.here.in_flight_ages_s
        if slo_s is None or not ((waiting and waiting[0] > slo_s) or (serving and serving[0] > slo_s)):
            return ()
        longest = learn.answerable_s(self.state, self.now)
        return tuple([age for age in (*self._warm_ages_s, *waiting) if slo_s < age <= longest])

    @property
    def serving_s(self) -> float:
        """How long the oldest request has at least been served; a cold start does not count.

        Its age has the wait in the queue in it, which ended no earlier than the last request finished.
        """
        finished_at = self.state.lane(self.seen.active).finished_at
        return min(max(self._warm_ages_s, default=0.0), self.now - finished_at)

    @property
    def _warm_ages_s(self) -> tuple[float, ...]:
        cold = max(self.seen.slots - self.state.lane(self.seen.active).served, 0)
        return self.here.in_flight_ages_s[cold:]

    @property
    def alarm(self) -> float:
        """The evidence that the SLO is missed, with the requests that are late but not finished."""
        slo_s, late = self.slo_s, self.overdue_s
        if slo_s is None or not late:
            return self.state.alarm
        return self.state.alarm + sum([alarm_step(age, slo_s, self.state.allowed) for age in late])

    @property
    def threshold(self) -> float:
        """The alarm at which the SLO is breached; one bad request is enough where the GPU was left though needed."""
        returning = self.state.demoted_by in ("idle", "trial", "leaving") and self.state.cpu.served <= RETURNING_MOST
        if returning and self.state.points:
            return 1.0
        return alarm_threshold(self.seen.arrival_rate)

    @property
    def utilization(self) -> float:
        """How many of the active backend's slots the arriving work needs, as a share."""
        return learn.utilization(self.state, self.seen)

    # what the load is

    def level(self, backend: Backend) -> Level | None:
        """Return the service times of a backend lately; for the inactive one, when it last served."""
        return self.state.lane(backend).level

    @property
    def closed_clients(self) -> int | None:
        """How many clients wait for their answers before they ask again; None for an open stream."""
        if self._clients == NOT_ASKED:
            self._clients = self._count_clients()
        return self._clients

    def _count_clients(self) -> int | None:
        if self.state.alone >= ALONE:
            return 1
        latency_s = self.state.lane(self.seen.active).latency_s
        return closed_loop_clients(self.state.clients, self.seen.arrival_rate, latency_s)

    # what it costs

    def price(self, backend: Backend) -> float:
        """Return the price of a second of a backend here and now, with its energy."""
        lane = self.cpu if backend is CPU else self.gpu
        price = self.settings.prices.per_second(backend) if lane.price_per_s is None else lane.price_per_s
        return price + lane.watts * self.seen.energy_price_per_j

    def start_up_s(self, backend: Backend) -> float:
        """Return how long a backend takes to start, as far as is known."""
        return learn.start_up_s(self.settings, self.seen, backend)

    def usable(self, backend: Backend) -> bool:
        """Return whether a backend is available and the node has the power for it."""
        lane = self.cpu if backend is CPU else self.gpu
        budget_w = self.seen.power_budget_w
        return lane.available and (budget_w is None or lane.watts <= budget_w)

    @property
    def break_even_s(self) -> float:
        """How long a demotion must last to pay for itself."""
        return self.terms.break_even_s

    @property
    def terms(self) -> Terms:
        """Moving and holding, priced in seconds of GPU."""
        if self._terms is None:
            self._terms = self._price_terms()
        return self._terms

    def _price_terms(self) -> Terms:
        gpu, cpu = self.price(GPU), self.price(CPU)
        start_gpu_s, start_cpu_s = self.start_up_s(GPU), self.start_up_s(CPU)
        if gpu <= 0:
            return Terms(start_gpu_s, 0.0, 0.0, inf, self.settings.violation_cost_s)
        ratio = cpu / gpu
        break_even_s = (start_gpu_s + start_cpu_s * ratio) / (1 - ratio) if ratio < 1 else inf
        extra = self._extra(ratio)
        detection_s = 0.0 if self.seen.active is CPU else plans.DETECTION_S
        return Terms(start_gpu_s, start_cpu_s * ratio, extra, break_even_s, self.settings.violation_cost_s, detection_s)

    def _extra(self, ratio: float) -> float:
        """Return the GPU's cost a second beyond the CPU's, which a closed loop would keep busy for longer."""
        if self.seen.active is CPU or self.closed_clients is None:
            return 1.0 - ratio
        return 1.0 - ratio * max(self.forecast.stretch, 1.0)

    @property
    def cpu_is_cheaper(self) -> bool:
        """Whether the present requests would cost clearly less on the CPU."""
        return self.terms.extra > 0.1

    # the forecast for the CPU

    @property
    def forecast(self) -> Forecast:
        """What is predicted of the CPU for the requests that the GPU serves."""
        if self._forecast is None:
            self._forecast = forecast(self.state, self.seen, self.slo_s, self.closed_clients)
        return self._forecast

    @property
    def certainty(self) -> float:
        """How far old knowledge of the CPU counts; it fades while the CPU, seen hopefully, would keep the SLO."""
        since = self.state.calm_since
        return 1.0 if since is None else exp((since - self.now) / self.state.dwell_s)

    # the plan

    @property
    def plan(self) -> int:
        """The strategy that would have cost least lately (plans.py)."""
        return plans.best(self.state.account, self.terms)

    @property
    def patience_s(self) -> float:
        """How long the GPU is held without being needed."""
        terms = self.terms
        multiple = plans.MULTIPLES[self.plan] or 1.0
        return_s = 0.0 if self.slo_s is None else plans.return_s(self.state.account, terms, self.state.rate)
        return max(multiple * terms.break_even_s, return_s, self.state.dwell_s, self.settings.idle_s)

    @property
    def has_switched_enough(self) -> bool:
        """Whether the GPU has been left of the policy's own will as often within an hour as it may be."""
        since, demotions = self.now - learn.HOUR_S, self.state.demotions
        if len(demotions) < self.settings.demotions_per_hour:
            return False
        return sum([at > since for at in demotions]) >= self.settings.demotions_per_hour

    @property
    def quiet_since(self) -> float:
        """When the GPU was last needed, or came."""
        return max(self.state.account.breach_at, self.state.moved_at)
