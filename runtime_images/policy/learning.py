"""What one observation teaches: the state before in, the state after out. No choice is made here.

Each finished request is learned from once. The first requests after a start pay for it (caches, lazy imports,
compilation), so they teach nothing; neither is a request that arrived before the backend was ready held against it.
"""

from dataclasses import replace

from runtime_images.policy.estimators import (
    ALARM_MAX,
    alarm_step,
    keep_recent,
    learn_point,
    level_of,
)
from runtime_images.policy.model import Backend, LaneObservation, Observation
from runtime_images.policy.state import LaneMemory, Point, PolicySettings, PolicyState, Sample

BAD_GAP_S = 3.0
PAIR_LEAST = 3
PAIR_MOST = 10
PAIR_WITHIN_S = 3.0
SAME_LOAD_S = 10.0
CLIENTS_MOST = 12
FLOOR_CREEP_S = 600.0
SOON = 4.0
_DEMOTIONS = ("calm", "idle", "trial")


def learn(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """The state after `seen`."""
    state = _note_move(settings, state, seen, now)
    warm: dict[Backend, tuple[Sample, ...]] = {}
    lanes: dict[Backend, LaneMemory] = {}
    for backend in Backend:
        lanes[backend], warm[backend] = _read_lane(state.lane(backend), seen.lanes[backend], seen.slots, now)
    state = replace(state, cpu=lanes[Backend.CPU], gpu=lanes[Backend.GPU])
    state = _weigh(settings, state, warm[seen.active], now)
    state = _note_overload(state, seen, now)
    state = _learn_relation(state, now)
    clients = len(seen.queue_ages_s) + len(seen.lanes[seen.active].in_flight_ages_s)
    return replace(state, clients=(*state.clients[-CLIENTS_MOST + 1 :], clients))


def _note_move(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """Start afresh where traffic has moved, and grow the patience where that undid a demotion soon."""
    if state.active is seen.active:
        return state
    moved = replace(
        state,
        active=seen.active,
        moved_at=now,
        alarm=0.0,
        bad_since=None,
        overload_since=None,
        calm_since=None,
        trial_due_since=None,
        clients=(),
    )
    if state.active is None:
        return moved
    if seen.active is Backend.CPU:
        return replace(moved, demoted_at=now, demoted_by=state.ordered, ordered="")
    return replace(_judge_demotion(settings, moved, now), ordered="")


def _judge_demotion(settings: PolicySettings, state: PolicyState, now: float) -> PolicyState:
    """A demotion undone soon doubles the patience before the next, a trial fourfold; one that held takes it back."""
    if state.demoted_by not in _DEMOTIONS:
        return state
    undone = now - state.demoted_at < max(60.0, SOON * state.dwell_s)
    factor = 2.0 if undone else 0.5
    trial_s = state.trial_s * factor**2 if state.demoted_by == "trial" else state.trial_s
    return replace(
        state,
        dwell_s=min(max(state.dwell_s * factor, settings.dwell_s), settings.dwell_max_s),
        trial_s=min(max(trial_s, settings.trial_s), settings.dwell_max_s),
    )


def _read_lane(
    memory: LaneMemory, lane: LaneObservation, slots: int, now: float
) -> tuple[LaneMemory, tuple[Sample, ...]]:
    """The memory of a backend after `lane`, and the new samples that are no cold starts."""
    if not lane.running:
        if memory.ready_at is not None:
            memory = replace(memory, ready_at=None, served=0)
    elif memory.ready_at is None:
        memory = replace(memory, ready_at=now, samples=(), level=None)
    finished = max(lane.finished - memory.seen, 0)
    if not finished:
        return (memory if lane.finished == memory.seen else replace(memory, seen=lane.finished)), ()
    kept = min(finished, len(lane.recent_services_s))
    cold = max(slots - memory.served - (finished - kept), 0)
    pairs = tuple(zip(lane.recent_services_s, lane.recent_latencies_s, strict=True))[
        len(lane.recent_services_s) - kept :
    ]
    warm = tuple(Sample(now, service, latency) for service, latency in pairs[cold:])
    samples = keep_recent((*memory.samples, *warm))
    served = memory.served + finished if lane.running else 0
    memory = replace(memory, seen=lane.finished, served=served, finished_at=now)
    return (_follow_floor(memory, samples, now) if warm else memory), warm


def _follow_floor(memory: LaneMemory, samples: tuple[Sample, ...], now: float) -> LaneMemory:
    """Take the new samples in; the floor follows them down at once and creeps up, so that it is not kept forever."""
    level, floor_s = level_of(samples), memory.floor_s
    assert level is not None
    if floor_s is None or level.p50_s <= floor_s:
        floor_s = level.p50_s
    else:
        floor_s += (level.p50_s - floor_s) * min((now - memory.floor_at) / FLOOR_CREEP_S, 1.0)
    return replace(memory, samples=samples, level=level, floor_s=floor_s, floor_at=now)


def _weigh(settings: PolicySettings, state: PolicyState, warm: tuple[Sample, ...], now: float) -> PolicyState:
    """Raise and lower the alarm with the requests that arrived after the backend took over."""
    slo = settings.latency_slo_s
    if slo is None:
        return state
    longest = answerable_s(state, now)
    fair = [sample.latency_s for sample in warm if sample.latency_s <= longest]
    if not fair:
        return state
    alarm = state.alarm
    for latency in fair:
        alarm = min(max(alarm + alarm_step(latency, slo), 0.0), ALARM_MAX)
    bad = sum(latency > slo for latency in fair)
    state = replace(state, alarm=alarm, requests=state.requests + len(fair), violations=state.violations + bad)
    return _note_bad(state, now) if bad else state


def _note_bad(state: PolicyState, now: float) -> PolicyState:
    """Remember that a request was bad just now; after a pause in the trouble it begins anew."""
    going_on = state.bad_since is not None and now - state.bad_at <= BAD_GAP_S
    return replace(state, bad_since=state.bad_since if going_on else now, bad_at=now)


def answerable_s(state: PolicyState, now: float) -> float:
    """The longest latency for which the active backend can be held to account."""
    assert state.active is not None
    ready_at = state.lane(state.active).ready_at
    return now - max(state.moved_at, state.moved_at if ready_at is None else ready_at)


def _note_overload(state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """Remember since when more work arrives than the backend can do, with a queue to show for it."""
    overloaded = utilization(state, seen) > 1.0 and len(seen.queue_ages_s) > seen.slots
    if overloaded is (state.overload_since is not None):
        return state
    return replace(state, overload_since=now if overloaded else None)


def utilization(state: PolicyState, seen: Observation) -> float:
    """How many of the active backend's slots the arriving work needs, as a share."""
    level = state.lane(seen.active).level
    return 0.0 if level is None else seen.arrival_rate * level.mean_s / seen.slots


def _learn_relation(state: PolicyState, now: float) -> PolicyState:
    """Pair the service times on both sides of the last switch, while the load is still the same."""
    assert state.active is not None
    new, old = state.lane(state.active), state.lane(state.active.other)
    before = old.level
    if before is None or (new.served > PAIR_MOST and now - state.moved_at > PAIR_WITHIN_S):
        return state
    here = [sample for sample in new.samples if sample.at >= state.moved_at]
    after = level_of(here)
    if after is None or after.count < PAIR_LEAST:
        return state
    if here[0].at - old.samples[-1].at > max(SAME_LOAD_S, 3 * (before.p95_s + after.p95_s)):
        return state
    on_gpu = state.active is Backend.GPU
    points = state.points
    for was_s, is_s in ((before.p50_s, after.p50_s), (before.p95_s, after.p95_s)):
        gpu_s, cpu_s = (is_s, was_s) if on_gpu else (was_s, is_s)
        if gpu_s > 0 and cpu_s > 0:
            points = learn_point(points, Point(gpu_s, cpu_s, now))
    return replace(state, points=points)
