"""What a cluster's controller shows the policy of a backend of many pods, in place of what one runtime would show.

As in `runtime_images/controller/measuring/lane.py`: a backend costs as many pods as the load needs there, and what
waits on one that widens waits for a pod.
"""

from dataclasses import replace

from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.pods import Autoscaler
from runtime_images.policy.model import Backend, LaneObservation, Observation
from runtime_images.policy.pods import predicted_pods, wanted_pods

_RECENT = 50
"""Answers of a backend whose mean service time counts for its pods."""


def in_cluster(
    backends: Backends, scaler: Autoscaler, seen: Observation, prices: dict[Backend, float], now: float
) -> Observation:
    """Return what is seen, as of backends of many pods; a pod costs its price of `prices` a second."""
    instance = backends.flow.active
    at_once = 0.0 if instance is None else backends.at_once(instance, now)
    waits = instance is not None and instance.backend is seen.active and scaler.widens(instance, at_once)
    coming = wanted_pods(at_once, scaler.limits, instance.pods) if instance is not None and waits else None
    lanes = {
        backend: _lane(backends, scaler, seen, backend, prices[backend], coming if backend is seen.active else None)
        for backend in Backend
    }
    slots = lanes[seen.active].slots or seen.slots
    return replace(seen, lanes=lanes, queue_ages_s=() if waits else seen.queue_ages_s, slots=slots)


def _lane(
    backends: Backends, scaler: Autoscaler, seen: Observation, backend: Backend, price: float, coming: int | None
) -> LaneObservation:
    """Return a backend as the policy sees it; `coming` is how many pods it will have, None where it does not widen."""
    lane, instance = seen.lanes[backend], backends.instance(backend)
    running = instance.pods if instance is not None and instance.ready else 0
    services_s = backends.meters[backend].services[-_RECENT:]
    if coming is not None:
        needed = coming
    elif services_s:
        needed = predicted_pods(seen.arrival_rate, sum(services_s) / len(services_s), scaler.limits, running)
    else:
        needed = max(running, scaler.limits.least, 1)
    return replace(
        lane,
        recent_latencies_s=lane.recent_latencies_s if coming is None else lane.recent_services_s,
        in_flight_ages_s=lane.in_flight_ages_s if coming is None else (),
        price_per_s=needed * (price if lane.price_per_s is None else lane.price_per_s),
        slots=backends.slots * max(needed, running),
    )
