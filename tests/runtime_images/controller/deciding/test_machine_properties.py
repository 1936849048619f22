"""Whatever fails at whatever step: requests are served, a person's traffic stays, and the next passes converge."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.cluster.traffic import Holder
from runtime_images.controller.deciding.actions import Move, Tell
from runtime_images.policy.model import CPU, GPU, Backend
from tests.runtime_images.controller.deciding.world import OURS, Load, World

USERS = Holder("kubectl-edit", "2026-11-28T12:00:00Z")
HAPPENINGS = (
    "nothing", "load", "quiet", "gpu gone", "gpu back", "cpu gone", "cpu back", "gpu dead", "edit", "unpin", "restart",
    "writes fail", "half fails", "not confirmed", "confirmed", "unknown", "known", "pin", "pin cpu", "free", "pause",
    "go on", "gpu errs", "gpu sound", "runtime lost", "runtime found",
)  # fmt: skip


def happen(world: World, what: str) -> None:
    match what:
        case "load":
            world.load = Load(50.0, {CPU: 0.5, GPU: 0.01})
        case "quiet":
            world.load = Load()
        case "gpu gone" | "cpu gone":
            world.schedulable.discard(Backend(what[:3]))
        case "gpu back" | "cpu back":
            world.schedulable.add(Backend(what[:3]))
            world.dead.discard(Backend(what[:3]))
        case "gpu dead":
            world.dead.add(GPU)
        case "edit":
            world.holder, world.asked = USERS, {CPU: 30, GPU: 70}
        case "unpin":
            world.holder = OURS
        case "restart":
            world.restart()
        case "not confirmed":
            world.confirms = False
        case "confirmed":
            world.confirms = True
        case "known" | "unknown":
            world.known = what == "known"
        case "pin" | "pin cpu":
            world.pin = CPU if what == "pin cpu" else GPU
        case "free":
            world.pin = None
        case "pause" | "go on":
            world.paused = what == "pause"
        case "gpu errs":
            world.load.errors = {GPU: 1.0}
        case "gpu sound":
            world.load.errors = {}
        case "runtime lost":
            world.lost = {GPU: "CUDA error"}
        case "runtime found":
            world.lost = {}


def pass_once(world: World, what: str, chance: random.Random, after_s: float) -> None:
    """Make one pass in which orders may fail, and see that none of them does harm."""
    before, held, paused = dict(world.asked), not world.holder.is_gaia, world.paused
    fails = {"writes fail": lambda _: True, "half fails": lambda _: chance.random() < 0.5}.get(what, lambda _: False)
    seen = world.seen()
    actions = world.step(after_s, fails)
    for action in actions:
        if isinstance(action, Move):
            assert sum(action.split.values()) == 100
            assert set(action.split) <= set(seen.ready)
            assert sum(isinstance(one, Move) for one in actions) == 1
    assert not (paused and actions)
    if held:
        assert world.asked == before
        assert all(isinstance(action, Tell) for action in actions) or not any(isinstance(a, Move) for a in actions)


def make_good(world: World) -> None:
    for what in ("gpu back", "cpu back", "unpin", "confirmed", "known", "free", "go on", "quiet", "runtime found"):
        happen(world, what)


@settings(max_examples=60, deadline=None)
@given(
    what=st.lists(st.sampled_from(HAPPENINGS), min_size=1, max_size=40),
    seed=st.integers(0, 2**16),
    after_s=st.sampled_from([0.1, 0.5, 3.0, 20.0]),
)
def test_whatever_fails_the_next_passes_converge(what: list[str], seed: int, after_s: float) -> None:
    world, chance = World(), random.Random(seed)  # noqa: S311 -- chance, no secret
    for one in what:
        happen(world, one)
        pass_once(world, one, chance, after_s)

    make_good(world)
    for _ in range(90):
        pass_once(world, "nothing", chance, 30.0)

    assert world.steps(5) == []
    assert sorted(world.asked.values()) == [0, 100]
    resting = CPU if world.asked[GPU] else GPU
    assert resting not in world.floored


@settings(max_examples=60, deadline=None)
@given(what=st.lists(st.sampled_from(HAPPENINGS), min_size=1, max_size=40), after_s=st.sampled_from([0.25, 1.0, 5.0]))
def test_a_hand_on_the_traffic_is_told_of_once(what: list[str], after_s: float) -> None:
    world, chance = World(), random.Random(0)  # noqa: S311 -- chance, no secret
    for one in what:
        happen(world, one)
        pass_once(world, one, chance, after_s)
    world.paused = False
    happen(world, "edit")
    edited = dict(world.asked)
    before = len(world.done)

    for _ in range(10):
        pass_once(world, "nothing", chance, 1.0)

    new = world.done[before:]
    assert world.asked == edited
    assert all(isinstance(action, Tell) for action in new)
    assert len(new) <= 1
