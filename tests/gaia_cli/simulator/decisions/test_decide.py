"""The policy in a small deterministic world: what it must do, and what it must never do."""

import pytest

from gaia_cli.simulator.traces.trace import Outage
from runtime_images.policy.decide import PolicySettings
from runtime_images.policy.model import Backend, ExecutionMode, Prices, Slo
from tests.gaia_cli.simulator.decisions.replayed import Request, Result, World, sized, steady

SLO_S = 0.3
PAPER_START_UP_S = {Backend.CPU: 4.0, Backend.GPU: 10.0}


def settings(
    slo_ms: float | None = 300, mode: ExecutionMode = ExecutionMode.CPU_PREFERRED, throughput_rps: float | None = None
) -> PolicySettings:
    return PolicySettings(mode, Slo(slo_ms, throughput_rps, window_s=10.0))


def run(requests: list[Request], *, seconds: float = 0.0, cpu_share: float = 1.0, cold_s: float = 0.0) -> Result:
    return World(settings(), requests, cpu_share=cpu_share, cold_s=cold_s, until_s=seconds).run()


def demo_size(second: float) -> float:
    """CPU seconds of a request that grows from 10 to 600 ms and shrinks again."""
    if second < 8:
        return 0.01
    if second < 14:
        return 0.01 + 0.59 * (second - 8) / 6
    return 0.6 if second < 26 else max(0.01, 0.6 - 0.59 * (second - 26) / 3)


@pytest.mark.parametrize("rate", [3, 4, 6, 12])
def test_a_load_that_grows_and_shrinks_gives_one_promotion_and_one_demotion(rate: int) -> None:
    requests = sized(rate, [demo_size(i / rate) for i in range(45 * rate)], lambda cpu_s: 0.02 + cpu_s / 60)

    result = run(requests)

    first_late = next(at for at, latency in sorted(result.latencies) if at > 1.0 and latency > SLO_S)
    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU]
    assert result.promotions[0] <= first_late + 4.0  # of which the start-up takes one
    assert 29.0 < result.demotions[0] <= 29.0 + 8.0


def test_the_reason_of_a_promotion_has_the_numbers() -> None:
    result = run(steady(2, 20, 0.5, 0.03))

    reason = next(decision.reason for _, decision in result.decisions if decision.rule == "slo_breach")
    assert "recent requests missed the SLO of 300 ms" in reason
    assert "the GPU has not been tried yet" in reason


def test_a_second_promotion_remembers_how_fast_the_gpu_was() -> None:
    sizes = [0.01] * 40 + [0.5] * 60 + [0.01] * 60 + [0.9] * 60

    result = run(sized(2, sizes, lambda cpu_s: 0.02 + cpu_s / 60))

    last = [decision.reason for _, decision in result.decisions if decision.rule == "slo_breach"][-1]
    assert "the GPU took 20 ms last time" in last


@pytest.mark.parametrize("rate", [0.4, 2, 8])
def test_a_function_that_waits_is_never_promoted(rate: float) -> None:
    result = run(steady(rate, 60, 2.0, 2.0), cpu_share=0.02)

    assert result.moves == []
    assert "waits" in result.rules
    assert result.held_s[Backend.GPU] == 0.0


@pytest.mark.parametrize(("rate", "outlier_s"), [(2, 1.0), (5, 2.0), (20, 2.0), (20, 4.0)])
def test_one_outlier_among_hundreds_is_no_trouble(rate: float, outlier_s: float) -> None:
    requests = steady(rate, 400 / rate, 0.01, 0.005)
    requests[200] = Request(outlier_s, outlier_s, requests[200].arrival_s)

    assert run(requests).moves == []


@pytest.mark.parametrize("cold_s", [0.5, 3.0, 10.0])
def test_a_cold_start_is_no_trouble(cold_s: float) -> None:
    assert run(steady(5, 60, 0.01, 0.005), cold_s=cold_s).moves == []


def test_a_few_bad_requests_of_a_slow_function_are_enough() -> None:
    requests = [Request(16.0, 2.0) for _ in range(20)]

    result = World(settings(3000), requests, PAPER_START_UP_S).run()

    assert sum(latency > 3.0 for _, latency in result.latencies) <= 3
    assert [to for _, to in result.moves] == [Backend.GPU]


