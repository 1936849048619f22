"""New universes in every run of the tests; the same one twice; those that have found a fault; and planted faults."""

import itertools
import secrets
import time

import pytest

from tests.universe.generator import make
from tests.universe.schedule import Schedule
from tests.universe.search import Found, broken_law, search, shrunk
from tests.universe.world import World

PARTS = 8
SEEDS_EACH = 120
SECONDS_EACH = 7.0
"""Of processor time: all parts together take a minute at most."""


@pytest.mark.parametrize("part", range(PARTS))
def test_no_new_universe_breaks_a_law(part: int) -> None:  # noqa: ARG001 -- parts run side by side
    first, begun_s = secrets.randbelow(10**9), time.process_time()
    tried, found = search(
        iter(range(first, first + SEEDS_EACH)), lambda: time.process_time() - begun_s < SECONDS_EACH
    )  # fmt: skip

    assert tried
    assert found is None, described(found)


def described(found: Found | None) -> str:
    if found is None:
        return ""
    small = shrunk(found, 20.0)
    story = "\n".join(small.schedule.story())
    return f"python -m tests.universe --only {found.schedule.seed}: {found.law}\nmade smaller:\n{story}\n{small.law}"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    runs = []
    for _ in range(2):
        world = World(make(seed))
        world.run()
        runs.append((world.digest, len(world.trace)))

    assert runs[0] == runs[1]
    assert runs[0][1] > 3


def test_a_schedule_is_read_back_as_it_was_printed() -> None:
    for seed in range(50):
        assert Schedule.from_json(make(seed).to_json()) == make(seed)


FOUND = {
    "a slow client that had sent more behind its last request lost the end of the answer":
    '{"seed":808007858,"clients":[{"at_s":1.973,"steps":[{"does":"ask","act":"unusual","method":"DELETE","framing":"1.0","service_s":0.2},{"does":"ask","act":"sized","method":"POST","size":200000,"framing":"chunked","pieces":2,"pause_s":0.001,"service_s":0.02},{"does":"read"}],"late_s":0.3,"pieces":7,"capacity":4096}],"length_s":2.0,"arena_bytes":131072,"lazy":true,"worker_pieces":4}',
    "an HTTP/1.0 client took half a stream for a whole one":
    '{"seed":4,"clients":[{"at_s":0.1,"steps":[{"does":"ask","act":"stream","framing":"1.0",'
    '"answer_bytes":700000,"service_s":2.0},{"does":"read"}]}]}',
    "an answer in no memory was nobody's failure":
    '{"seed":28,"clients":[{"at_s":0.1,"steps":[{"does":"ask","act":"no-such-memory"},{"does":"read"}]}]}',
    "a client that ends its half and does not read its last answer was never cut off":
    '{"seed":1,"clients":[{"at_s":0.1,"late_s":0.3,"capacity":4096,"steps":[{"does":"ask","act":"closing","answer_bytes":700000},'
    '{"does":"wait","seconds":0.5},{"does":"half"},{"does":"wait","seconds":0.1},{"does":"vanish"}]}]}',
    "a worker that was starting at the end was not ended":
    '{"seed":1,"upsets":[{"at_s":0.2,"does":"stubborn"},{"at_s":0.3,"does":"starts","what":"spawn"},'
    '{"at_s":0.45,"does":"switch","what":"gpu"},{"at_s":0.5,"does":"stop"}]}',
    "the end of a worker went round and round for a request that was cancelled before it began":
    '{"seed":501026,"mode":"gpu_preferred","clients":[{"at_s":0.296,"steps":[{"does":"ask","act":"wrong-facts","fra'
    'ming":"1.0","service_s":0.02}],"late_s":0.02,"pieces":7,"capacity":4096},{"at_s":0.308,"steps":[{"does":"drip"'
    ',"size":2000},{"does":"ask","act":"wrong-facts","method":"HEAD","pieces":2,"pause_s":0.001,"service_s":1.5},{"'
    'does":"read"},{"does":"read"}]},{"at_s":0.003,"steps":[{"does":"drip","size":2000},{"does":"ask","method":"POS'
    'T","size":70000,"framing":"close","pieces":5,"service_s":0.001},{"does":"stall","seconds":0.1},{"does":"read"}'
    ',{"does":"read"}],"late_s":0.0005,"pieces":2,"capacity":30000}],"upsets":[{"at_s":0.153,"does":"stop"}],"lengt'
    'h_s":0.5,"concurrency":1,"drain_timeout_s":0.5,"lazy":true,"worker_late_s":0.0005,"worker_pieces":4}',
    "a message that its function never receives kept a client that had left":
    '{"seed":313,"clients":[{"at_s":0.44,"steps":[{"does":"talk","act":"without-end","size":70000,"pause_s":0.3}]}],'
    '"length_s":0.5,"concurrency":1}',
    "room was taken for what was left of a read when its client had gone":
    '{"seed":218,"clients":[{"at_s":3.171,"steps":[{"does":"talk","act":"deaf","size":70000,"pieces":50}]}],'
    '"length_s":0.75}',
}  # fmt: skip
"""What was wrong, and the smallest schedule that showed it."""


@pytest.mark.parametrize("schedule", FOUND.values(), ids=FOUND)
def test_what_was_found_once_stays_mended(schedule: str) -> None:
    assert not broken_law(Schedule.from_json(schedule))


def first_found(most: int = 400) -> Found:
    """The first breach of a law among fixed seeds."""
    _, found = search(itertools.islice(itertools.count(1), most), lambda: True)
    assert found is not None, "the fault is not found"
    return found
