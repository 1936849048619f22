"""Closed-loop workloads of the shapes that the paper's prototype recorded, made here from formulas."""

from runtime_images.policy.decide import PolicySettings
from runtime_images.policy.model import Backend, ExecutionMode, Slo
from tests.gaia_cli.simulator.decisions.replayed import Request, Result, World


def wobble(i: int) -> float:
    """Between 0.85 and 1.15, without any randomness."""
    return 0.85 + 0.3 * ((i * 7919) % 101) / 100


def run(requests: list[Request], slo_ms: float, cpu_share: float = 1.0) -> Result:
    policy = PolicySettings(ExecutionMode.CPU_PREFERRED, Slo(slo_ms, window_s=10.0))
    return World(policy, requests, {Backend.CPU: 4.0, Backend.GPU: 10.0}, cpu_share).run()


def test_a_growing_matrix_is_promoted_once() -> None:
    sizes = [i / 100 for i in range(100)]
    requests = [Request(0.11 + 20 * x**2.5 * wobble(i), 0.11 + 3 * x**2 * wobble(i)) for i, x in enumerate(sizes)]

    result = run(requests, 1000)

    assert [to for _, to in result.moves] == [Backend.GPU]


def test_a_language_model_with_long_prompts_is_promoted_once_and_kept() -> None:
    requests = [Request(16.5 * wobble(i), 2.1 * wobble(i + 3)) for i in range(300)]

    result = run(requests, 3000)

    assert [to for _, to in result.moves] == [Backend.GPU]
    assert result.late_share(3.0) < 0.02


def test_an_image_classifier_that_meets_the_slo_on_the_cpu_never_switches() -> None:
    requests = [Request(0.19 * wobble(i), 0.16 * wobble(i + 5)) for i in range(500)]

    assert run(requests, 1000).moves == []


def test_a_function_that_sleeps_costs_no_second_of_gpu() -> None:
    result = run([Request(2.08, 2.08) for _ in range(300)], 1000, cpu_share=0.01)

    assert result.moves == []
    assert result.held_s[Backend.GPU] == 0.0