def test_a_request_that_is_late_already_counts_before_it_is_finished() -> None:
    requests = [Request(0.01, 0.01), Request(0.01, 0.01), *[Request(50.0, 0.05, 5.0 + i) for i in range(5)]]

    result = World(settings(), requests).run()

    assert result.promotions
    assert result.promotions[0] < 12.0


def test_more_requests_than_the_cpu_can_serve_are_trouble_though_each_is_fast() -> None:
    result = run(steady(30, 30, 0.05, 0.01))

    assert [to for _, to in result.moves] == [Backend.GPU]
    assert result.promotions[0] < 8.0


def test_a_short_burst_that_is_over_before_a_gpu_is_ready_starts_none() -> None:
    burst = [Request(0.02, 0.01, 30.0 + i / 1000) for i in range(40)]
    requests = sorted([*steady(2, 60, 0.02, 0.01), *burst], key=lambda request: request.arrival_s or 0.0)

    result = run(requests)

    assert result.moves == []
    assert "passing" in result.rules


def test_a_gpu_that_is_lost_is_left_at_once_and_taken_again_when_it_is_back() -> None:
    world = World(settings(), steady(2, 100, 0.45, 0.03), outages=(Outage(40.0, 60.0),))

    result = world.run()

    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU, Backend.GPU]
    assert result.demotions[0] <= 41.0
    assert result.promotions[1] >= 60.0
    assert "no_gpu" in result.rules


@pytest.mark.parametrize("gpu_s", [0.45, 0.5, 0.8])
def test_a_gpu_that_gains_nothing_is_left_within_seconds_and_not_tried_again(gpu_s: float) -> None:
    result = run(steady(1.5, 300, 0.5, gpu_s))

    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU]
    assert result.demotions[0] - result.promotions[0] < 6.0
    assert "futile" in result.rules


def test_a_gpu_that_gained_nothing_is_tried_again_when_the_load_has_changed() -> None:
    small, large = steady(1.5, 60, 0.4, 0.4), steady(0.5, 60, 1.5, 0.1, start_s=60)

    result = run([*small, *large])

    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU, Backend.GPU]


@pytest.mark.parametrize(("half_s", "most"), [(5, 8), (10, 10), (30, 13), (120, 13)])
def test_a_square_wave_makes_few_switches_in_an_hour(half_s: int, most: int) -> None:
    sizes = [0.5 if int(i / 2 / half_s) % 2 else 0.01 for i in range(2 * 3600)]

    result = World(settings(), sized(2, sizes, lambda cpu_s: 0.02 + cpu_s / 25)).run()

    assert len(result.moves) <= most
    assert result.late_share(SLO_S) < 0.05


def test_an_idle_gpu_is_released_and_taken_again_when_load_returns() -> None:
    result = run([*steady(2, 30, 0.5, 0.03), *steady(2, 30, 0.5, 0.03, start_s=200)], seconds=350)

    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU, Backend.GPU, Backend.CPU]
    assert 35.0 <= result.demotions[0] < 40.0
    assert result.promotions[1] < 204.0
    assert result.demotions[1] - 229.5 > result.demotions[0] - 29.5  # coming back has made requests late


def test_a_load_that_was_expected_in_vain_is_not_expected_for_ever() -> None:
    bursts = [*steady(2, 30, 0.5, 0.03), *steady(2, 30, 0.5, 0.03, start_s=200)]

    result = run(bursts, seconds=3600)

    assert "rhythm" in result.rules
    assert len(result.promotions) == 3


def long_well_then(requests: list[Request]) -> list[Request]:
    """Thousands of quick requests first, so that a few may then be late."""
    return [*steady(10, 300, 0.01, 0.005), *requests]


def test_an_idle_gpu_is_held_until_holding_it_has_cost_a_start() -> None:
    requests = long_well_then(steady(2, 60, 0.5, 0.03, start_s=300))

    result = World(settings(), requests, PAPER_START_UP_S, until_s=400).run()

    assert requests[-1].arrival_s == 359.5
    assert 359.5 + 15.0 < result.demotions[0] < 359.5 + 22.0


