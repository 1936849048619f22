"""What must hold after every turn of the event loop, whatever has happened."""

from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.wire.in_flight import SLOTS
from runtime_images.events.lifecycle import WorkerState

if TYPE_CHECKING:
    from tests.universe.world import World


class LawBrokenError(Exception):
    """What must hold does not."""


def require(holds: object, otherwise: str) -> None:
    """Raise LawBrokenError unless it holds."""
    if not holds:
        raise LawBrokenError(otherwise)


def check_turn(world: "World") -> None:
    """Check what must hold at every moment; it is done some thousand times in a run, so it is short."""
    parts = world.parts
    _check_pointer(world)
    is_outage = parts.supervisor._outage is not None
    require(
        parts.front.active is None or not is_outage, "what serves is brought up: nobody would replace it once it dies"
    )
    budget, backlog = parts.server.budget, parts.server.shared_head.backlog
    require(budget.held >= 0, "less than nothing is held in memory")
    require(0 <= backlog.size <= backlog.limit, f"{backlog.size} bytes wait for clients, of {backlog.limit}")
    queue = parts.front.queue
    for job in queue:
        require(job.link is None, "a request waits that a worker has")
        require(not job.started, "a request waits that is answered")
    for worker in parts.supervisor.workers:
        link = worker.link
        numbers = len(link.jobs) + len(link.sockets) + len(link._free_ids)
        require(numbers == SLOTS, "a number of a request is lost")
        require(link.window._sockets == len(link.sockets), "a window has another number of WebSockets than its worker")
        require(link.window._streams >= 0, "fewer streams than none")


def _check_pointer(world: "World") -> None:
    """The pointer to the active worker leads to one that is there and has been ready."""
    active = world.parts.front.active
    if active is None or world.parts.supervisor.stopping:
        return
    worker = next((one for one in world.parts.supervisor.workers if one.link is active), None)
    if worker is None:
        raise LawBrokenError("the active worker is gone, and still gets requests")
    require(worker.state is WorkerState.READY, f"the active worker is {worker.state}")
    require(worker.backend is world.parts.supervisor.target, "the active worker is not of the target")
