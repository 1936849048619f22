"""What one observation teaches: the state before in, the state after out. No choice is made here.

Each finished request is learned from once. The first requests after a start pay for it (caches, lazy imports,
compilation), so they teach nothing; neither is a request that arrived before the backend was ready held against it.
"""

from bisect import bisect_left
from math import exp, inf, log
from operator import sub
from typing import NamedTuple

from runtime_images.policy.estimators import (
    alarm_after,
    good_step,
    learn_point,
    level_of,
    recent_from,
    same_scale,
)
from runtime_images.policy.model import Backend, LaneObservation, Observation
from runtime_images.policy.state import LaneMemory, Point, PolicySettings, PolicyState
from runtime_images.policy.trend import note

BAD_GAP_S = 3.0
EPISODES_MOST = 4
PAIR_LEAST = 2
PAIR_MOST = 10
PAIR_WITHIN_S = 3.0
SAME_LOAD_S = 10.0
CLIENTS_MOST = 12
FLOOR_CREEP_S = 600.0
SOON = 4.0
FEW = 20
HOUR_S = 3600.0
WAITED_SHARE = 0.02
WAITED_S = 0.005
ALONE_MOST = 20.0
TAIL_FROM = 2.0
TAIL_FOLLOWS = 0.1
TAIL_LEAST = 3
TAIL_FRESH_S = 1200.0
RATE_SURE = 2.0
RATE_OVER_S = 15.0
RATE_EVERY_S = 1.0
GPU_STARTS_SLOWER = 2.0
"""How many times as long as the CPU a GPU is taken to start until that is known."""

_DEMOTIONS = ("calm", "idle", "trial", "sparse")
_VOLUNTARY = (*_DEMOTIONS, "no_gain")


class Fresh(NamedTuple):
    """The requests that finished on the active backend since the last decision, `cold` ones first."""

    services_s: tuple[float, ...] = ()
    latencies_s: tuple[float, ...] = ()
    cold: int = 0

    @property
    def warm(self) -> "Fresh":
        """Those that met no cold start."""
        return Fresh(self.services_s[self.cold :], self.latencies_s[self.cold :]) if self.cold else self


NOTHING = Fresh()


