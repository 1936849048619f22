"""What to do about a function: one pure step from what is remembered and what is seen to what is remembered and done.

    state, actions = step(state, seen, Moment(now, wall))

What comes first decides. A person's word stands above everything: a paused function is left alone, traffic that another
manager holds is not touched. Then the switch under way goes on, then a new one is begun where the pin or the policy
wants one or a backend is lost, else it is tidied up. No step leaves a backend in the traffic that is not ready. Where
there is nothing to change there is no action, and a step that is lost at any point is made up for by the next.
"""

from dataclasses import replace

from runtime_images.cluster.traffic import split
from runtime_images.controller.deciding.actions import (
    Action,
    Decided,
    FunctionState,
    Moment,
    Phase,
    Retry,
    Step,
    Tell,
    Word,
)
from runtime_images.controller.deciding.losing import ASLEEP_S, note_losses, sleeps
from runtime_images.controller.deciding.memory import moving
from runtime_images.controller.deciding.sight import Seen, Side
from runtime_images.controller.deciding.switching import begin, end_unneeded, give_up, go_on, release
from runtime_images.controller.deciding.weighing import weigh
from runtime_images.policy.pauses import doubling_s

WHOLE = 100
"""Percent: traffic that names anything but backends is none to repeat."""
FIRST_RETRY_S = 30.0
LONGEST_RETRY_S = 3600.0
"""The pauses before a revision that failed for good is tried anew; each makes an object, so they grow long."""


def step(state: FunctionState, seen: Seen, at: Moment) -> Step:
    """Return what to remember of a function, and what to do about it, after what was remembered and what is seen."""
    if seen.deleting or seen.paused:
        return replace(state, switch=None), ()
    state, seen = note_losses(state, seen)
    state, decided = weigh(state, seen, at)
    if not seen.holder.is_gaia:
        return _held(state, seen, decided)
    state, retries = _retry(replace(state, told=""), seen, at)
    state, actions = _serve(state, seen, _wanted(state, seen, decided, at), at)
    return state, (*actions, *retries)


def _held(state: FunctionState, seen: Seen, decided: Decided) -> Step:
    """Leave traffic that somebody else holds alone, and say so once, with what the policy would do."""
    manager = seen.holder.manager
    if state.told == manager:
        return replace(state, switch=None), ()
    note = f"{manager} holds the traffic, so it is left as it is; `gaia unpin {seen.key[1]}` takes it back"
    note += f". The policy would serve on {decided.chosen}: {decided.reason}"
    once = f"{seen.uid} {manager}"
    return replace(state, switch=None, told=manager), (Tell(Word.HELD, note, seen.active, once=once),)


def _wanted(state: FunctionState, seen: Seen, decided: Decided, at: Moment) -> Decided:
    """Return what is to be: a pin before the policy, and of both only what is ready and has not just failed."""
    active, other = seen.active, seen.active.other
    if active not in seen.ready and other in seen.ready:
        return Decided(int(at.wall), other, active, "lost", f"{active} is lost: {seen.problem(active)}", 100)
    if seen.pin is not None:
        decided = Decided(int(at.wall), seen.pin, seen.pin.other, "pinned", f"pinned to {seen.pin}", 100)
    if decided.chosen is other and (other not in seen.ready or state.pauses(other, at.now)):
        return replace(decided, chosen=active, rejected=other)
    return decided


def _serve(state: FunctionState, seen: Seen, wanted: Decided, at: Moment) -> Step:
    """Go on with the switch under way, or begin one, or tidy up."""
    switch, free = state.switch, replace(state, switch=None)
    if not seen.ready:
        return free, _claim(free, seen, at)
    if switch and switch.target not in seen.ready:
        return go_on(state, seen, switch, at)
    if switch and wanted.chosen is switch.target:
        return go_on(state, seen, switch, at)
    if switch and switch.phase is Phase.MOVING and seen.active is switch.target is not wanted.chosen:
        return give_up(state, seen, switch, wanted.reason, at)
    if wanted.chosen is not seen.active:
        return begin(free, seen, wanted, at)
    if switch:  # its target does not serve yet, and need not any more
        free, told = end_unneeded(free, switch, wanted, at)
        state, actions = _tidy(free, seen, at)
        return state, (*actions, *told)
    return _tidy(free, seen, at)


def _tidy(state: FunctionState, seen: Seen, at: Moment) -> Step:
    """Have every backend that is ready in the traffic, no other one, and no pod kept on the side that rests."""
    active, actions = seen.active, tuple[Action, ...]()
    if seen.asked != (wanted := split(active, seen.ready)):
        actions = (moving(state, wanted, at),)
    return state, (*(actions or _claim(state, seen, at)), *release(seen, active.other))


def _claim(state: FunctionState, seen: Seen, at: Moment) -> tuple[Action, ...]:
    """Write the traffic that a Route was made with as it is, so that who made it need not go on writing it."""
    is_whole = sum(seen.asked.values()) == WHOLE
    return (moving(state, seen.asked, at),) if seen.unclaimed and is_whole else ()


def _retry(state: FunctionState, seen: Seen, at: Moment) -> Step:
    """Have a revision that failed for good tried anew, after pauses that grow, and a lost one that sleeps at once.

    Where somebody has named another revision, the template is what was rolled away from: that is left alone.
    """
    sides = {backend: side for backend, side in seen.sides.items() if not side.named}
    dead = [backend for backend in sides if sides[backend].dead or sleeps(state.lost, seen, backend)]
    since = {backend: state.dead_since.get(backend, at.now) for backend in dead}
    due = [backend for backend in dead if at.now - since[backend] >= _retry_pause_s(seen.side(backend))]
    waiting = {backend: since[backend] for backend in dead if backend not in due}
    return replace(state, dead_since=waiting), tuple([Retry(one, seen.side(one).latest) for one in due])


def _retry_pause_s(side: Side) -> float:
    return doubling_s(FIRST_RETRY_S, LONGEST_RETRY_S, side.retries + 1) if side.dead else ASLEEP_S
