"""The new answers in an observation: each is learned from once, and cold starts are set apart.

The first requests after a start pay for it (caches, lazy imports, compilation), so they teach nothing.
"""

from typing import NamedTuple

from runtime_images.policy.learning.estimators import LEVEL_MOST, level_of, recent_from
from runtime_images.policy.model import LaneObservation
from runtime_images.policy.state import BackendMemory, Level

FLOOR_CREEP_S = 600.0
TAIL_FROM = 2.0
TAIL_FOLLOWS = 0.1


class Fresh(NamedTuple):
    """The requests that finished on the active backend since the last decision, `cold` ones first.

    `slowest_s` is their longest latency, which no service time exceeds: most questions about them are answered by it.
    """

    services_s: tuple[float, ...] = ()
    latencies_s: tuple[float, ...] = ()
    cold: int = 0
    slowest_s: float = 0.0


NOTHING = Fresh()


def read_backend(memory: BackendMemory, lane: LaneObservation, slots: int, now: float) -> tuple[BackendMemory, Fresh]:
    """Return the memory of a backend after `lane`, and the new requests on it, cold starts among them."""
    if lane.running is (memory.ready_at is None):
        if lane.running:
            memory = memory._replace(ready_at=now, ats=(), services_s=(), latencies_s=(), level=None)
        else:
            memory = memory._replace(ready_at=None, served=0)
    finished = lane.finished - memory.seen
    if finished <= 0:
        return (memory._replace(seen=lane.finished) if finished else memory), NOTHING
    listed = len(lane.recent_services_s)
    kept = min(finished, listed)
    cold = min(max(slots - memory.served - (finished - kept), 0), kept)
    fresh = _fresh(lane.recent_services_s[listed - kept :], lane.recent_latencies_s[listed - kept :], cold)
    served = memory.served + finished if lane.running else 0
    if kept <= cold:
        return memory._replace(seen=lane.finished, served=served, finished_at=now), fresh
    return _take_in(memory, fresh, lane.finished, served, now), fresh


def _fresh(services_s: tuple[float, ...], latencies_s: tuple[float, ...], cold: int) -> Fresh:
    if not services_s:
        return NOTHING
    return Fresh(services_s, latencies_s, cold, max(latencies_s))


def _take_in(memory: BackendMemory, fresh: Fresh, seen: int, served: int, now: float) -> BackendMemory:
    """Learn from new requests; the floor follows them down at once and creeps up, so that it is not kept forever."""
    count = min(len(fresh.services_s) - fresh.cold, LEVEL_MOST)  # what is older is no part of the present
    ats = memory.ats + (now,) * count
    begin = recent_from(ats)
    services_s = (memory.services_s + fresh.services_s[-count:])[begin:]
    latencies_s = (memory.latencies_s + fresh.latencies_s[-count:])[begin:]
    level, floor_s = level_of(services_s), memory.floor_s
    assert level is not None
    if floor_s is None or level.p50_s <= floor_s:
        floor_s = level.p50_s
    else:
        floor_s += (level.p50_s - floor_s) * min((now - memory.floor_at) / FLOOR_CREEP_S, 1.0)
    tail = memory.tail_s, memory.tail_size, memory.tail_at
    if fresh.slowest_s > TAIL_FROM * level.p50_s and max(fresh.services_s) > TAIL_FROM * level.p50_s:
        tail = _follow_tail(memory, fresh, level, now)
    return BackendMemory(
        seen, served, memory.ready_at, now, ats[begin:], services_s, latencies_s, level, floor_s, now, *tail
    )


def _follow_tail(memory: BackendMemory, fresh: Fresh, level: Level, now: float) -> tuple[float, int, float]:
    """Learn from requests far slower than usual: too few for a level, they still may need a GPU."""
    tail_s, size = memory.tail_s, memory.tail_size
    for service_s in fresh.services_s[fresh.cold :]:
        if service_s > TAIL_FROM * level.p50_s:
            size += 1
            tail_s += (service_s - tail_s) * max(1 / size, TAIL_FOLLOWS)
    return tail_s, size, now if size > memory.tail_size else memory.tail_at
