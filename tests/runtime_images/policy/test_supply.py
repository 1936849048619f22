"""A node of the continuum: planned outages, a power budget, a GPU that vanishes again and again."""

from dataclasses import replace

from runtime_images.policy.decide import PolicySettings, PolicyState, decide, initial_state
from runtime_images.policy.model import Backend, Decision, ExecutionMode, LaneObservation, Observation, Slo

SETTINGS = PolicySettings(mode=ExecutionMode.CPU_PREFERRED, slo=Slo(latency_p95_ms=300, window_s=10))
READY = LaneObservation(available=True, running=True, start_up_s=2.0, cpu_share=1.0)
LATE = replace(
    READY, recent_latencies_s=(0.9,) * 10, recent_services_s=(0.9,) * 10, in_flight_ages_s=(0.9,), finished=10
)
OFF = LaneObservation(available=True, running=False, start_up_s=4.0)


def decided(active: Backend, cpu: LaneObservation, gpu: LaneObservation, power_w: float | None = None) -> Decision:
    """Return the decision after four seconds of it."""
    state, decision = initial_state(SETTINGS), None
    for step in range(17):
        lanes = {Backend.CPU: _after(cpu, step), Backend.GPU: _after(gpu, step)}
        seen = Observation(active, None, lanes, arrival_rate=2.0, power_budget_w=power_w)
        state, decision = decide(SETTINGS, state, seen, 100.0 + step / 4)
    assert decision is not None
    return decision


def _after(lane: LaneObservation, step: int) -> LaneObservation:
    return replace(lane, finished=lane.finished + step) if lane.finished else lane


def test_no_gpu_is_started_that_will_be_gone_before_it_has_paid() -> None:
    assert decided(Backend.CPU, LATE, OFF).rule == "slo_breach"
    assert decided(Backend.CPU, LATE, replace(OFF, available_for_s=6.0)).rule == "leaving"
    assert decided(Backend.CPU, LATE, replace(OFF, available_for_s=600.0)).rule == "slo_breach"


def test_a_gpu_is_left_before_a_planned_outage_so_that_the_cpu_is_ready() -> None:
    decision = decided(Backend.GPU, replace(OFF, start_up_s=2.0), replace(READY, available_for_s=1.9))

    assert (decision.chosen, decision.rule) == (Backend.CPU, "leaving")
    assert decision.reason == "the GPU will be gone in 1.9 s, and the CPU takes 2.0 s to start"


def test_a_backend_that_draws_more_than_the_node_can_give_is_left_and_not_chosen() -> None:
    hungry = replace(READY, watts=300.0)

    assert decided(Backend.GPU, OFF, hungry, power_w=500.0).chosen is Backend.GPU
    decision = decided(Backend.GPU, OFF, hungry, power_w=200.0)
    assert (decision.chosen, decision.rule) == (Backend.CPU, "power")
    assert decided(Backend.CPU, LATE, replace(hungry, running=False), power_w=200.0).rule == "no_gpu"


def test_energy_and_the_price_here_and_now_count() -> None:
    dear_power = Observation(
        Backend.CPU, None, {Backend.CPU: READY, Backend.GPU: replace(OFF, watts=300.0)}, energy_price_per_j=1e-6
    )

    cheap = replace(dear_power, energy_price_per_j=0.0)
    assert _break_even(dear_power) < _break_even(cheap)


def _break_even(seen: Observation) -> float:
    value = decide(SETTINGS, initial_state(SETTINGS), seen, 1.0)[1].inputs["break_even_s"]
    assert isinstance(value, float)
    return value


def _lose(state: PolicyState, now: float) -> tuple[PolicyState, Decision]:
    lanes = {Backend.CPU: OFF, Backend.GPU: replace(OFF, available=False)}
    return decide(SETTINGS, state, Observation(Backend.GPU, None, lanes), now)


def test_a_gpu_lost_twice_within_ten_minutes_is_left_alone_for_a_while() -> None:
    once, decision = _lose(initial_state(SETTINGS), 100.0)
    twice, _ = _lose(once, 300.0)
    later, _ = _lose(once, 3000.0)

    assert decision.rule == "lost"
    assert (once.gpu_failures, twice.gpu_failures, later.gpu_failures) == (0, 1, 0)
