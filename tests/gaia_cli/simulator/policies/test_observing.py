from dataclasses import replace

import pytest

from gaia_cli.simulator.policies.registry import POLICIES, Gaia, observe
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Outage, Row, Trace, trace_of
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.dynamic_runtime.telemetry.backend_stats import BackendStats
from runtime_images.policy.decide import decide
from runtime_images.policy.model import Backend, Observation
from runtime_images.policy.sampling import RATE_SPAN_S, TICK_S
from tests.gaia_cli.simulator.support import at, closed

QUICK = Scenario(start_cpu_s=1.0, start_gpu_s=2.0, window_s=5.0)


class Recorder:
    """Keeps what a policy is shown every quarter of a second, and promotes at `promote_at`."""

    initial = Backend.CPU
    falls_back = True

    def __init__(self, promote_at: float = 1e9) -> None:
        self.seen: dict[float, Observation] = {}
        self._promote_at = promote_at

    def next_tick(self, now: float) -> float:
        return now + TICK_S

    def choose(self, backends: Backends, now: float) -> Backend:
        self.seen[now] = observe(backends, now)
        return Backend.GPU if now >= self._promote_at else Backend.CPU


def shown(trace: Trace, recorder: Recorder | None = None) -> dict[float, Observation]:
    recorder = recorder or Recorder()
    replay(trace, QUICK, recorder)
    return recorder.seen


def test_a_request_in_flight_and_the_ones_behind_it_are_seen_by_their_ages() -> None:
    seen = shown(at(1.0, 1.5, 1.75, cpu_s=3.0))[2.0]

    assert seen.lanes[Backend.CPU].in_flight_ages_s == (1.0,)
    assert seen.queue_ages_s == (0.5, 0.25)
    assert seen.idle_s == 0.0
    assert seen.arrival_rate == 3 / RATE_SPAN_S


def test_nothing_is_known_of_a_request_before_it_is_finished() -> None:
    seen = shown(at(1.0, cpu_s=0.6))

    assert seen[1.5].lanes[Backend.CPU].recent_latencies_s == ()


def test_latency_and_service_time_are_shown_apart_and_once() -> None:
    seen = shown(at(1.0, 1.0, 20.0, cpu_s=1.0))

    shown_once = [lane for lane in (one.lanes[Backend.CPU] for one in seen.values()) if lane.recent_latencies_s]
    assert [lane.recent_services_s for lane in shown_once[:2]] == [(1.0,), (1.0,)]
    assert [lane.recent_latencies_s for lane in shown_once[:2]] == [(1.0,), (2.0,)]
    assert (shown_once[1].finished, shown_once[1].answered) == (2, 2)
    assert (seen[8.0].lanes[Backend.CPU].answered, seen[9.0].lanes[Backend.CPU].answered) == (1, 0)
    assert seen[9.0].lanes[Backend.CPU].finished == 2
    assert seen[9.0].idle_s == 6.0


def test_start_up_time_is_known_only_after_a_start() -> None:
    seen = shown(closed(30), Recorder(promote_at=4.0))

    assert seen[5.0].lanes[Backend.GPU].start_up_s is None
    assert seen[5.0].switching_to is Backend.GPU
    assert seen[6.25].lanes[Backend.GPU].start_up_s == 2.0
    assert seen[6.25].active is Backend.GPU


def test_the_cpu_share_tells_a_function_that_waits() -> None:
    sleeper = trace_of("sleeper", (Row(None, 0.5, 0.5, 0.005) for _ in range(20)))

    assert shown(sleeper)[4.0].lanes[Backend.CPU].cpu_share == pytest.approx(0.01)
    assert shown(closed(20))[4.0].lanes[Backend.CPU].cpu_share == 1.0


def test_a_gpu_that_is_away_is_not_available() -> None:
    seen = shown(closed(30, away=[Outage(3.0, 5.0)]))

    assert [seen[moment].lanes[Backend.GPU].available for moment in (2.75, 3.25, 5.25)] == [True, False, True]


