"""What must have become of every request in the end, and that nothing is left of it.

An answer is right, or an error that has its cause: the client's own doing, its function's, a worker that died, a bound.
"""

import json
from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.edge.bodies import NO_ROOM
from runtime_images.dynamic_runtime.front.health_questions import HOOK_TIMEOUT_S
from runtime_images.dynamic_runtime.front.window_control import FIRST_WINDOW
from runtime_images.dynamic_runtime.workers.recovery import UNAVAILABLE
from tests.support.wrong_messages import SERVED
from tests.universe import talkers, talks
from tests.universe.clients import DRIP_S, NUMBERS_EACH, PROBE, STEADY_BYTES, Asked, SimulatedClient
from tests.universe.functions import FAULTY, GOOD, PART_BYTES, pattern, unusual_messages
from tests.universe.laws import LawBrokenError, require
from tests.universe.processes import BAD_STARTS
from tests.universe.schedule import Client, Schedule, Step

if TYPE_CHECKING:
    from tests.universe.world import World

_OWN_FAULTS = {"noise", "begun", "half", "left", "slow", "stall", "drip"}
_MARGIN_S = 0.01
_STATUS_OF = {"error": 500, "raise": 500, "panic": 500, "empty": 204}


def check_clients(world: "World") -> None:
    """Check what every client got."""
    for client in world.clients:
        require(not client.wrong, f"client {client.number} got {client.wrong}")
        require(
            client.ended != "refused" or world.stopped_s is not None, f"client {client.number} was not let in"
        )  # fmt: skip
        for place, asked in enumerate(client.asked):
            problem = _problem(world, client, asked)
            if problem and not _is_void(client, place):
                raise LawBrokenError(f"request {asked.number} ({asked.step.method} {asked.step.act}) {problem}")


def _is_void(client: SimulatedClient, place: int) -> bool:
    """Whether it was sent behind a request that was the last of its connection: that one is judged."""
    return any(
        one.step.framing in ("1.0", "close") or one.answer is None or not one.answer.whole or one.answer.closes
        for one in client.asked[:place]
    )


def _problem(world: "World", client: SimulatedClient, asked: Asked) -> str:
    """Say what is wrong with what came of a request; nothing if all is well."""
    answer = asked.answer
    if isinstance(client, talkers.Talker) and client.is_open:
        return talkers.problem_of(world, client, asked)
    if answer is None or not answer.whole:
        if client.faults.seen & _OWN_FAULTS or _by_function(world, asked) or _by_stop(world, client, asked):
            return ""
        if client.port in world.witness.made_way:
            return ""  # its answers have waited for it in memory that others needed
        if answer is None and world.schedule.connections <= len(world.clients):
            return ""  # a connection that was quiet made room for another one
        if any(_by_function(world, one) for one in client.asked):
            return (
                ""  # another answer broke off, and took with it the connection, and what was not read yet of this one
            )
        return f"got {'no answer' if answer is None else 'half of one'}, its connection is {client.ended or 'open'}"
    if isinstance(client, talkers.Talker) and talkers.STATUS_OF.get(asked.step.act) == answer.status:
        return ""
    if asked.step.act == PROBE:
        late = client.asked[0] is asked and _took(world, asked) > HOOK_TIMEOUT_S + _on_the_way_s(client, asked)
        return f"waited {_took(world, asked):.2f} s" if late else "" if answer.status in (200, 503) else "got no status"
    if answer.status in (_STATUS_OF.get(asked.step.act, 200), 200) and asked.step.act not in FAULTY:
        return _content_problem(asked, bytes(answer.body))
    return _error_problem(world, client, asked, answer.status, bytes(answer.body))


def _content_problem(asked: Asked, body: bytes) -> str:
    step = asked.step
    silent = step.method == "HEAD" or step.act in ("empty", "raise", "panic")
    expected = b"" if silent else _expected(asked)
    return (
        ""
        if body == expected or step.act in ("raise", "panic")
        else f"got another body, of {len(body)} bytes: {body[:40]!r}"
    )


def _expected(asked: Asked) -> bytes:
    if asked.step.act == "unusual":
        return SERVED[unusual_messages(asked.number, asked.step.answer_bytes)]
    return pattern(asked.number, asked.step.answer_bytes)


def _by_function(world: "World", asked: Asked) -> bool:
    """Whether the function is to blame, or the death of a worker that had the request, or its deadline."""
    given = [process for process in world.starter.processes if asked.number in process.given]
    if asked.step.act in FAULTY | talks.FAULTY or any(process.has_ended for process in given):
        return True
    return _is_late(world, asked)


