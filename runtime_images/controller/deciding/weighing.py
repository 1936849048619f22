"""What the policy says of a function, and whether a backend that has just taken over is worse than the one before.

The policy is the laptop's own. What only the cluster knows goes into its observation here: which revision is ready,
which backend has failed lately, when the target's GPU is powered.
"""

from dataclasses import replace
from enum import StrEnum

from runtime_images.cluster.continuum import gpu_left_s, slo_on_site
from runtime_images.cluster.function import FunctionSettings
from runtime_images.controller.deciding.actions import Decided, FunctionState, Moment, Switch
from runtime_images.controller.deciding.sight import Seen
from runtime_images.controller.observing import Measurement
from runtime_images.policy.decide import PolicySettings, decide
from runtime_images.policy.model import GPU, Backend, LaneObservation, Observation
from runtime_images.policy.rules.demotion import ANSWERS_LEAST, ERRORS_MOST

FRESH_S = 15.0
"""The age at which a measurement says nothing any more."""
SLOWER = 1.25
"""How many times the other side's service time makes a new one worse that was meant to be faster."""

_IDLE = LaneObservation(available=False, running=False)
_NOTHING = Measurement(at=0.0, lanes={})


class Judgement(StrEnum):
    """How the new side does."""

    UNKNOWN = "unknown"
    SOUND = "sound"
    WORSE = "worse"


def fresh(measurement: Measurement | None, now: float) -> Measurement | None:
    """Return a measurement that still says something."""
    return measurement if measurement and now - measurement.at <= FRESH_S else None


def policy_settings(settings: FunctionSettings) -> PolicySettings:
    """Return what the policy is given of a function; what the way to the target takes is not the backends' to use."""
    return PolicySettings(mode=settings.mode, slo=slo_on_site(settings), prices=settings.prices)


def weigh(state: FunctionState, seen: Seen, at: Moment) -> tuple[FunctionState, Decided]:
    """Ask the policy. Where nothing is known of the load, only a backend that cannot serve moves anything."""
    active = seen.active
    known = seen.measurement or (None if active in seen.ready else _NOTHING)
    if known is None:
        chosen = _switching_to(state, seen) or active
        why = "no fresh measurement: nothing new is begun"
        decided = Decided(int(at.wall), chosen, chosen.other, "unknown", why, 100)
        return replace(state, would=decided), decided
    observation = observe(state, seen, known, at)
    policy, decision = decide(policy_settings(seen.settings), state.policy, observation, at.now)
    before = state.would
    if before and before.chosen is decision.chosen is active and before.rule == decision.rule:
        return replace(state, policy=policy), before
    decided = Decided(int(at.wall), decision.chosen, decision.rejected, decision.rule, decision.reason, 100)
    return replace(state, policy=policy, would=decided), decided


def observe(state: FunctionState, seen: Seen, known: Measurement, at: Moment) -> Observation:
    """Return a measurement as the policy wants it, with what the cluster says of the backends."""
    power = seen.settings.power
    return Observation(
        active=seen.active,
        switching_to=_switching_to(state, seen),
        lanes={backend: _lane(state, seen, known, backend, at) for backend in Backend},
        queue_ages_s=known.queue_ages_s,
        arrival_rate=known.arrival_rate,
        idle_s=known.idle_s,
        slots=known.lanes.get(seen.active, _IDLE).slots or known.slots,
        power_budget_w=power.budget_w,
        energy_price_per_j=power.per_j,
    )


def _switching_to(state: FunctionState, seen: Seen) -> Backend | None:
    return state.switch.target if state.switch and state.switch.target is not seen.active else None


def _lane(state: FunctionState, seen: Seen, known: Measurement, backend: Backend, at: Moment) -> LaneObservation:
    power = seen.settings.power
    powered_s = gpu_left_s(seen.settings, at.wall) if backend is GPU else None
    usable = backend in seen.ready and (powered_s is None or powered_s > 0)
    return replace(
        known.lanes.get(backend, _IDLE),
        available=usable and (backend is seen.active or not state.pauses(backend, at.now)),
        running=seen.side(backend).running,
        available_for_s=powered_s,
        watts=power.gpu_w if backend is GPU else power.cpu_w,
    )


def judge(state: FunctionState, seen: Seen, switch: Switch) -> Judgement:
    """Return how the target of a switch has done since the traffic began to come to it."""
    lane = seen.measurement.lanes.get(switch.target, _IDLE) if seen.measurement else _IDLE
    if lane.answered >= ANSWERS_LEAST and lane.error_rate >= _errors_most(seen.settings):
        return Judgement.WORSE
    memory = state.policy.lane(switch.target)
    times_s = sorted([taken for at, taken in zip(memory.ats, memory.services_s, strict=True) if at >= switch.since])
    if len(times_s) < ANSWERS_LEAST:
        return Judgement.UNKNOWN
    source = state.policy.lane(switch.target.other).level
    is_slower = source is not None and times_s[len(times_s) // 2] > SLOWER * source.p50_s
    return Judgement.WORSE if switch.target is GPU and is_slower else Judgement.SOUND


def _errors_most(settings: FunctionSettings) -> float:
    asked = settings.slo.error_rate
    return ERRORS_MOST if asked is None else max(asked, 1 / ANSWERS_LEAST)