def test_only_a_planned_outage_is_known_in_advance() -> None:
    planned = shown(closed(30, away=[Outage(3.0, 5.0, planned=True)]))
    sudden = shown(closed(30, away=[Outage(3.0, 5.0)]))

    lanes = [planned[moment].lanes[Backend.GPU] for moment in (2.0, 4.0, 6.0)]
    assert [lane.available_for_s for lane in lanes] == [1.0, None, None]
    assert sudden[2.0].lanes[Backend.GPU].available_for_s is None


def test_the_policy_is_asked_as_often_as_in_the_runtime() -> None:
    assert POLICIES["gaia"](QUICK).next_tick(1.0) == 1.0 + TICK_S


def test_what_is_shown_of_a_lane_is_what_the_runtime_would_have_shown() -> None:
    trace = trace_of("varied", (Row(None, 0.02 + 0.01 * (row % 7), 0.1, 0.02, 0.05) for row in range(300)))
    seen = shown(trace)
    result = replay(trace, QUICK, Recorder())
    lane = BackendStats(QUICK.slo)
    moments = sorted(seen)

    for arrived, finished, service_s in zip(result.arrived, result.finished, trace.cpu_s, strict=True):
        while moments and moments[0] < finished:
            compare(lane, seen[moments.pop(0)])
        lane.add([(200, arrived, finished, int(1e9 * service_s), int(1e9 * service_s), 1)])
        lane.count()


def compare(lane: BackendStats, observation: Observation) -> None:
    """Compare the runtime's record with what the policy was shown at the same moment."""
    mine = observation.lanes[Backend.CPU]
    assert mine.finished == lane.requests
    if mine.recent_latencies_s:
        recent = list(lane.recent)[-len(mine.recent_latencies_s) :]
        assert mine.recent_latencies_s == pytest.approx([answer.latency_s for answer in recent])
        assert mine.recent_services_s == pytest.approx([answer.service_s for answer in recent], abs=1e-8)


class ShownAll(Gaia):
    """The policy, shown every answer of its window at every tick."""

    def choose(self, backends: Backends, now: float) -> Backend:
        seen = observe(backends, now)
        lanes = {}
        for backend, meter in backends.meters.items():
            first = meter.first_within(now)
            latencies_s, services_s = tuple(meter.latencies[first:]), tuple(meter.services[first:])
            lane = seen.lanes[backend]
            lanes[backend] = replace(lane, recent_latencies_s=latencies_s, recent_services_s=services_s)
        self._state, decision = decide(self._settings, self._state, replace(seen, lanes=lanes), now)
        return decision.chosen


def test_what_is_left_out_of_a_replay_changes_no_decision() -> None:
    trace = GENERATORS["square-wave"](2)

    in_short, in_full = (replay(trace, Scenario(), policy(Scenario())) for policy in (Gaia, ShownAll))

    assert len(in_short.timeline) > 10
    assert in_short == in_full


def test_what_is_shown_does_not_depend_on_prices() -> None:
    dear = replace(QUICK, gpu_price=1.0)
    first, second = Recorder(), Recorder()

    replay(closed(10), QUICK, first)
    replay(closed(10), dear, second)

    assert first.seen == second.seen


def test_what_a_run_expected_of_the_next_start_is_shown_until_the_replay_has_gone_on_beyond_it() -> None:
    seen: list[float | None] = []

    class Watching(Gaia):
        def choose(self, backends: Backends, now: float) -> Backend:
            seen.append(observe(backends, now).lanes[Backend.GPU].start_up_s)
            return Backend.GPU if now >= 5.0 else Backend.CPU

    scenario = Scenario(start_cpu_s=1.0, start_gpu_s=2.0, gpu_expected_s=(0.125,))
    replay(closed(30, think_s=0.5), scenario, Watching(scenario))

    assert list(dict.fromkeys(seen)) == [0.125, 2.0]


def test_the_policy_decides_at_the_moments_at_which_it_decided_in_a_recorded_run() -> None:
    moments: list[float] = []

    class Watching(Gaia):
        def choose(self, backends: Backends, now: float) -> Backend:
            moments.append(now)
            return super().choose(backends, now)

    scenario = Scenario(start_cpu_s=1.0, first_decision_s=5.1)
    replay(closed(4), scenario, Watching(scenario))

    assert moments[:3] == pytest.approx([1.1, 1.35, 1.6])
