"""What is done about a function, step by step: a switch, a loss, a person's hand, a dead revision."""

from dataclasses import replace

import pytest

from runtime_images.cluster.traffic import Holder
from runtime_images.controller.deciding.actions import Moment, Move, Phase, Release, Retry, Tell, Warm, Word
from runtime_images.controller.deciding.memory import remember
from runtime_images.controller.deciding.switching import CANARY_PERCENT
from runtime_images.policy.model import CPU, GPU, Backend
from tests.runtime_images.controller.deciding.world import Load, World, moves, slow


def until_moved(world: World) -> None:
    slow(world)
    for _ in range(60):
        world.step(0.25)
        if world.asked.get(GPU) == 100 and world.state and world.state.switch is None:
            return
    raise AssertionError(world.done)


def test_a_function_at_rest_needs_nothing() -> None:
    assert World().steps(20) == []


def test_a_cold_gpu_is_warmed_then_given_a_share_then_everything() -> None:
    world = slow(World())

    done = world.steps(40, 0.5)

    kinds = [type(action) for action in done]
    assert kinds == [Warm, Move, Move, Tell]
    assert moves(done) == [{CPU: 100 - CANARY_PERCENT, GPU: CANARY_PERCENT}, {CPU: 0, GPU: 100}]
    assert isinstance(done[-1], Tell)
    assert done[-1].word is Word.SWITCHED
    assert "missed the SLO" in done[-1].note


def test_a_gpu_that_runs_already_is_not_warmed() -> None:
    world = slow(World(running={CPU, GPU}))

    assert [type(action) for action in world.steps(20, 0.5)] == [Move, Move, Tell]


def test_a_switch_has_at_most_four_writes_in_either_direction() -> None:
    world = World()
    until_moved(world)
    up = len(world.done)
    world.load = Load(0.0)
    world.steps(300)

    assert world.asked == {CPU: 100, GPU: 0}
    assert up <= 4
    assert len(world.done) - up <= 4
    assert world.floored == set()


def test_a_switch_that_is_taken_back_at_its_latest_is_two_of_at_most_four_writes_each() -> None:
    world = slow(World())
    while not (world.state and world.state.switch and world.state.switch.phase is Phase.CHECKING):
        world.step(0.25)
    there = len(world.done)
    world.load = Load(100.0, {CPU: 0.5, GPU: 0.9})

    world.steps(4, 0.25)

    assert [type(action) for action in world.done[:there]] == [Warm, Move, Move, Tell]
    assert [type(action) for action in world.done[there:]] == [Move, Release, Tell]


def test_a_share_that_is_taken_back_costs_five_writes_at_most() -> None:
    world = slow(World())
    world.load.errors, world.load.rate = {GPU: 1.0}, 100.0

    world.steps(20, 0.25)

    assert [type(action) for action in world.done] == [Warm, Move, Move, Release, Tell]


def test_the_record_tells_what_was_decided_and_how_far_it_got() -> None:
    world = World()
    until_moved(world)

    assert world.state
    newest = world.state.record[0]
    assert (newest.chosen, newest.rejected, newest.rule, newest.share) == (GPU, CPU, "slo_breach", 100)


def test_a_lost_gpu_leaves_the_traffic_in_one_write() -> None:
    world = World()
    until_moved(world)
    world.done.clear()

    world.schedulable.discard(GPU)
    world.steps(3)

    assert world.done[0] == Move({CPU: 100}, world.done[0].annotations)  # type: ignore[union-attr]
    told = [action for action in world.done if isinstance(action, Tell)]
    assert [one.word for one in told] == [Word.LOST]
    assert "Insufficient nvidia.com/gpu" in told[0].note
    assert all(GPU not in split or split[GPU] == 0 for split in moves(world.done))


