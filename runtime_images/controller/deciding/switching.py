"""A switch under way: warm the other backend, give it a share, then everything, look how it does, let the old one go.

    WARMING ──a pod is ready──> CANARY ──sound, or time over──> MOVING ──confirmed──> CHECKING ──> done
       ├── it does not start ──────┴── worse, or not confirmed ────┴──── worse ──────────┴──> back, and a pause
       └── nobody needs it any more, before everything has moved ──> back

Each pass asks again whether the cluster shows what the phase wants, and orders it again where not: a write that was
lost, or that nobody knows the end of, needs no case of its own. A switch has at most four writes, one of them its
Event: where a pod must be started and another let go, it does without the canary. The way back is a switch, too, of at
most three: everything back, the pod that was started for it, its Event. None of them can be left out: without the share
all requests would meet an untried pod, a pod that is not let go holds its GPU, and an Event that waited for the end of
the check would not be written where the leader ends before.
"""

from dataclasses import replace

from runtime_images.cluster.traffic import Split, split
from runtime_images.controller.deciding.actions import (
    NEVER,
    Action,
    Decided,
    Failure,
    FunctionState,
    Moment,
    Phase,
    Release,
    Step,
    Switch,
    Tell,
    Warm,
    Word,
)
from runtime_images.controller.deciding.memory import moving
from runtime_images.controller.deciding.sight import Seen
from runtime_images.controller.deciding.weighing import Judgement, judge
from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import switch_pause_s

CANARY_PERCENT = 10
CANARY_S = 0.5
"""How long a backend that was running already has only a share: that long it is looked at before it gets everything."""
CANARY_FRESH_S = 5.0
"""The same for one that was started for the switch."""
CHECK_S = 10.0
"""How long the new side is compared with the old one, which is kept as long."""
CONFIRM_MOST_S = 10.0
"""How long a Route may take to confirm a share before the switch is given up."""
WARM_MOST_S = 900.0
"""How long a pod may take to start: pulling a large image and loading a model take minutes."""
_GIVEN_UP = "given_up"
RECORD_MOST = 5
"""Decisions that a Route tells of."""


def begin(state: FunctionState, seen: Seen, decided: Decided, at: Moment) -> Step:
    """Begin a switch: with a pod where the target has none, unless nobody waits for one."""
    target, source = decided.chosen, decided.rejected
    phase = Phase.CANARY
    is_lost, is_cold = source not in seen.ready, not seen.side(target).running
    if is_lost or (is_cold and _nobody_asks(seen)):
        phase = Phase.MOVING
    elif is_cold:
        phase = Phase.WARMING
    word = Word.LOST if is_lost else Word.SWITCHED
    switch = Switch(target, phase, at.now, at.now, decided.rule, decided.reason, phase is Phase.WARMING, word)
    return go_on(_recorded(replace(state, switch=switch), replace(decided, share=0)), seen, switch, at)


def _nobody_asks(seen: Seen) -> bool:
    known = seen.measurement
    return known is not None and known.arrival_rate == 0.0 and not known.queue_ages_s


def go_on(state: FunctionState, seen: Seen, switch: Switch, at: Moment) -> Step:
    """Take the switch under way one step further; the traffic that its phase wants comes first."""
    target = switch.target
    if target not in seen.ready:
        return give_up(state, seen, switch, f"{target} is not ready: {seen.problem(target)}", at)
    if switch.phase in (Phase.WARMING, Phase.CANARY) and target.other not in seen.ready:
        return _enter(state, seen, replace(switch, word=Word.LOST), Phase.MOVING, at)
    if seen.asked != (wanted := _traffic(seen, switch)):
        return _share(state, wanted, wanted[target], at)
    match switch.phase:
        case Phase.WARMING:
            return _warming(state, seen, switch, at)
        case Phase.CANARY:
            return _canary(state, seen, switch, at)
        case Phase.MOVING:
            return _moving(state, seen, switch, at)
        case Phase.CHECKING:
            return _checking(state, seen, switch, at)


def _traffic(seen: Seen, switch: Switch) -> Split:
    match switch.phase:
        case Phase.WARMING:
            return split(switch.target.other, seen.ready)
        case Phase.CANARY:
            return split(switch.target.other, seen.ready, 100 - CANARY_PERCENT)
        case _:
            return split(switch.target, seen.ready)


