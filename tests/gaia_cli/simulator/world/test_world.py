from dataclasses import replace

import pytest

from gaia_cli.simulator.policies.labels import Plan
from gaia_cli.simulator.policies.oracle import Planned
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Outage, Row, trace_of
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.model import Backend, ExecutionMode
from tests.gaia_cli.simulator.support import at, beginning, closed, outcome, planned, story

QUICK = Scenario(start_cpu_s=1.0, start_gpu_s=2.0)
ROOMY = Scenario(start_cpu_s=0.0, slots=8)


def test_requests_wait_for_the_first_backend_and_are_served_in_their_order() -> None:
    result = replay(at(0.0, 0.1, 3.0), QUICK, Planned(Plan(Backend.CPU)))

    assert list(result.finished) == [1.5, 2.0, 3.5]
    assert result.ended_at == 3.5


def test_as_many_requests_as_there_are_slots_are_served_at_once() -> None:
    result = replay(at(2.0, 2.0, 2.0), Scenario(start_cpu_s=1.0, slots=2), Planned(Plan(Backend.CPU)))

    assert list(result.finished) == [2.5, 2.5, 3.0]


def test_a_closed_loop_sends_the_next_request_after_it_has_thought_about_the_answer() -> None:
    result = replay(closed(3, think_s=1.0), QUICK, Planned(Plan(Backend.CPU)))

    assert list(result.arrived) == [1.0, 2.5, 4.0]


def test_each_client_waits_for_its_own_answers_only() -> None:
    quick, slow = Row(None, 0.1, 0.1, 0.1, 1.0, "quick"), Row(None, 3.0, 3.0, 3.0, 1.0, "slow")

    result = replay(trace_of("two", [slow, quick, quick, slow, quick]), ROOMY, Planned(Plan(Backend.CPU)))

    assert list(result.finished) == pytest.approx([4.0, 1.1, 2.2, 8.0, 3.3])


def test_clients_that_do_not_think_keep_as_many_requests_waiting_as_there_are_clients() -> None:
    rows = [Row(None, 0.5, 0.5, 0.5, 0.0, str(number % 4)) for number in range(40)]

    result = replay(trace_of("four", rows), QUICK, Planned(Plan(Backend.CPU)))

    assert result.ended_at == pytest.approx(1.0 + 40 * 0.5)
    latencies = [finished - arrived for arrived, finished in zip(result.arrived, result.finished, strict=True)]
    assert latencies[4:] == pytest.approx([4 * 0.5] * 36)


def test_a_client_that_waits_and_a_stream_that_does_not_may_stand_in_one_trace() -> None:
    stream = [Row(1.0 + number, 0.1, 0.1, 0.1) for number in range(4)]
    client = [Row(None, 0.1, 0.1, 0.1, 1.5, "a") for _ in range(2)]

    result = replay(trace_of("both", [*stream, *client]), ROOMY, Planned(Plan(Backend.CPU)))

    assert list(result.arrived) == pytest.approx([1.0, 2.0, 3.0, 4.0, 1.5, 3.1])


def test_what_a_lost_gpu_gives_back_is_served_in_the_order_in_which_it_came() -> None:
    rows = [Row(None, 5.0, 5.0, 5.0, think_s, str(think_s)) for think_s in (2.5, 2.0, 3.0)]
    trace = trace_of("lost", rows, [Outage(4.0, 10.0)])

    result = replay(trace, replace(QUICK, slots=2), Planned(Plan(Backend.GPU)))

    assert list(result.finished) == [17.0, 17.0, 22.0]


def test_a_switch_moves_traffic_when_the_new_backend_is_ready_and_releases_the_old_one_when_it_has_drained() -> None:
    result = planned(at(1.0, 2.9, 3.1), QUICK, Backend.CPU, 1.0)

    assert story(result) == [
        (0.0, "start", "cpu"),
        (1.0, "active", "cpu"),
        (1.0, "start", "gpu"),
        (3.0, "active", "gpu"),
        (3.4, "release", "cpu"),
        (3.4, "release", "gpu"),
    ]
    assert result.cpu_seconds == pytest.approx(3.4)
    assert result.gpu_seconds == pytest.approx(2.4)
    assert result.switches == 1