def test_a_lost_gpu_at_rest_leaves_the_traffic_too_and_comes_back_once_ready() -> None:
    world = World(ready={CPU}, schedulable={CPU}, dead={GPU})

    assert moves(world.steps(3)) == [{CPU: 100}]
    world.schedulable = {CPU, GPU}
    assert moves(world.steps(40)) == [{CPU: 100, GPU: 0}]


def test_a_lost_gpu_stays_out_while_its_revision_only_sleeps_and_a_new_one_shows_that_it_is_back() -> None:
    world = World()
    until_moved(world)
    world.done.clear()

    world.schedulable.discard(GPU)
    world.steps(120)
    world.restart()
    world.steps(120)

    assert moves(world.done) == [{CPU: 100}]
    assert [one for one in world.done if isinstance(one, Retry)] == [Retry(GPU, "hello-gpu-00001")]

    world.done.clear()
    world.schedulable.add(GPU)
    world.steps(3)

    assert moves(world.done) == [{CPU: 100, GPU: 0}]
    assert world.state
    assert world.state.lost == {}


def test_a_lost_gpu_is_the_last_resort_where_the_cpu_is_lost_too() -> None:
    world = World(asked={CPU: 100}, ready={GPU}, running=set(), schedulable={GPU}, dead={CPU})
    world.state = replace(remember(world.seen(), Moment(0.0, 0.0)), lost={GPU: "hello-gpu-00001"})

    world.step()

    assert moves(world.done) == [{GPU: 100}]


def test_the_target_of_a_switch_that_waits_for_its_pod_is_not_lost() -> None:
    world = slow(World(schedulable={CPU}))

    world.steps(4, 0.5)

    assert world.state
    assert world.state.lost == {}


def test_a_gpu_that_the_runtime_reports_as_lost_is_lost() -> None:
    world = World()
    until_moved(world)
    world.lost = {GPU: "CUDA error: device lost"}
    world.done.clear()

    world.steps(2)

    assert moves(world.done)[0] == {CPU: 100}
    assert any(isinstance(one, Tell) and "device lost" in one.note for one in world.done)


def test_where_no_backend_is_ready_nothing_is_written() -> None:
    world = World(ready=set(), dead={CPU, GPU})

    assert world.steps(5) == []


def test_a_gpu_without_room_is_given_up_and_left_alone_for_a_while() -> None:
    world = slow(World(schedulable={CPU}))

    first = world.steps(4, 0.5)
    told = [action for action in first if isinstance(action, Tell)]

    assert [one.word for one in told] == [Word.FAILED]
    assert world.floored == set()
    assert not [action for action in world.steps(3, 0.5) if isinstance(action, Warm)]


def test_a_start_that_nobody_needs_any_more_is_ended_and_no_failure() -> None:
    world = slow(World())
    while not world.done:
        world.step(0.25)
    world.pin = CPU

    done = world.step()

    assert [type(action) for action in world.done[:1]] == [Warm]
    assert [type(action) for action in done] == [Release, Tell]
    assert [(one.word, one.backend) for one in done if isinstance(one, Tell)] == [(Word.GIVEN_UP, GPU)]
    assert world.floored == set()
    assert world.state
    assert world.state.failures == {}
    assert (world.state.record[0].rule, world.state.record[0].chosen) == ("given_up", CPU)
    world.pin = None
    assert any(split.get(GPU) for split in moves(world.steps(2))), "it may begin again at once"


def test_a_share_that_nobody_needs_any_more_goes_back() -> None:
    world = slow(World(running={CPU, GPU}))
    while not world.done:
        world.step(0.25)
    shared, world.pin = dict(world.asked), CPU

    done = world.step(0.1)

    assert shared == {CPU: 90, GPU: 10}
    assert moves(done) == [{CPU: 100, GPU: 0}]
    assert [one.word for one in done if isinstance(one, Tell)] == [Word.GIVEN_UP]
    assert world.steps(3) == []


