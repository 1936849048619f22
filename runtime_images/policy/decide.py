"""Where should requests be served now? One pure function answers, for the runtime, the simulator and the cluster.

`decide` first learns from the observation, then asks the rules in order; the first that has something to say decides.
It reads no clock and keeps nothing: the same inputs always give the same answer, so a recorded run can be replayed.

    state = initial_state(settings)
    state, decision = decide(settings, state, observation, now)
"""

from typing import NamedTuple

from runtime_images.policy.context import Choice, Context, move, stay
from runtime_images.policy.learning import rhythm
from runtime_images.policy.learning.learn import HOUR_S, judge_demotion, learn
from runtime_images.policy.learning.relation import predict_cpu_s
from runtime_images.policy.model import CPU, GPU, Decision, Observation
from runtime_images.policy.planning import plans
from runtime_images.policy.rules.demotion import needs, on_gpu
from runtime_images.policy.rules.promotion import GPU_WANTED, gpu_pause_left_s, on_cpu
from runtime_images.policy.rules.reasons import Rationale
from runtime_images.policy.settings import PolicySettings
from runtime_images.policy.state import PolicyState, initial_state

__all__ = ["PolicySettings", "PolicyState", "decide", "gpu_pause_left_s", "initial_state"]

LOST_AGAIN_S = HOUR_S / 6
PAUSE_S = 20.0

Needed = tuple[tuple[float, int], ...]
"""When requests that need a GPU arrived, since one that was ready by then would have saved them, and how many did."""


class Counts(NamedTuple):
    """How many requests were missed now; of those late on the CPU, all and the ones that were slow themselves."""

    missed: int = 0
    late: int = 0
    slow: int = 0


NO_COUNTS = Counts()


def decide(
    policy: PolicySettings, state: PolicyState, observation: Observation, now: float
) -> tuple[PolicyState, Decision]:
    """Return the new state and where requests should be served, with the reason.

    Args:
        policy: What is given once: mode, SLO, prices.
        state: What the last decision left behind; `initial_state(policy)` at first.
        observation: What can be seen now.
        now: Seconds on any clock that does not run backwards.

    Returns:
        The state to pass in next time, and the decision. A decision other than the active backend is an order.
    """
    state = state.copy()
    fresh = learn(policy, state, observation, now)
    context = Context(policy, state, observation, now, fresh)
    if policy.mode.is_fixed:
        return state, _decision(context, stay("fixed"))
    choice = _gone(context) or _under_way(context)
    if choice is None:
        choice = on_cpu(context) if observation.active is CPU else on_gpu(context)
    _keep_account(context, choice.rule)
    _note_order(context, choice)
    return state, _decision(context, choice)


def _decision(context: Context, choice: Choice) -> Decision:
    active, other = context.seen.active, context.seen.active.other
    chosen, rejected = (other, active) if choice.moves else (active, other)
    return Decision(chosen, rejected, choice.rule, Rationale(context))


def _gone(context: Context) -> Choice | None:
    """Leave an active backend that is unavailable at once, whatever it costs."""
    active = context.seen.active
    if context.usable(active):
        return None
    if not context.usable(active.other):
        return stay("none")
    if active is GPU and context.seen.switching_to is None:
        _note_loss(context)
    return move("power" if context.seen.lanes[active].available else "lost")


def _note_loss(context: Context) -> None:
    """Leave a GPU that is lost again within ten minutes alone for a while."""
    state, now = context.state, context.now
    again = now - state.gpu_failed_at < LOST_AGAIN_S
    state.gpu_failures, state.gpu_failed_at = state.gpu_failures + 1 if again else 0, now


def _under_way(context: Context) -> Choice | None:
    """Continue a switch that is under way, unless its target is lost."""
    target = context.seen.switching_to
    if target is None or target is context.seen.active:
        return None
    return move("under_way") if context.usable(target) else stay("target_lost")