def _is_late(world: "World", asked: Asked) -> bool:
    """Whether its deadline has passed, and not because its answer stood still once it had begun."""
    deadline_s = world.schedule.request_timeout_s - _MARGIN_S
    if any(one.does == "freeze" for one in world.schedule.upsets):
        return True
    if asked.answer is None:
        return _took(world, asked) >= deadline_s
    client, step = world.clients[asked.number // NUMBERS_EACH].client, asked.step
    parts = step.answer_bytes / PART_BYTES + 1
    trips = 2 * step.answer_bytes / client.capacity + 4 * parts
    late_s = trips * client.late_s + 4 * parts * world.schedule.worker_late_s
    on_its_way_s = parts * step.service_s + late_s + 2 * DRIP_S * step.answer_bytes / STEADY_BYTES
    return _took(world, asked) >= deadline_s - on_its_way_s


def _is_calm(schedule: Schedule, client: Client, step: Step) -> bool:
    """Whether nothing happens for which a request may have to wait: it is answered long before its deadline."""
    steps = [one for client in schedule.clients for one in client.steps]
    asks = [one for one in steps if one.does in ("ask", "begin", talkers.TALK)]
    takes_s = step.service_s * (1 + step.answer_bytes / PART_BYTES) + 20 * client.late_s
    at_hand = {"wrong", "panic-in-stream", "break-off", *GOOD, PROBE, *talks.GOOD}
    return (
        (schedule.memory_bytes, schedule.concurrency) == (Schedule.memory_bytes, Schedule.concurrency)
        and not schedule.upsets
        and takes_s < schedule.request_timeout_s / 2
        and len(asks) < FIRST_WINDOW
        and all(one.act in at_hand for one in asks)
        and client.capacity == Client.capacity
        and not any(one.does in ("drip", "stall") for one in client.steps)
    )


def _on_the_way_s(client: SimulatedClient, asked: Asked) -> float:
    """Return how long a short request and its answer may be on their way."""
    waited_s = sum(step.seconds for step in client.client.steps) + DRIP_S
    return waited_s + asked.step.pieces * asked.step.pause_s + 6 * client.client.late_s + _MARGIN_S


def _took(world: "World", asked: Asked) -> float:
    return (asked.answered_s or world.loop.time()) - asked.begun_s


def _by_stop(world: "World", client: SimulatedClient, asked: Asked) -> bool:
    """Whether the runtime was on its end before the request was there, or while it took longer than that may last."""
    if world.stopped_s is None:
        return False
    trips = 1 + 2 * sum(one.step.size for one in client.asked) / client.client.capacity
    there_s = (asked.sent_s or asked.begun_s) + trips * client.client.late_s
    too_long = asked.begun_s + asked.step.service_s + _MARGIN_S >= world.stopped_s + world.schedule.drain_timeout_s
    return asked.sent_s is None or there_s + _MARGIN_S >= world.stopped_s or too_long


def _error_problem(world: "World", client: SimulatedClient, asked: Asked, status: int, body: bytes) -> str:
    """Say why an error has no cause; nothing if it has one."""
    faults, schedule = client.faults.seen, world.schedule
    is_calm = _is_calm(schedule, client.client, asked.step)
    causes = {
        400: faults & {"noise", "begun", "half"},
        408: faults & {"slow", "begun", "stall", "drip"},
        500: asked.step.act in FAULTY | talks.FAULTY,
        502: _by_function(world, asked),
        503: _may_refuse(world, client, _message(body)),
        504: _took(world, asked) >= schedule.request_timeout_s - _MARGIN_S and not is_calm,
    }
    if status == 200 and asked.step.act in FAULTY | talks.FAULTY:
        return ""
    return "" if causes.get(status) else f"got {status} without a cause: {body[:80]!r}"


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError):
        return ""


def _may_refuse(world: "World", client: SimulatedClient, message: str) -> bool:
    """Whether there is a cause to refuse a request with this message; a HEAD has none."""
    schedule = world.schedule
    causes = {
        "the queue is full": schedule.queue_size < Schedule.queue_size,
        UNAVAILABLE: _starts_fail(schedule),
        NO_ROOM: schedule.memory_bytes < Schedule.memory_bytes,
        "the runtime is shutting down": world.stopped_s is not None,
        "the function's mode is gpu, but there is no GPU": any(one.does == "gpu" for one in schedule.upsets),
        "the function is busy, and a client that sends no more looks like one that has left": "half" in client.faults,
    }
    return causes.get(message, not message and any(causes.values()))


def _starts_fail(schedule: Schedule) -> bool:
    """Whether workers may fail without a request to blame."""
    return any(one.what in BAD_STARTS or one.does in ("kill", "exit", "cut", "lie") for one in schedule.upsets)


def check_nothing_is_left(world: "World") -> None:
    """Check that connections, memory and places have come back."""
    parts = world.parts
    require(not parts.server.connections, f"{len(parts.server.connections)} connections are left")
    require(not parts.front.queue, "requests are left in the queue")
    budget, backlog = parts.server.budget, parts.server.shared_head.backlog
    require(not budget.held, f"{budget.held} bytes of bodies are left")
    require(not budget._waiting, "bodies wait for room")
    require(not backlog.size, f"{backlog.size} bytes are left that wait for clients")
    require(not backlog._sizes, "clients are left that answers wait for")
    requests = world.starter.requests
    require(requests is None or not requests.taken, "slots of requests are left in the arena")
    _check_workers(world)
    if world.stopped_s is None:
        world.witness.miscounted(world.errors.append)


def _check_workers(world: "World") -> None:
    for worker in world.parts.supervisor.workers:
        require(not worker.link.jobs, f"a worker has requests left: {list(worker.link.jobs)}")
        require(not worker.link.sockets, f"a worker has WebSockets left: {list(worker.link.sockets)}")
        require(not worker.link.window._streams, "a window counts streams that have ended")
        require(not worker.link.bodies._orphans, "bodies are kept for a worker that has nothing to read")
    for process in world.starter.alive():
        answers = process.bodies._answers
        require(answers is None or not answers.taken, f"worker {process.number} has slots of answers left")