def test_a_demotion_waits_until_it_pays_for_the_start_up() -> None:
    large, small = steady(2, 30, 0.5, 0.03, start_s=300), steady(2, 60, 0.01, 0.02, start_s=330)

    result = World(settings(), long_well_then([*large, *small]), PAPER_START_UP_S).run()

    assert 330.0 + 15.0 < result.demotions[0] < 330.0 + 28.0


def test_a_gpu_is_held_longer_while_too_many_requests_have_been_late_to_afford_coming_back() -> None:
    result = World(settings(), steady(2, 60, 0.5, 0.03), PAPER_START_UP_S, until_s=180).run()

    assert result.demotions[0] > 59.5 + 60.0


def test_a_gpu_as_cheap_as_the_cpu_is_kept() -> None:
    policy = PolicySettings(ExecutionMode.CPU_PREFERRED, Slo(300), Prices(0.1, 0.1))
    sizes = [0.5] * 60 + [0.01] * 400

    result = World(policy, sized(2, sizes, lambda cpu_s: 0.02 + cpu_s / 60), until_s=400).run()

    assert [to for _, to in result.moves] == [Backend.GPU]


def test_knowledge_of_the_cpu_is_not_believed_forever() -> None:
    requests = [*steady(1, 30, 0.5, 0.03), *steady(1, 1800, 0.01, 0.03, start_s=30)]  # the GPU shows no difference

    result = run(requests)

    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU]
    assert "trial" in result.rules


def test_a_trial_that_fails_makes_the_next_one_rarer() -> None:
    world = World(settings(mode=ExecutionMode.GPU_PREFERRED), steady(1, 1800, 0.5, 0.03))

    result = world.run()

    assert 1 <= len(result.demotions) <= 3
    assert result.late_share(SLO_S) < 0.05


def test_a_function_that_prefers_the_gpu_is_demoted_when_the_cpu_would_do() -> None:
    result = World(settings(mode=ExecutionMode.GPU_PREFERRED), steady(5, 300, 0.02, 0.02)).run()

    assert [to for _, to in result.moves] == [Backend.CPU]


def test_without_an_slo_the_function_stays_on_the_cpu() -> None:
    result = World(settings(None), steady(5, 60, 0.5, 0.03)).run()

    assert result.moves == []


def test_without_a_latency_slo_an_overload_still_promotes_when_throughput_is_asked_for() -> None:
    result = World(settings(None, throughput_rps=5), steady(5, 60, 0.5, 0.03)).run()

    assert [to for _, to in result.moves] == [Backend.GPU]


def test_without_an_slo_a_function_that_prefers_the_gpu_stays_there_while_it_is_used() -> None:
    policy = settings(None, ExecutionMode.GPU_PREFERRED)

    assert World(policy, steady(2, 60, 0.5, 0.03)).run().moves == []
    assert [to for _, to in World(policy, steady(2, 20, 0.5, 0.03), until_s=60).run().moves] == [Backend.CPU]


@pytest.mark.parametrize("mode", [ExecutionMode.CPU, ExecutionMode.GPU])
def test_a_fixed_mode_says_so_and_stays(mode: ExecutionMode) -> None:
    result = World(settings(mode=mode), steady(3, 60, 0.6, 0.4), outages=(Outage(20.0, 30.0),)).run()

    assert result.moves == []
    assert result.rules == ["fixed"]


def test_a_gpu_left_for_a_planned_outage_is_taken_again_at_the_first_late_request_that_is_not_cold() -> None:
    requests = [*steady(1, 40, 0.9, 0.03), *steady(0.2, 60, 0.9, 0.03, start_s=80)]
    outage = Outage(40.0, 60.0, planned=True)

    result = World(settings(), requests, outages=(outage,)).run()

    assert "leaving" in result.rules
    assert [to for _, to in result.moves] == [Backend.GPU, Backend.CPU, Backend.GPU]
    assert 85.0 < result.promotions[1] < 87.0