def _keep_account(context: Context, rule: str) -> None:
    """Charge the plans for the time, and for the requests that came in."""
    slo_s = context.slo_s
    if slo_s is None:
        return
    if context.seen.active is GPU:
        breach, (needed, counts) = needs(context), _needed_on_gpu(context, slo_s)
    else:
        cause = context.state.ordered if rule == "under_way" else rule  # a start by rhythm is no breach yet
        breach, (needed, counts) = cause in GPU_WANTED, _needed_on_cpu(context, slo_s)
    foreseen = _keep_rhythm(context, breach=breach)
    state, requests = context.state, len(context.fresh.services_s)
    is_due = plans.is_due(state.account, context.now)
    if not (requests or breach or is_due):
        return
    account = state.account = state.account.copy()
    if requests or breach:
        account.pending_requests += requests
        account.pending_needed += needed
        account.pending_breach |= breach
        account.foreseen |= foreseen
        account.served += requests
        account.missed += counts.missed
        account.late += counts.late
        account.slow += counts.slow
    if is_due:
        plans.settle(account, context.terms, context.now, available=context.usable(GPU))
        state.allowed = plans.allowed_share(account, context.terms, state.rate)


def _needed_on_cpu(context: Context, slo_s: float) -> tuple[Needed, Counts]:
    """Return the new requests on the CPU that were late, and the counts."""
    if context.fresh.slowest_s <= slo_s:
        return (), NO_COUNTS
    late = _late(context, slo_s, predict_cpu_s(context.state.points, slo_s))
    slow = sum([service_s > slo_s for service_s in context.fresh.services_s]) if late else 0
    return late, Counts(_sum(late), _sum(late), slow)


def _needed_on_gpu(context: Context, slo_s: float) -> tuple[Needed, Counts]:
    """Return the new requests on the GPU that waited too long, or would have been late on the CPU; and the counts."""
    if not context.fresh.services_s:
        return (), NO_COUNTS
    late = _late(context, slo_s, slo_s)
    counts = Counts(_sum(late)) if late else NO_COUNTS
    saved = context.forecast.late(context.fresh, slo_s, context.state.account) - counts.missed
    needed = (*late, (context.now - context.fresh.latencies_s[0], saved)) if saved > 0 else late
    return needed, counts


def _sum(needed: Needed) -> int:
    return sum([count for _, count in needed])


def _late(context: Context, slo_s: float, hopeless_s: float | None) -> Needed:
    """Return the requests over the SLO, but for those that take longer than `hopeless_s`: no GPU would save them."""
    fresh = context.fresh
    if fresh.slowest_s <= slo_s:
        return ()
    late = [
        latency_s
        for service_s, latency_s in zip(fresh.services_s, fresh.latencies_s, strict=True)
        if latency_s > slo_s and (hopeless_s is None or service_s <= hopeless_s)
    ]
    return ((context.now - sum(late) / len(late), len(late)),) if late else ()


def _keep_rhythm(context: Context, *, breach: bool) -> bool:
    """Note when a breach begins; return whether that was expected."""
    state, now = context.state, context.now
    began = breach and now - state.account.breach_at > PAUSE_S and not state.account.pending_breach
    if began:
        expected = rhythm.was_expected(state.rhythm, now)
        state.rhythm = rhythm.note_onset(state.rhythm, now)
        return expected
    if len(state.rhythm.onsets) > 1:
        state.rhythm = rhythm.note_silence(state.rhythm, now)
    return False


def _note_order(context: Context, choice: Choice) -> None:
    """Remember which rule started the switch, to judge it once traffic has moved."""
    state, ordered = context.state, choice.rule if choice.moves else ""
    if ordered == "under_way":
        return
    if ordered and context.seen.active is GPU:
        state.account = plans.note_leaving(state.account)
    elif ordered and ordered != "rhythm" and ordered != state.ordered:
        judge_demotion(context.settings, state, context.now)
    state.ordered = ordered