def test_a_share_that_fails_is_taken_back() -> None:
    world = World(running={CPU, GPU})
    slow(world)
    world.load.errors = {GPU: 1.0}
    world.load.rate = 100.0

    done = world.steps(20, 0.25)

    assert moves(done)[:2] == [{CPU: 90, GPU: 10}, {CPU: 100, GPU: 0}]
    assert any(isinstance(action, Tell) and action.word is Word.ROLLED_BACK for action in done)


def test_a_gpu_that_is_slower_gives_everything_back() -> None:
    world = World(running={CPU, GPU})
    world.load = Load(100.0, {CPU: 0.5, GPU: 0.9})

    done = world.steps(20, 0.25)

    assert moves(done)[-1] == {CPU: 100, GPU: 0}
    assert world.state
    assert world.state.failures[GPU].times == 1


def test_a_move_that_is_not_confirmed_is_taken_back() -> None:
    world = slow(World(running={CPU, GPU}, confirms=False))

    done = world.steps(40, 0.5)

    assert {CPU: 100, GPU: 0} in moves(done)


def test_traffic_that_another_holds_is_left_alone_and_told_of_once() -> None:
    world = slow(World(holder=Holder("kubectl-edit", "2026-11-28T12:00:00Z")))

    done = world.steps(10)

    assert [type(action) for action in done] == [Tell]
    assert isinstance(done[0], Tell)
    assert done[0].once
    assert "kubectl-edit holds the traffic" in done[0].note
    assert world.state
    assert world.state.would
    assert world.state.would.chosen is GPU


@pytest.mark.parametrize("ready", [set(), {CPU}])
def test_traffic_that_a_route_was_made_with_is_written_once_as_it_is(ready: set[Backend]) -> None:
    world = World(asked={CPU: 100}, ready=ready, schedulable=ready, dead={CPU, GPU} - ready, unclaimed=True)

    assert moves(world.steps(10)) == [{CPU: 100}]


def test_a_paused_function_is_left_alone() -> None:
    world = slow(World(paused=True))

    assert world.steps(20) == []


def test_a_pin_goes_before_the_policy() -> None:
    world = World(pin=GPU, running={CPU, GPU})

    world.steps(30)

    assert world.asked == {CPU: 0, GPU: 100}
    world.schedulable.discard(GPU)
    world.steps(2)
    assert world.asked[CPU] == 100


def test_unknown_moves_nothing() -> None:
    world = slow(World(known=False))

    assert world.steps(30) == []


def test_a_dead_revision_is_tried_anew_after_growing_pauses() -> None:
    world = World(dead={GPU}, ready={CPU}, asked={CPU: 100}, schedulable={CPU})

    done = world.steps(40)

    assert Retry(GPU, "hello-gpu-00001") in done


def test_a_new_leader_takes_a_share_back_that_nobody_wants() -> None:
    world = World(asked={CPU: 90, GPU: 10}, floored={GPU})

    done = world.steps(3)

    assert moves(done) == [{CPU: 100, GPU: 0}]
    assert Release(GPU) in done


def test_a_new_leader_goes_on_where_the_last_one_stopped() -> None:
    world = slow(World())
    for _ in range(60):
        world.step(0.25)
        if world.state and world.state.switch and world.state.switch.phase is Phase.CANARY:
            break
    world.restart()

    world.steps(60, 0.5)

    assert world.asked == {CPU: 0, GPU: 100}


def test_a_move_that_the_policy_takes_back_before_it_is_confirmed_is_told_of_and_left_alone_for_a_while() -> None:
    world = slow(World(running={CPU, GPU}))
    while moves(world.done)[-1:] != [{CPU: 0, GPU: 100}]:
        world.step(0.5)
    world.load.errors = {GPU: 1.0}
    world.done.clear()

    for _ in range(8):
        world.step(0.5)

    assert moves(world.done) == [{CPU: 100, GPU: 0}]
    assert [one.word for one in world.done if isinstance(one, Tell)] == [Word.ROLLED_BACK]
    assert world.state
    assert world.state.pauses(GPU, world.now)
