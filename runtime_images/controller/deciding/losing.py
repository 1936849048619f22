"""A backend that was in the traffic and is not ready any more is lost, until a pod of it has been seen ready again.

Knative scales a revision that nobody reaches to zero and then calls it ready, though no GPU is there that a pod could
have. So that word does not bring a lost backend back: a pod does, or another revision, which has had one. Outside the
traffic a revision that sleeps gets no pod, so a new one is made of its template: it asks for one until it has it.
"""

from collections.abc import Mapping
from dataclasses import replace

from runtime_images.controller.deciding.actions import FunctionState, Phase
from runtime_images.controller.deciding.sight import Seen
from runtime_images.policy.model import Backend

ASLEEP_S = 2.0
"""How long a lost revision must have slept before a new one is made: a pod that has just come is seen in parts."""


def note_losses(state: FunctionState, seen: Seen) -> tuple[FunctionState, Seen]:
    """Return the state with what is lost now, and the function without it, unless nothing else is ready."""
    lost = {one: revision for one, revision in state.lost.items() if not _is_back(seen, one, revision)}
    for backend in seen.asked:
        if backend not in seen.ready and not _is_being_warmed(state, backend):
            lost.setdefault(backend, seen.side(backend).revision)
    without = replace(seen, lost=frozenset(lost))
    return replace(state, lost=lost), without if without.ready else seen


def sleeps(lost: Mapping[Backend, str], seen: Seen, backend: Backend) -> bool:
    """Return whether a lost backend sleeps, so that nothing but a new revision would show that it works again."""
    side = seen.side(backend)
    return side.asleep and lost.get(backend) == side.revision == side.latest


def _is_back(seen: Seen, backend: Backend, revision: str) -> bool:
    side = seen.side(backend)
    return backend in seen.ready and (side.pods > 0 or side.revision != revision)


def _is_being_warmed(state: FunctionState, backend: Backend) -> bool:
    """Return whether a switch waits for its pod: where there is no room for one, the switch fails, and is paused."""
    return state.switch is not None and state.switch.phase is Phase.WARMING and state.switch.target is backend
