"""Where should requests be served now? One pure function answers, for the runtime, the simulator and the cluster.

`decide` first learns from the observation, then asks the rules in order; the first that has something to say decides.
It reads no clock and keeps nothing: the same inputs always give the same answer, so a recorded run can be replayed.

    state = initial_state(settings)
    state, decision = decide(settings, state, observation, now)
"""

from dataclasses import replace

from runtime_images.policy.context import Context
from runtime_images.policy.demotion import on_gpu
from runtime_images.policy.learning import learn
from runtime_images.policy.model import Backend, Decision, Observation
from runtime_images.policy.promotion import on_cpu
from runtime_images.policy.sentences import NAMES
from runtime_images.policy.state import PolicySettings, PolicyState, initial_state

__all__ = ["PolicySettings", "PolicyState", "decide", "initial_state"]


def decide(
    policy: PolicySettings, state: PolicyState, observation: Observation, now: float
) -> tuple[PolicyState, Decision]:
    """The new state and where requests should be served, with the reason.

    Args:
        policy: What was told once: mode, SLO, prices.
        state: What the last decision left behind; `initial_state(policy)` at first.
        observation: What can be seen now.
        now: Seconds on any clock that does not run backwards.

    Returns:
        The state to pass in next time, and the decision. A decision other than the active backend is an order.
    """
    context = Context(policy, learn(policy, state, observation, now), observation, now)
    decision = _fixed(context) or _gone(context) or _under_way(context)
    if decision is not None:
        return _note_order(context.state, decision, observation), decision
    if observation.active is Backend.CPU:
        decision, state = on_cpu(context), context.state
    else:
        state, decision = on_gpu(context)
    return _note_order(state, decision, observation), decision


def _fixed(context: Context) -> Decision | None:
    mode = context.settings.mode
    if not mode.is_fixed:
        return None
    return context.stay("fixed", f"the mode {mode} is fixed: the function never leaves {NAMES[context.seen.active]}")


def _gone(context: Context) -> Decision | None:
    """The active backend is not to be had any more: the other one at once, whatever it costs."""
    active = context.seen.active
    if context.seen.lanes[active].available:
        return None
    if not context.seen.lanes[active.other].available:
        return context.stay("none", f"neither {NAMES[active]} nor {NAMES[active.other]} is available")
    return context.move("lost", f"{NAMES[active]} is not available any more")


def _under_way(context: Context) -> Decision | None:
    """A switch that has been ordered goes on, unless its target is lost."""
    target = context.seen.switching_to
    if target is None or target is context.seen.active:
        return None
    if not context.seen.lanes[target].available:
        return context.stay("target_lost", f"{NAMES[target]} is not available any more: the switch is given up")
    return context.move("under_way", f"{NAMES[target]} is being started")


def _note_order(state: PolicyState, decision: Decision, seen: Observation) -> PolicyState:
    """Remember which rule ordered the switch, to judge it once traffic has moved."""
    ordered = "" if decision.chosen is seen.active else decision.rule
    if decision.rule == "under_way" or ordered == state.ordered:
        return state
    return replace(state, ordered=ordered)