def test_each_start_takes_as_long_as_it_did_in_a_run_and_later_ones_as_usual() -> None:
    measured = replace(QUICK, cpu_starts_s=(0.25,), gpu_starts_s=(3.0, 0.5))

    result = planned(closed(40, think_s=1.0), measured, Backend.CPU, 1.0, 10.0, 15.0, 20.0, 25.0)

    active = [(round(change.t, 3), str(change.backend)) for change in result.timeline if change.event == "active"]
    assert active == [(0.25, "cpu"), (4.0, "gpu"), (11.0, "cpu"), (15.5, "gpu"), (21.0, "cpu"), (27.0, "gpu")]


def test_what_waits_in_the_queue_is_served_by_the_backend_that_takes_over() -> None:
    result = replay(at(1.0, 1.0, 1.0, cpu_s=10.0), QUICK, Planned(Plan(Backend.CPU, (1.0,))))

    assert list(result.finished) == [11.0, pytest.approx(3.1), pytest.approx(3.2)]
    assert list(result.on_gpu) == [0, 1, 1]


def test_what_is_still_starting_at_the_end_is_given_up_and_paid_for() -> None:
    result = planned(at(1.0), QUICK, Backend.CPU, 1.2)

    assert story(result)[-2:] == [(1.5, "release", "cpu"), (1.5, "cancel", "gpu")]
    assert result.gpu_seconds == pytest.approx(0.3)
    assert result.switches == 0


def test_a_lost_gpu_gives_its_requests_back_and_they_are_served_when_it_has_returned() -> None:
    trace = closed(1, gpu_s=1.0, away=[Outage(2.5, 5.0)])

    result = replay(trace, QUICK, Planned(Plan(Backend.GPU)))

    assert list(result.finished) == [5.0 + 2.0 + 1.0]
    assert result.held_s[Backend.GPU] == pytest.approx(2.5 + 3.0)


def test_a_function_that_needs_a_gpu_waits_for_it_where_another_one_goes_to_the_cpu() -> None:
    trace = closed(40, gpu_s=1.0, away=[Outage(5.0, 50.0)])
    needs, prefers = (replace(QUICK, mode=mode) for mode in (ExecutionMode.GPU, ExecutionMode.GPU_PREFERRED))

    moves = [story(outcome(trace, one, POLICIES["gaia"](one))) for one in (needs, prefers)]

    assert all(backend == "gpu" for _, _, backend in moves[0])
    assert (5.0, "start", "cpu") in moves[1]


def test_nothing_is_started_on_a_gpu_that_is_away() -> None:
    result = planned(closed(20, away=[Outage(2.0, 9.0)]), QUICK, Backend.CPU, 3.0)

    assert result.gpu_seconds == 0
    assert result.switches == 0


def test_a_start_that_an_outage_interrupts_is_cancelled() -> None:
    result = planned(closed(20, away=[Outage(3.0, 9.0)]), QUICK, Backend.CPU, 2.0)

    assert (3.0, "cancel", "gpu") in story(result)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_request_is_answered_after_it_came_and_every_start_ends_once(name: str, policy: str) -> None:
    trace = beginning(GENERATORS[name](1))
    result = replay(trace, QUICK, POLICIES[policy](QUICK))

    assert len(result.arrived) == len(trace)
    assert all(map(float.__le__, result.arrived, result.finished))
    for backend in Backend:
        mine = [change for change in result.timeline if change.backend is backend]
        held = sum(change.t for change in mine if change.event in ("release", "cancel"))
        held -= sum(change.t for change in mine if change.event == "start")
        assert result.held_s[backend] == pytest.approx(held)
        assert sum(change.event == "start" for change in mine) == sum(
            change.event in ("release", "cancel") for change in mine
        )


def test_the_same_trace_gives_the_same_replay_every_time() -> None:
    trace = beginning(GENERATORS["drift"](3))

    first, second = (replay(trace, QUICK, POLICIES["gaia"](QUICK)) for _ in range(2))

    assert first == second


def test_rows_of_a_closed_loop_and_rows_with_an_arrival_may_stand_in_one_trace() -> None:
    trace = trace_of("mixed", [Row(2.0, 0.5, 0.1, 0.5), Row(None, 0.5, 0.1, 0.5, think_s=1.0), Row(3.0, 0.5, 0.1, 0.5)])

    result = replay(trace, QUICK, Planned(Plan(Backend.CPU)))

    assert list(result.arrived) == [2.0, 3.5, 3.5]
