"""Makes a schedule from a seed. Each seed has its own few kinds of harm, so that some are met alone and often."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from runtime_images.policy.model import Backend, ExecutionMode
from tests.universe import talks
from tests.universe.clients import PROBE, STEADY_BYTES
from tests.universe.functions import FAULTY, GOOD
from tests.universe.processes import BAD_STARTS, TAKES_S
from tests.universe.schedule import Client, Schedule, Step, Upset
from tests.universe.talkers import TALK
from tests.universe.upsets import LIES

_T = TypeVar("_T")
_METHODS = ("GET", "POST", "POST", "PUT", "HEAD", "DELETE")
_SIZES = (0, 0, 0, 10, 3000, 20_000, 70_000, 200_000)
_ANSWER_SIZES = (10, 10, 10, 1000, 70_000, 300_000, 700_000)
_FRAMINGS = ("length", "length", "length", "chunked", "expect", "1.0", "close")
_SERVICE_S = (0.0, 0.0, 0.001, 0.02, 0.2, 1.5)
_LATE_S = (0.0, 0.0005, 0.02, 0.3)
_GOODBYES = ("close", "leave", "reset", "vanish")
_ENDS = ("leave", "reset", "half", "vanish", "begin", "noise", "idle")
_UPSETS = (
    "kill", "exit", "cut", "lie", "freeze", "stubborn", "silent", "switch", "switch", "gpu", "starts", "pin", "stop",
)  # fmt: skip


def _some(random: Random, kinds: Sequence[_T], most: int) -> list[_T]:
    return random.sample(list(kinds), random.randint(0, min(most, len(kinds))))


def make(seed: int) -> Schedule:
    """Return the schedule of this seed."""
    random = Random(f"universe {seed}")
    length_s = random.choice((0.5, 2.0, 6.0))
    acts = [*random.sample(list(GOOD), 3), "answer", *_some(random, list(FAULTY), 3)]
    rude = random.random() < 0.6
    clients = [_client(random, length_s, acts, rude=rude) for _ in range(random.choice((1, 3, 8, 20)))]
    talk = Random(f"talkers {seed}")
    if talk.random() < 0.3:
        clients += [_talker(talk, length_s, rude=rude) for _ in range(talk.choice((1, 3, 8)))]
    return Schedule(
        seed=seed,
        mode=random.choice(list(ExecutionMode)).value,
        clients=tuple(clients),
        upsets=tuple(_upsets(random, length_s)),
        length_s=length_s,
        idempotent=random.random() < 0.2,
        judged=random.random() < 0.3,
        concurrency=random.choice((0, 0, 1, 2)),
        queue_size=random.choice((1024, 1024, 3)),
        request_timeout_s=random.choice((1.0, 5.0)),
        drain_timeout_s=random.choice((0.5, 3.0)),
        memory_bytes=random.choice((2**31, 2**31, 150_000)),
        connections=random.choice((1000, 1000, 5)),
        arena_bytes=random.choice((2**20, 2**17)),
        lazy=random.random() < 0.5,
        worker_late_s=random.choice(_LATE_S[:3]),
        worker_pieces=random.choice((1, 1, 4)),
    )


def _client(random: Random, length_s: float, acts: list[str], *, rude: bool) -> Client:
    steps: list[Step] = []
    if random.random() < 0.2:
        steps.append(Step("drip", size=random.choice((2000, 5000)) if rude else STEADY_BYTES))
    for _ in range(random.choice((1, 1, 2, 5))):
        steps += _turn(random, acts, rude=rude)
    if rude and random.random() < 0.3:
        steps += _bad_end(random)
    elif random.random() < 0.9:
        steps.append(Step("read"))
    return Client(
        round(random.random() * length_s, 3), tuple(steps), random.choice(_LATE_S), random.choice((1, 1, 2, 7)),
        random.choice((2**18, 2**18, 4096, 30_000)),
    )  # fmt: skip


def _talker(random: Random, length_s: float, *, rude: bool) -> Client:
    """A client that talks over a WebSocket."""
    act = random.choice((*talks.GOOD, "echo", "echo", *(talks.FAULTY if rude else ())))
    pieces = random.choice((0, 1, 5, 50))
    step = Step(
        TALK, act, size=random.choice((1, 200, 70_000)), framing=random.choice(_GOODBYES if rude else _GOODBYES[:1]),
        pieces=pieces, pause_s=random.choice((0.0, 0.0, 0.01, 0.3 if pieces < 50 else 0.01)),
        answer_bytes=random.choice(_ANSWER_SIZES), service_s=random.choice(_SERVICE_S[:4]),
        seconds=random.choice((0.0, 0.5, 20.0, 50.0)),
    )  # fmt: skip
    return Client(
        round(random.random() * length_s, 3), (step,), random.choice(_LATE_S), random.choice((1, 1, 2, 7)),
        random.choice((2**18, 2**18, 30_000)),
    )  # fmt: skip


def _turn(random: Random, acts: list[str], *, rude: bool) -> list[Step]:
    """Ask one thing after the other, or at once, and read the answers or go on."""
    steps = [_ask(random, acts) for _ in range(random.choice((1, 1, 1, 3)))]
    if rude and random.random() < 0.1:
        steps.append(Step("stall", seconds=random.choice((0.1, 3.0, 70.0))))
    if random.random() < 0.6:
        steps.append(Step("read"))
    elif random.random() < 0.3:
        steps.append(Step("wait", seconds=random.choice((0.001, 0.1, 1.0))))
    return steps


def _ask(random: Random, acts: list[str]) -> Step:
    act = random.choice(acts) if random.random() < 0.95 else PROBE
    method = "GET" if act == PROBE else random.choice(_METHODS)
    size = random.choice(_SIZES) if method in ("POST", "PUT") else 0
    pieces = random.choice((1, 1, 1, 2, 5))
    return Step(
        "ask", act, method, size, random.choice(_FRAMINGS) if size else random.choice(("length", "length", "1.0")),
        pieces, random.choice((0.0, 0.001, 0.05)) if pieces > 1 else 0.0,
        answer_bytes=random.choice(_ANSWER_SIZES), service_s=random.choice(_SERVICE_S),
    )  # fmt: skip


def _bad_end(random: Random) -> list[Step]:
    """What a client does last of all."""
    does = random.choice(_ENDS)
    wait = Step("wait", seconds=random.choice((0.0, 0.001, 0.1, 0.5)))
    if does == "begin":
        begun = Step(does, method="POST", size=random.choice(_SIZES[3:]), cut=random.randint(1, 99))
        return [begun, wait, Step(random.choice(_ENDS[:4]))]
    last = [Step(random.choice(("read", "read", "vanish")))] if does in ("half", "noise") else []
    return [wait, Step(does, size=random.randrange(9)), *last]


def _upsets(random: Random, length_s: float) -> list[Upset]:
    kinds = _some(random, sorted(set(_UPSETS) - {"stop"}), 4)
    made = [_upset(random, random.choice(kinds), length_s) for _ in range(random.choice((0, 1, 3, 8))) if kinds]
    if random.random() < 0.15:
        made.append(_upset(random, "stop", length_s))
    return sorted(made, key=lambda one: one.at_s)


def _upset(random: Random, does: str, length_s: float) -> Upset:
    what = {
        "lie": list(LIES),
        "switch": [backend.value for backend in Backend],
        "gpu": ["gone", "back"],
        "starts": [*TAKES_S, *BAD_STARTS],
        "pin": ["pinned", "free"],
    }
    seconds = random.choice((0.1, 2.0, 20.0)) if does == "freeze" else 0.0
    return Upset(
        round(random.random() * length_s, 3), does, random.randrange(4), random.choice(what.get(does, [""])), seconds
    )  # fmt: skip
