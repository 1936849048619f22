"""What stands on the Route is what the next leader knows."""

import json
from dataclasses import replace

import pytest

from runtime_images.cluster import words
from runtime_images.controller.deciding.actions import Moment, Move
from runtime_images.controller.deciding.memory import moving, read_record, record_text, remember
from runtime_images.policy.model import CPU, GPU
from runtime_images.policy.pauses import switch_pause_s
from tests.runtime_images.controller.deciding.world import Load, World, slow


def experienced() -> World:
    """A function that has been to the GPU and back."""
    world = slow(World())
    world.steps(120, 0.5)
    world.load = Load()
    world.steps(400)
    world.load = Load(5.0)
    world.steps(60)
    return world


def handed_over(world: World, own_clock: float, later_s: float = 5.0) -> World:
    """Return the world under a new leader whose clock says something else, some seconds later."""
    assert world.state
    written = moving(world.state, {CPU: 100, GPU: 0}, Moment(world.now, world.now + 1e9)).annotations
    world.annotations |= written
    at = Moment(own_clock, world.now + 1e9 + later_s)
    world.state, world.now = remember(world.seen(), at), own_clock
    return world


def test_a_new_leader_knows_what_the_last_one_had_learned() -> None:
    world = experienced()
    assert world.state
    before, was_at = world.state, world.now

    after = handed_over(world, own_clock=77.0).state

    assert after
    assert after.policy.points[0].cpu_s == pytest.approx(before.policy.points[0].cpu_s)
    assert 77.0 - after.policy.moved_at == pytest.approx(was_at + 5.0 - before.policy.moved_at, rel=1e-4)
    assert after.policy.gpu.level == pytest.approx(before.policy.gpu.level)
    assert (after.policy.dwell_s, after.policy.demoted_by) == (before.policy.dwell_s, before.policy.demoted_by)
    assert len(after.policy.account.plans) == len(before.policy.account.plans)
    assert after.record == before.record


def test_a_new_leader_decides_as_the_last_one_would_have() -> None:
    kept, new = experienced(), handed_over(experienced(), own_clock=5_000_000.0)
    for world in (kept, new):
        world.done.clear()
        slow(world)
        world.steps(60, 0.5)

    assert [type(action) for action in kept.done] == [type(action) for action in new.done]
    assert kept.asked == new.asked == {CPU: 0, GPU: 100}


def test_a_clock_that_is_an_hour_off_makes_nothing_lie_in_the_future() -> None:
    state = handed_over(experienced(), own_clock=50.0, later_s=-3600.0).state

    assert state
    assert state.policy.moved_at <= 50.0


def test_a_failure_is_remembered_with_what_is_left_of_its_pause() -> None:
    world = slow(World(schedulable={CPU}))
    world.steps(6, 0.5)
    assert world.state
    left_s = world.state.failures[GPU].until - world.now

    after = handed_over(world, own_clock=10.0, later_s=0.0).state

    assert after
    assert after.failures[GPU].until - 10.0 == pytest.approx(left_s, abs=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"v":1}', '{"wall":"x","policy":{},"failures":{}}', '"a"', "[" * 16_000,
        '{"wall":NaN,"policy":{},"failures":{}}', '{"wall":0,"policy":{"moved_at":Infinity},"failures":{}}',
        '[{"at":Infinity,"chosen":"cpu","rejected":"gpu","rule":"","reason":"","share":1}]',
        '{"wall":0,"policy":{},"failures":{"gpu":{"times":"x","until":9}}}',
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_state_that_cannot_be_read_is_none(text: str) -> None:
    world = World(annotations={words.STATE: text, words.DECISION: text})

    assert world.steps(5) == []


def test_no_failure_is_remembered_for_longer_than_its_pause() -> None:
    failures = {"gpu": {"times": 1, "until": 1e300}}
    world = World(annotations={words.STATE: json.dumps({"wall": 0, "policy": {}, "failures": failures})})

    state = remember(world.seen(), Moment(10.0, 20.0))

    assert state.failures[GPU].until == 10.0 + switch_pause_s(1)


def test_a_field_of_a_newer_version_is_no_harm() -> None:
    world = World(annotations={words.STATE: json.dumps({"wall": 0, "policy": {"novel": 1}, "failures": {}})})

    assert world.steps(5) == []


def test_the_prototypes_latencies_are_a_beginning() -> None:
    world = World(annotations={"executionMode": "cpu_preferred", "cpuLatency": "0.8", "gpuLatency": "0.05"})

    state = remember(world.seen(), Moment(10.0, 20.0))

    assert [(point.cpu_s, point.gpu_s) for point in state.policy.points] == [(0.8, 0.05)]
    for wrong in ("", "fast", "-1", "nan", "inf", "1e9"):
        world.annotations["cpuLatency"] = wrong
        assert remember(world.seen(), Moment(10.0, 20.0)).policy.points == ()


def test_the_record_survives_and_what_is_none_is_left_out() -> None:
    world = slow(World(running={CPU, GPU}))
    world.steps(20, 0.5)
    assert world.state

    assert read_record(record_text(world.state.record)) == world.state.record
    assert read_record("[{}]") == ()


def test_what_is_written_stays_small() -> None:
    world = experienced()
    assert world.state
    reasons = replace(world.state.record[0], reason="x" * 300)
    state = replace(world.state, record=(reasons,) * 5)

    written = moving(state, {CPU: 100, GPU: 0}, Moment(world.now, 1e9))

    assert isinstance(written, Move)
    assert sum(len(text) for text in written.annotations.values()) < 8192
