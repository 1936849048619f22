"""What one observation teaches, written on the decision's own copy of the state. No choice is made here.

A request that arrived before the backend was ready is not counted against it.
"""

from math import exp, inf, log
from operator import sub

from runtime_images.policy.learning.answers import Fresh, read_backend
from runtime_images.policy.learning.estimators import alarm_after, good_step
from runtime_images.policy.learning.relation import pair_levels, pair_tails
from runtime_images.policy.learning.trend import note
from runtime_images.policy.model import CPU, GPU, Backend, Observation
from runtime_images.policy.settings import PolicySettings
from runtime_images.policy.state import PolicyState

BAD_GAP_S = 3.0
EPISODES_MOST = 4
CLIENTS_MOST = 12
SOON = 4.0
FEW = 20
HOUR_S = 3600.0
WAITED_SHARE = 0.02
WAITED_S = 0.005
ALONE_MOST = 20.0
RATE_SURE = 2.0
RATE_OVER_S = 15.0
RATE_EVERY_S = 1.0
GPU_STARTS_SLOWER = 2.0
"""How many times as long as the CPU a GPU is taken to start until that is known."""

_DEMOTIONS = ("calm", "idle", "trial", "sparse")
_VOLUNTARY = (*_DEMOTIONS, "no_gain")


