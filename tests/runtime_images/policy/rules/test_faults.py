"""A GPU that answers with errors is left, and tried again with growing pauses."""

from dataclasses import replace

from runtime_images.policy.decide import PolicySettings, PolicyState, decide, initial_state
from runtime_images.policy.model import Backend, Decision, ExecutionMode, LaneObservation, Observation, Slo

SETTINGS = PolicySettings(mode=ExecutionMode.GPU_PREFERRED, slo=Slo(latency_p95_ms=300, window_s=10))
CPU_OFF = LaneObservation(available=True, running=False)
GPU = LaneObservation(
    available=True,
    running=True,
    recent_latencies_s=(0.02,) * 10,
    recent_services_s=(0.02,) * 10,
    finished=10,
    answered=10,
)


def seen(gpu: LaneObservation, cpu: LaneObservation = CPU_OFF, active: Backend = Backend.GPU) -> Observation:
    return Observation(active, None, {Backend.CPU: cpu, Backend.GPU: gpu}, arrival_rate=2.0)


def decided(gpu: LaneObservation, cpu: LaneObservation = CPU_OFF, settings: PolicySettings = SETTINGS) -> Decision:
    return decide(settings, initial_state(settings), seen(gpu, cpu), 100.0)[1]


def test_a_gpu_whose_answers_are_errors_is_left_however_fast_it_is() -> None:
    decision = decided(replace(GPU, error_rate=0.9))

    assert decision.chosen is Backend.CPU
    assert decision.rule == "errors"
    assert decision.reason == "90% of the last 10 answers of the GPU are errors"


def test_a_few_errors_are_no_reason() -> None:
    assert decided(replace(GPU, error_rate=0.3)).chosen is Backend.GPU
    assert decided(replace(GPU, error_rate=1.0, answered=4)).chosen is Backend.GPU


def test_the_error_rate_that_the_user_asks_for_counts() -> None:
    strict = replace(SETTINGS, slo=replace(SETTINGS.slo, error_rate=0.25))

    assert decided(replace(GPU, error_rate=0.3), settings=strict).rule == "errors"


def test_without_a_cpu_there_is_nowhere_to_go() -> None:
    gone = replace(CPU_OFF, available=False)

    assert decided(replace(GPU, error_rate=1.0), gone).chosen is Backend.GPU


def test_a_fixed_gpu_function_stays_with_its_errors() -> None:
    fixed = replace(SETTINGS, mode=ExecutionMode.GPU)

    assert decided(replace(GPU, error_rate=1.0), settings=fixed).chosen is Backend.GPU


def _after_failures(count: int, now: float) -> PolicyState:
    return replace(initial_state(SETTINGS), gpu_failures=count, gpu_failed_at=now)


def test_the_gpu_is_tried_again_after_a_pause_that_grows_with_each_failure() -> None:
    late = LaneObservation(
        available=True,
        running=True,
        recent_latencies_s=(0.9,) * 10,
        recent_services_s=(0.9,) * 10,
        in_flight_ages_s=(0.9,),
        cpu_share=1.0,
        finished=10,
        answered=10,
    )
    rules = {}
    for failures, after_s in ((1, 5), (1, 11), (3, 35), (3, 41)):
        state = _after_failures(failures, 100.0)
        for step in range(17):  # the policy needs to have seen the CPU for a moment
            observation = seen(replace(GPU, running=False), replace(late, finished=10 + step), Backend.CPU)
            state, decision = decide(SETTINGS, state, observation, 96.0 + after_s + step / 4)
        rules[failures, after_s] = decision.rule

    assert rules == {(1, 5): "failing_gpu", (1, 11): "slo_breach", (3, 35): "failing_gpu", (3, 41): "slo_breach"}


def test_a_gpu_that_serves_well_again_is_forgiven() -> None:
    state, _ = decide(SETTINGS, _after_failures(3, 50.0), seen(replace(GPU, answered=30)), 100.0)

    assert state.gpu_failures == 0


def test_a_gpu_that_was_of_no_use_is_preferred_again_after_a_while() -> None:
    """Requests that a GPU does not speed up may be one client's: what they have taught is forgotten."""
    unjudged = replace(SETTINGS, slo=Slo())
    working = replace(GPU, cpu_share=1.0)
    rules = {}
    for after_s in (10.0, unjudged.forget_s + 10.0):
        state = replace(initial_state(unjudged), futile_s=0.02, futile_at=100.0)
        observation = seen(replace(GPU, running=False), working, Backend.CPU)
        rules[after_s] = decide(unjudged, state, observation, 100.0 + after_s)[1].rule

    assert list(rules.values()) == ["well", "preferred"]
