"""The policies that a trace can be replayed under, by name; each is asked at its own ticks."""

from bisect import bisect_left
from collections.abc import Callable

from gaia_cli.simulator.policies.clustered import in_cluster
from gaia_cli.simulator.policies.labels import Plan
from gaia_cli.simulator.policies.oracle import Planned
from gaia_cli.simulator.policies.reference import Reference
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Policy
from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Backend, LaneObservation, Observation, Prices
from runtime_images.policy.sampling import RATE_SPAN_S, TICK_S


class Gaia:
    """The policy of the runtime, unchanged and asked as often."""

    def __init__(self, scenario: Scenario) -> None:
        self.initial = scenario.mode.initial_backend
        self.falls_back = not scenario.mode.is_fixed
        prices = Prices(3600 * scenario.cpu_price, 3600 * scenario.gpu_price)
        self._settings = PolicySettings(scenario.mode, scenario.slo, prices)
        self._state = initial_state(self._settings)
        self._first_tick_s = scenario.first_decision_s % TICK_S or TICK_S
        self._prices = {backend: scenario.price(backend) for backend in Backend}

    def next_tick(self, now: float) -> float:
        """Return the next tick, as often as in the runtime."""
        return now + TICK_S if now else self._first_tick_s

    def choose(self, backends: Backends, now: float) -> Backend:
        """Ask `decide`."""
        seen = observe(backends, now)
        if backends.autoscaler is not None:
            seen = in_cluster(backends, backends.autoscaler, seen, self._prices, now)
        self._state, decision = decide(self._settings, self._state, seen, now)
        return decision.chosen


def observe(backends: Backends, now: float) -> Observation:
    """Return what the runtime would show now, and count its answers as shown.

    Only what has finished or is in flight can be seen, and, as in the runtime, each answer once.
    """
    flow, supply = backends.flow, backends.supply
    arrived = flow.arrived
    node = supply.at(now) if supply.varies else None
    return Observation(
        active=backends.target,
        switching_to=backends.switching_to,
        lanes={backend: _observe_backend(backends, backend, now) for backend in Backend},
        queue_ages_s=tuple([now - arrived[row] for row in flow.queue]) if flow.queue else (),
        arrival_rate=(len(flow.arrivals) - bisect_left(flow.arrivals, now - RATE_SPAN_S)) / RATE_SPAN_S,
        idle_s=0.0 if flow.queue or flow.serving else now - flow.last_activity,
        slots=backends.slots,
        power_budget_w=node.power_w if node is not None else None,
        energy_price_per_j=node.joule_price if node is not None else 0.0,
    )


def _observe_backend(backends: Backends, backend: Backend, now: float) -> LaneObservation:
    meter, instance, supply = backends.meters[backend], backends.instance(backend), backends.supply
    finished = len(meter.finished_at)
    first = meter.first_within(now)
    new, meter.shown = max(first, meter.shown), finished
    is_gpu = backend is Backend.GPU
    loss_at = supply.next_planned_loss(now) if is_gpu else None
    node = supply.at(now) if supply.varies else None
    return LaneObservation(
        available=backends.usable(backend, now) or (is_gpu and supply.lacks_power_only(now)),
        running=instance is not None and instance.ready,
        recent_latencies_s=tuple(meter.latencies[new:]),
        recent_services_s=tuple(meter.services[new:]),
        in_flight_ages_s=backends.flow.ages_s(instance, now) if instance is not None else (),
        cpu_share=meter.cpu_share,
        answered=finished - bisect_left(meter.finished_at, meter.since, first),
        start_up_s=backends.expected_start_s(backend),
        finished=finished,
        available_for_s=loss_at - now if loss_at is not None else None,
        price_per_s=node.price(backend) if node is not None else None,
        watts=node.watts(backend) if node is not None else 0.0,
    )


RUNTIME = "gaia"

POLICIES: dict[str, Callable[[Scenario], Policy]] = {
    RUNTIME: Gaia,
    "reference": Reference,
    "static-cpu": lambda _: Planned(Plan(Backend.CPU)),
    "static-gpu": lambda _: Planned(Plan(Backend.GPU)),
}
"""The policies that see only the past; the oracle, which sees the future, is a schedule of its own."""