def learn(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> Fresh:
    """Write on `state` what `seen` teaches; return the requests that are new in it."""
    if state.active is not seen.active:
        _note_move(state, seen, now)
    cpu_lane, gpu_lane = seen.lanes[CPU], seen.lanes[GPU]
    state.cpu, on_cpu = read_backend(state.cpu, cpu_lane, seen.slots, now)
    state.gpu, on_gpu = read_backend(state.gpu, gpu_lane, seen.slots, now)
    fresh, lane = (on_cpu, cpu_lane) if seen.active is CPU else (on_gpu, gpu_lane)
    unanswered = len(seen.queue_ages_s) + len(lane.in_flight_ages_s)
    state.clients = (*state.clients[-CLIENTS_MOST + 1 :], unanswered)
    if cpu_lane.cpu_share is not None:
        state.cpu_share = cpu_lane.cpu_share  # the last one measured: a new worker has none for a while
    slo_s = settings.latency_slo_s
    if fresh.latencies_s:
        if slo_s is not None:
            _weigh(state, fresh, slo_s, now)
        _note_waiting(state, seen, fresh)
        pair_levels(state, now)
        pair_tails(state, now)
    _note_rate(state, seen, now)
    if slo_s is not None:
        _note_trend(settings, state, seen, now)
    _note_overload(state, seen, now)
    return fresh


def _note_move(state: PolicyState, seen: Observation, now: float) -> None:
    is_first = state.active is None
    state.active, state.moved_at = seen.active, now
    state.alarm, state.bad_since, state.overload_since = 0.0, None, None
    state.calm_since, state.trial_due_since = None, None
    state.clients, state.trend = (), ()
    if is_first:
        return
    if seen.active is CPU:
        recent = tuple([at for at in state.demotions if at > now - HOUR_S])
        state.demotions = (*recent, now) if state.ordered in _VOLUNTARY else recent
        state.demoted_by = state.ordered
    else:
        state.promoted_by, state.needed = state.ordered, True
    state.ordered = ""


def judge_demotion(settings: PolicySettings, state: PolicyState, now: float) -> None:
    """Double the patience after a demotion undone soon, fourfold after a trial; halve it after one that held."""
    if state.demoted_by not in _DEMOTIONS:
        return
    soon = bool(state.demotions) and now - state.demotions[-1] < max(60.0, SOON * state.dwell_s)
    undone = soon or state.cpu.served < FEW
    factor = 2.0 if undone else 0.5
    trial_s = state.trial_s * factor**2 if state.demoted_by == "trial" else state.trial_s
    state.dwell_s = min(max(state.dwell_s * factor, settings.dwell_s), settings.dwell_max_s)
    state.trial_s = min(max(trial_s, settings.trial_s), settings.dwell_max_s)


def _weigh(state: PolicyState, fresh: Fresh, slo_s: float, now: float) -> None:
    """Raise and lower the alarm with the requests that arrived after the backend took over."""
    warm_s = fresh.latencies_s[fresh.cold :]
    if fresh.slowest_s <= slo_s or max(warm_s, default=0.0) <= slo_s:
        if state.alarm:
            state.alarm = max(state.alarm + len(warm_s) * good_step(state.allowed), 0.0)
        return
    longest_s = answerable_s(state, now)
    fair = [latency_s for latency_s in warm_s if latency_s <= longest_s]
    if not fair:
        return
    state.alarm = alarm_after(state.alarm, fair, slo_s, state.allowed)
    if max(fair) > slo_s:
        _note_bad(state, now)


def _note_bad(state: PolicyState, now: float) -> None:
    """Remember that a request was bad just now; after a pause the breach begins anew."""
    if state.bad_since is None or now - state.bad_at > BAD_GAP_S:
        state.bad_since = now
        state.episodes = (*state.episodes[-EPISODES_MOST + 1 :], now)
    state.bad_at = now


def answerable_s(state: PolicyState, now: float) -> float:
    """Return the longest latency for which the active backend is answerable."""
    assert state.active is not None
    ready_at = state.lane(state.active).ready_at
    return now - max(state.moved_at, state.moved_at if ready_at is None else ready_at)


def _note_waiting(state: PolicyState, seen: Observation, fresh: Fresh) -> None:
    """Note whether requests wait for one another: those of a single client that waits for its answers never do.

    Of an open stream a share as large as the utilization would have to wait; `alone` is the logarithm of the odds
    against seeing none. It is first learned on the CPU, where the utilization is high enough to show it.
    """
    on_gpu = seen.active is GPU
    if on_gpu and not state.alone:
        return
    if _anyone_waited(fresh):
        state.alone = 0.0
    elif state.alone < ALONE_MOST:
        level = state.lane(seen.active).level
        rate = max(seen.arrival_rate, state.rate)  # a slow request may have arrived before the rate's span
        odds = -log(1.0 - min(rate * level.mean_s / seen.slots if level else 0.0, 0.9))
        state.alone = min(state.alone + len(fresh.services_s) * odds, ALONE_MOST)


def _anyone_waited(fresh: Fresh) -> bool:
    """Return whether a latency exceeds its service by more than noise; most often the widest gap decides."""
    if fresh.slowest_s - min(fresh.services_s) <= WAITED_S:
        return False
    if max(map(sub, fresh.latencies_s, fresh.services_s)) <= WAITED_S:
        return False
    pairs = zip(fresh.services_s, fresh.latencies_s, strict=True)
    return any(latency_s - service_s > WAITED_SHARE * service_s + WAITED_S for service_s, latency_s in pairs)


def _note_rate(state: PolicyState, seen: Observation, now: float) -> None:
    """Follow the arrival rate: at once where it is high, slowly where a few requests more or less are chance."""
    if now - state.rate_at < RATE_EVERY_S:
        return
    if seen.arrival_rate >= RATE_SURE or state.rate_at == -inf:
        state.rate = seen.arrival_rate
    else:
        fading = exp((state.rate_at - now) / RATE_OVER_S)
        state.rate = state.rate * fading + seen.arrival_rate * (1 - fading)
    state.rate_at = now


def _note_trend(settings: PolicySettings, state: PolicyState, seen: Observation, now: float) -> None:
    """Note the p95 of the CPU's service time. What waits is left out: chance makes queues rise and fall."""
    level = state.cpu.level
    if seen.active is GPU or level is None or state.cpu.finished_at < now:
        return
    state.trend = note(state.trend, now, level.p95_s, start_up_s(settings, seen, GPU))


def start_up_s(settings: PolicySettings, seen: Observation, backend: Backend) -> float:
    """Return how long a backend takes to start; a GPU not yet seen has more to load than the CPU."""
    known_s = seen.lanes[backend].start_up_s
    if known_s is not None:
        return known_s
    cpu_s = seen.lanes[CPU].start_up_s if backend is GPU else None
    return settings.start_up_s if cpu_s is None else max(settings.start_up_s, GPU_STARTS_SLOWER * cpu_s)


def _note_overload(state: PolicyState, seen: Observation, now: float) -> None:
    """Remember since when more work arrives than the backend can do, with a queue to show for it."""
    overloaded = len(seen.queue_ages_s) > seen.slots and utilization(state, seen) > 1.0
    if overloaded is not (state.overload_since is not None):
        state.overload_since = now if overloaded else None


def utilization(state: PolicyState, seen: Observation) -> float:
    """Return how many of the active backend's slots the arriving work needs, as a share."""
    level = state.lane(seen.active).level
    return 0.0 if level is None else seen.arrival_rate * level.mean_s / seen.slots
