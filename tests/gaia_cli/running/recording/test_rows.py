import pytest

from gaia_cli.running.recording.rows import trace_rows
from gaia_cli.simulator.traces.trace import Row
from runtime_images.events.traffic import RequestRow
from runtime_images.policy.model import Backend


def served(arrival_s: float, backend: Backend, service_ms: float, cpu_time_ms: float) -> RequestRow:
    return RequestRow(arrival_s, backend, service_ms, service_ms + 2.0, cpu_time_ms, 200)


def test_without_the_other_backend_both_are_taken_to_be_equal() -> None:
    assert trace_rows([served(1.0, Backend.CPU, 40.0, 39.0)]) == [Row(1.0, 0.04, 0.04, 0.039)]


def test_the_other_backend_is_estimated_by_the_ratio_of_the_medians_nearby() -> None:
    cpu = [served(float(at), Backend.CPU, 100.0, 90.0) for at in range(5)]
    gpu = [served(5.0 + at, Backend.GPU, 10.0, 1.0) for at in range(5)]

    rows = trace_rows([*gpu, *cpu])

    assert [row.arrival_s for row in rows] == [float(at) for at in range(10)]
    assert {(row.cpu_s, row.gpu_s) for row in rows} == {(0.1, 0.01)}


def test_one_slow_request_does_not_bend_the_estimate() -> None:
    cpu = [served(float(at), Backend.CPU, 100.0, 90.0) for at in range(5)] + [served(5.0, Backend.CPU, 9000.0, 90.0)]
    gpu = [served(6.0 + at, Backend.GPU, 10.0, 1.0) for at in range(5)]

    assert trace_rows([*cpu, *gpu])[-1] == Row(10.0, 0.1, 0.01, 0.09)


def test_the_estimate_follows_a_load_whose_requests_change() -> None:
    early = [served(at / 10, Backend.CPU, 10.0, 10.0) for at in range(100)]
    early_gpu = [served(10 + at / 10, Backend.GPU, 20.0, 0.0) for at in range(100)]
    late = [served(1000 + at / 10, Backend.CPU, 800.0, 800.0) for at in range(100)]
    late_gpu = [served(1010 + at / 10, Backend.GPU, 40.0, 0.0) for at in range(100)]

    rows = trace_rows([*early, *early_gpu, *late, *late_gpu])

    assert (rows[0].cpu_s, rows[0].gpu_s) == (0.01, 0.02)
    assert (rows[-1].cpu_s, rows[-1].gpu_s) == (0.8, 0.04)


def test_cpu_time_of_a_request_that_the_gpu_served_follows_the_share_on_the_cpu() -> None:
    both = [served(0.0, Backend.CPU, 100.0, 20.0), served(1.0, Backend.GPU, 10.0, 9.0)]

    assert trace_rows(both)[1] == Row(1.0, 0.1, 0.01, 0.02)


def test_a_request_that_follows_an_answer_has_a_client_and_a_pause_and_no_time_of_its_own() -> None:
    sent = [RequestRow(arrival_s, Backend.CPU, 500.0, 500.0, 0.0, 200, 7) for arrival_s in (1.0, 2.0, 2.75)]

    rows = trace_rows(sent, waits=True)

    assert [(row.arrival_s, row.think_s, row.client) for row in rows] == [
        (None, 1.0, "1"),
        (None, pytest.approx(0.5), "1"),
        (None, pytest.approx(0.25), "1"),
    ]


def test_a_processor_that_others_took_is_no_wait_of_the_function() -> None:
    slowed = [served(float(at), Backend.CPU, 100.0, 40.0) for at in (1, 2)]
    later = [served(float(at), Backend.CPU, 100.0, 20.0) for at in (5, 6, 20)]

    rows = trace_rows([*slowed, *later], [(3.0, 0.8), (10.0, 0.1)])

    assert [row.cpu_time_s for row in rows] == pytest.approx([0.08, 0.08, 0.02, 0.02, 0.02])


def test_no_request_computes_for_longer_than_it_takes() -> None:
    uneven = [served(1.0, Backend.CPU, 100.0, 90.0), served(2.0, Backend.CPU, 100.0, 10.0)]

    assert [row.cpu_time_s for row in trace_rows(uneven, [(3.0, 1.0)])] == pytest.approx([0.1, 0.1])
    assert [row.cpu_time_s for row in trace_rows(uneven, [(3.0, 0.75)])] == pytest.approx([0.095, 0.055])