def _warming(state: FunctionState, seen: Seen, switch: Switch, at: Moment) -> Step:
    side = seen.side(switch.target)
    if side.running:
        goes_without = seen.side(switch.target.other).floored
        return _enter(state, seen, switch, Phase.MOVING if goes_without else Phase.CANARY, at)
    if at.now - switch.since > WARM_MOST_S:
        return give_up(state, seen, switch, f"{switch.target} had no pod ready after {WARM_MOST_S:.0f} s", at)
    return state, () if side.kept else (Warm(switch.target),)


def _canary(state: FunctionState, seen: Seen, switch: Switch, at: Moment) -> Step:
    judgement, in_phase_s = judge(state, seen, switch), at.now - switch.since
    if judgement is Judgement.WORSE:
        return give_up(state, seen, switch, f"{switch.target} did worse than {switch.target.other} with a share", at)
    if not seen.is_confirmed:
        is_late = in_phase_s > CONFIRM_MOST_S
        return give_up(state, seen, switch, "the Route did not confirm the share", at) if is_late else (state, ())
    if judgement is Judgement.SOUND or in_phase_s >= (CANARY_FRESH_S if switch.fresh else CANARY_S):
        return _enter(state, seen, switch, Phase.MOVING, at)
    return state, ()


def _moving(state: FunctionState, seen: Seen, switch: Switch, at: Moment) -> Step:
    if seen.is_confirmed:
        state = replace(state, switch=replace(switch, phase=Phase.CHECKING, since=at.now))
        return state, (Tell(switch.word, _note(seen, switch), switch.target, switch.rule),)
    is_late = at.now - switch.since > CONFIRM_MOST_S and switch.target.other in seen.ready
    return give_up(state, seen, switch, "the Route did not confirm the move", at) if is_late else (state, ())


def _note(seen: Seen, switch: Switch) -> str:
    source = switch.target.other
    why = f" ({seen.problem(source)})" if switch.word is Word.LOST and source not in seen.ready else ""
    return f"{source} -> {switch.target}: {switch.reason}{why}"


def _checking(state: FunctionState, seen: Seen, switch: Switch, at: Moment) -> Step:
    target, source = switch.target, switch.target.other
    if source in seen.ready and judge(state, seen, switch) is Judgement.WORSE:
        return give_up(state, seen, switch, f"{target} did worse than {source}", at)
    if source in seen.ready and at.now - switch.since < CHECK_S:
        return state, ()
    failures = {backend: one for backend, one in state.failures.items() if backend is not target}
    return replace(state, switch=None, failures=failures), release(seen, source)


def give_up(state: FunctionState, seen: Seen, switch: Switch, why: str, at: Moment) -> Step:
    """End a switch where it began: the old side gets everything back, and the target is left alone for a while."""
    target, source = switch.target, switch.target.other
    times = state.failures.get(target, NEVER).times + 1
    failures = {**state.failures, target: Failure(times, at.now + switch_pause_s(times))}
    word = Word.ROLLED_BACK if seen.asked.get(target) else Word.FAILED
    state = replace(state, switch=None, failures=failures)
    state = _recorded(state, Decided(int(at.wall), source, target, _GIVEN_UP, why, 100))
    actions: tuple[Action, ...] = ()
    if seen.ready and seen.asked != (back := split(source, seen.ready)):
        actions = (moving(state, back, at),)
    return state, (*actions, *release(seen, target), Tell(word, f"stays on {source}: {why}", target, switch.rule))


def end_unneeded(state: FunctionState, switch: Switch, wanted: Decided, at: Moment) -> Step:
    """End a switch that nobody needs any more before it has moved the traffic: no failure, so nothing is left alone."""
    target, source = switch.target, switch.target.other
    state = _recorded(state, Decided(int(at.wall), source, target, _GIVEN_UP, wanted.reason, 100))
    note = f"stays on {source}, {target} is not needed any more: {wanted.reason}"
    return state, (Tell(Word.GIVEN_UP, note, target, switch.rule),)


def release(seen: Seen, backend: Backend) -> tuple[Action, ...]:
    """Return what lets go of a pod that the controller keeps."""
    return (Release(backend),) if seen.side(backend).floored else ()


def _enter(state: FunctionState, seen: Seen, switch: Switch, phase: Phase, at: Moment) -> Step:
    switch = replace(switch, phase=phase, since=at.now)
    return go_on(replace(state, switch=switch), seen, switch, at)


def _share(state: FunctionState, wanted: Split, share: int, at: Moment) -> Step:
    """Order a split, with the target's share in the record of its decision."""
    state = replace(state, record=(replace(state.record[0], share=share), *state.record[1:]))
    return state, (moving(state, wanted, at),)


def _recorded(state: FunctionState, decided: Decided) -> FunctionState:
    return replace(state, record=(decided, *state.record)[:RECORD_MOST])