def learn(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> tuple[PolicyState, Fresh]:
    """The state after `seen`, and the requests that are new in it."""
    if state.active is not seen.active:
        state = _note_move(settings, state, seen, now)
    cpu_lane, gpu_lane = seen.lanes[Backend.CPU], seen.lanes[Backend.GPU]
    cpu, on_cpu = _read_lane(state.cpu, cpu_lane, seen.slots, now)
    gpu, on_gpu = _read_lane(state.gpu, gpu_lane, seen.slots, now)
    is_cpu = seen.active is Backend.CPU
    clients = len(seen.queue_ages_s) + len((cpu_lane if is_cpu else gpu_lane).in_flight_ages_s)
    state = state._replace(cpu=cpu, gpu=gpu, clients=(*state.clients[-CLIENTS_MOST + 1 :], clients))
    fresh = on_cpu if is_cpu else on_gpu
    if cpu_lane.cpu_share is not None:
        state = _note_share(state, cpu_lane.cpu_share)
    if fresh.latencies_s:
        state = _note_waiting(_weigh(settings, state, fresh, now), seen, fresh)
        state = _learn_tail(_learn_relation(state, now), now)
    return _note_overload(_note_trend(settings, _note_rate(state, seen, now), seen, now), seen, now), fresh


def _note_move(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """Start afresh where traffic has moved, and grow the patience where that undid a demotion soon."""
    moved = state._replace(
        active=seen.active,
        moved_at=now,
        alarm=0.0,
        bad_since=None,
        overload_since=None,
        calm_since=None,
        trial_due_since=None,
        clients=(),
        trend=(),
    )
    if state.active is None:
        return moved
    if seen.active is Backend.CPU:
        recent = tuple([at for at in state.demotions if at > now - HOUR_S])
        if state.ordered in _VOLUNTARY:
            recent = (*recent, now)
        return moved._replace(demotions=recent, demoted_by=state.ordered, ordered="")
    if state.ordered != "rhythm":
        moved = _judge_demotion(settings, moved, now)
    return moved._replace(promoted_by=state.ordered, ordered="", needed=True)


def _judge_demotion(settings: PolicySettings, state: PolicyState, now: float) -> PolicyState:
    """A demotion undone soon doubles the patience before the next, a trial fourfold; one that held takes it back."""
    if state.demoted_by not in _DEMOTIONS:
        return state
    soon = bool(state.demotions) and now - state.demotions[-1] < max(60.0, SOON * state.dwell_s)
    undone = soon or state.cpu.served < FEW
    factor = 2.0 if undone else 0.5
    trial_s = state.trial_s * factor**2 if state.demoted_by == "trial" else state.trial_s
    return state._replace(
        dwell_s=min(max(state.dwell_s * factor, settings.dwell_s), settings.dwell_max_s),
        trial_s=min(max(trial_s, settings.trial_s), settings.dwell_max_s),
    )


def _read_lane(memory: LaneMemory, lane: LaneObservation, slots: int, now: float) -> tuple[LaneMemory, Fresh]:
    """The memory of a backend after `lane`, and the new requests that are no cold starts."""
    if lane.running is (memory.ready_at is None):
        if lane.running:
            memory = memory._replace(ready_at=now, ats=(), services_s=(), latencies_s=(), level=None)
        else:
            memory = memory._replace(ready_at=None, served=0)
    finished = lane.finished - memory.seen
    if finished <= 0:
        return (memory._replace(seen=lane.finished) if finished else memory), NOTHING
    kept = min(finished, len(lane.recent_services_s))
    cold = min(max(slots - memory.served - (finished - kept), 0), kept)
    begin = len(lane.recent_services_s) - kept
    fresh = Fresh(lane.recent_services_s[begin:], lane.recent_latencies_s[begin:], cold)
    served = memory.served + finished if lane.running else 0
    if kept <= cold:
        return memory._replace(seen=lane.finished, served=served, finished_at=now), fresh
    return _take_in(memory, fresh.warm, lane.finished, served, now), fresh


def _take_in(memory: LaneMemory, fresh: Fresh, seen: int, served: int, now: float) -> LaneMemory:
    """Take new requests in; the floor follows them down at once and creeps up, so that it is not kept forever."""
    ats = memory.ats + (now,) * len(fresh.services_s)
    begin = recent_from(ats)
    services_s = (memory.services_s + fresh.services_s)[begin:]
    latencies_s = (memory.latencies_s + fresh.latencies_s)[begin:]
    level, floor_s = level_of(services_s, latencies_s), memory.floor_s
    assert level is not None
    if floor_s is None or level.p50_s <= floor_s:
        floor_s = level.p50_s
    else:
        floor_s += (level.p50_s - floor_s) * min((now - memory.floor_at) / FLOOR_CREEP_S, 1.0)
    memory = memory._replace(
        seen=seen, served=served, finished_at=now, ats=ats[begin:], services_s=services_s, latencies_s=latencies_s,
        level=level, floor_s=floor_s, floor_at=now,
    )  # fmt: skip
    return _follow_tail(memory, fresh, now) if max(fresh.services_s) > TAIL_FROM * level.p50_s else memory


def _follow_tail(memory: LaneMemory, fresh: Fresh, now: float) -> LaneMemory:
    """Take the requests in that are far slower than is usual: too few for a level, they still may need a GPU."""
    assert memory.level is not None
    tail_s, size = memory.tail_s, memory.tail_size
    for service_s in fresh.services_s:
        if service_s > TAIL_FROM * memory.level.p50_s:
            size += 1
            tail_s += (service_s - tail_s) * max(1 / size, TAIL_FOLLOWS)
    return memory._replace(tail_s=tail_s, tail_size=size, tail_at=now)


def _weigh(settings: PolicySettings, state: PolicyState, fresh: Fresh, now: float) -> PolicyState:
    """Raise and lower the alarm with the requests that arrived after the backend took over."""
    slo_s = settings.latency_slo_s
    if slo_s is None:
        return state
    warm_s = fresh.warm.latencies_s
    if not warm_s:
        return state
    if max(warm_s) <= slo_s:
        if not state.alarm:
            return state
        return state._replace(alarm=max(state.alarm + len(warm_s) * good_step(state.allowed), 0.0))
    longest_s = answerable_s(state, now)
    fair = [latency_s for latency_s in warm_s if latency_s <= longest_s]
    if not fair:
        return state
    state = state._replace(alarm=alarm_after(state.alarm, fair, slo_s, state.allowed))
    return _note_bad(state, now) if max(fair) > slo_s else state


def _note_bad(state: PolicyState, now: float) -> PolicyState:
    """Remember that a request was bad just now; after a pause in the trouble it begins anew."""
    going_on = state.bad_since is not None and now - state.bad_at <= BAD_GAP_S
    if going_on:
        return state._replace(bad_at=now)
    return state._replace(bad_since=now, bad_at=now, episodes=(*state.episodes[-EPISODES_MOST + 1 :], now))


def answerable_s(state: PolicyState, now: float) -> float:
    """The longest latency for which the active backend can be held to account."""
    assert state.active is not None
    ready_at = state.lane(state.active).ready_at
    return now - max(state.moved_at, state.moved_at if ready_at is None else ready_at)


def _note_waiting(state: PolicyState, seen: Observation, fresh: Fresh) -> PolicyState:
    """Whether requests ever wait for one another: those of a single client that waits for its answers never do.

    Of an open stream a share as large as the utilization would have to wait; `alone` is the logarithm of the odds
    against seeing none. It is learned on the CPU, where the utilization is high enough to tell.
    """
    on_gpu = seen.active is Backend.GPU
    if on_gpu and not state.alone:
        return state
    if _anyone_waited(fresh):
        return state._replace(alone=0.0) if state.alone else state
    if on_gpu or state.alone >= ALONE_MOST:
        return state
    odds = -log(1.0 - min(utilization(state, seen), 0.9))
    return state._replace(alone=min(state.alone + len(fresh.services_s) * odds, ALONE_MOST))


def _anyone_waited(fresh: Fresh) -> bool:
    """Whether a latency is longer than the service by more than noise; most often a look at the widest gap will do."""
    if max(map(sub, fresh.latencies_s, fresh.services_s)) <= WAITED_S:
        return False
    pairs = zip(fresh.services_s, fresh.latencies_s, strict=True)
    return any(latency_s - service_s > WAITED_SHARE * service_s + WAITED_S for service_s, latency_s in pairs)


def _note_rate(state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """Follow the arrival rate: at once where it is high, slowly where a few requests more or less are chance."""
    if now - state.rate_at < RATE_EVERY_S:
        return state
    if seen.arrival_rate >= RATE_SURE or state.rate_at == -inf:
        return state._replace(rate=seen.arrival_rate, rate_at=now)
    fading = exp((state.rate_at - now) / RATE_OVER_S)
    return state._replace(rate=state.rate * fading + seen.arrival_rate * (1 - fading), rate_at=now)


def _note_share(state: PolicyState, share: float | None) -> PolicyState:
    """Remember the CPU share last measured: a new worker has none for a while."""
    return state if state.cpu_share == share else state._replace(cpu_share=share)


def _note_trend(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """Note the p95 of the CPU's service time. What waits is left out: chance makes queues rise and fall."""
    level = state.cpu.level
    if seen.active is Backend.GPU or level is None or state.cpu.finished_at < now or settings.latency_slo_s is None:
        return state
    trend = note(state.trend, now, level.p95_s, start_up_s(settings, seen, Backend.GPU))
    return state if trend is state.trend else state._replace(trend=trend)


def start_up_s(settings: PolicySettings, seen: Observation, backend: Backend) -> float:
    """How long a backend takes to start, as far as is known; a GPU not yet seen has more to load than the CPU."""
    known_s = seen.lanes[backend].start_up_s
    if known_s is not None:
        return known_s
    cpu_s = seen.lanes[Backend.CPU].start_up_s if backend is Backend.GPU else None
    return settings.start_up_s if cpu_s is None else max(settings.start_up_s, GPU_STARTS_SLOWER * cpu_s)


def _note_overload(state: PolicyState, seen: Observation, now: float) -> PolicyState:
    """Remember since when more work arrives than the backend can do, with a queue to show for it."""
    overloaded = len(seen.queue_ages_s) > seen.slots and utilization(state, seen) > 1.0
    if overloaded is (state.overload_since is not None):
        return state
    return state._replace(overload_since=now if overloaded else None)


def utilization(state: PolicyState, seen: Observation) -> float:
    """How many of the active backend's slots the arriving work needs, as a share."""
    level = state.lane(seen.active).level
    return 0.0 if level is None else seen.arrival_rate * level.mean_s / seen.slots


def _learn_relation(state: PolicyState, now: float) -> PolicyState:
    """Pair the service times on both sides of the last switch, while the load is still the same."""
    assert state.active is not None
    new = state.lane(state.active)
    if new.served > PAIR_MOST and now - state.moved_at > PAIR_WITHIN_S:
        return state
    old = state.lane(state.active.other)
    before = old.level
    if before is None:
        return state
    begin = bisect_left(new.ats, state.moved_at)
    after = level_of(new.services_s[begin:], new.latencies_s[begin:])
    if after is None or after.size < PAIR_LEAST:
        return state
    usual_gap_s = (old.ats[-1] - old.ats[0]) / len(old.ats)
    if now - old.ats[-1] > max(SAME_LOAD_S, 3 * (before.p95_s + after.p95_s), 3 * usual_gap_s):
        return state
    on_gpu = state.active is Backend.GPU
    points = state.points
    for was_s, is_s in ((before.p50_s, after.p50_s), (before.p95_s, after.p95_s)):
        gpu_s, cpu_s = (is_s, was_s) if on_gpu else (was_s, is_s)
        if gpu_s > 0 and cpu_s > 0:
            points = learn_point(points, Point(gpu_s, cpu_s, now))
    return state._replace(points=points)


def _learn_tail(state: PolicyState, now: float) -> PolicyState:
    """Pair what slow requests take on both backends, where both have served some lately and nothing better is known."""
    cpu, gpu = state.cpu, state.gpu
    if max(cpu.tail_at, gpu.tail_at) < now or min(cpu.tail_size, gpu.tail_size) < TAIL_LEAST:
        return state
    at = min(cpu.tail_at, gpu.tail_at)
    if now - at > TAIL_FRESH_S or any(same_scale(point.gpu_s, gpu.tail_s) for point in state.points):
        return state
    return state._replace(points=learn_point(state.points, Point(gpu.tail_s, cpu.tail_s, at)))
