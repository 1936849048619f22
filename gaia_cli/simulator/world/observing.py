"""What the policy is shown at a moment, as the runtime would show it: only what has finished or is in flight.

A replay asks a thousand times for every decision that anybody reads. So what no decision depends on is left out where
the answer is not for the record: the p95 and the seconds held, and the answers that have been shown before.
"""

from bisect import bisect_left

from gaia_cli.simulator.world.backends import Backends
from runtime_images.policy.model import Backend, LaneObservation, Observation

ARRIVALS_OVER_S = 5.0
ARRIVALS_MOST = 4096
"""The span over which the runtime counts arrivals, and how many it keeps."""


def observe(backends: Backends, now: float, *, for_record: bool = True) -> Observation:
    """The observation of the present moment; not `for_record`, with only what a decision depends on."""
    flow = backends.flow
    arrived = flow.arrived
    total = len(arrived)
    node = backends.supply.at(now) if backends.supply.varies else None
    arrivals = total - bisect_left(arrived, now - ARRIVALS_OVER_S, max(0, total - ARRIVALS_MOST), total)
    return Observation(
        active=backends.target,
        switching_to=backends.switching_to,
        lanes={backend: _observe_lane(backends, backend, now, for_record) for backend in Backend},
        queue_ages_s=tuple([now - arrived[row] for row in flow.queue]) if flow.queue else (),
        arrival_rate=arrivals / ARRIVALS_OVER_S,
        idle_s=0.0 if flow.queue or flow.serving else now - flow.last_activity,
        slots=backends.slots,
        power_budget_w=node.power_w if node is not None else None,
        energy_price_per_j=node.joule_price if node is not None else 0.0,
    )


def _observe_lane(backends: Backends, backend: Backend, now: float, for_record: bool) -> LaneObservation:
    lane, worker = backends.lanes[backend], backends.worker(backend)
    supply, is_gpu = backends.supply, backend is Backend.GPU
    first, finished, available = lane.first_within(now), len(lane.finished_at), backends.usable(backend, now)
    if (
        worker is None and not supply.outages and not supply.varies
    ):  # most of the time one lane is like this, and looks as it did before
        known = backends.last_seen.get(backend)
        if known is not None and known[:3] == (first, finished, available):
            return known[3]
    loss_at = supply.next_planned_loss(now) if is_gpu else None
    node = supply.at(now) if supply.varies else None
    begin = first if for_record else max(first, lane.shown)
    lane.shown = finished
    seen = LaneObservation(
        available=available or (is_gpu and supply.lacks_power_only(now)),
        running=worker is not None and worker.ready,
        p95_s=lane.p95(first) if for_record else None,
        recent_latencies_s=tuple(lane.latencies[begin:]),
        recent_services_s=tuple(lane.services[begin:]),
        in_flight_ages_s=backends.flow.ages_s(worker, now) if worker is not None else (),
        cpu_share=lane.cpu_share,
        answered=finished - bisect_left(lane.finished_at, lane.since, first),
        start_up_s=lane.start_up_s,
        held_s=backends.held_s(backend, now) if for_record else 0.0,
        finished=finished,
        available_for_s=loss_at - now if loss_at is not None else None,
        price_per_s=node.price(backend) if node is not None else None,
        watts=node.watts(backend) if node is not None else 0.0,
    )
    if worker is None:
        backends.last_seen[backend] = (first, finished, available, seen)
    else:
        backends.last_seen.pop(backend, None)
    return seen
