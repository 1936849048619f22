from pathlib import Path

from gaia_cli.running.history import RunHistory
from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.running.recording.what_if import scenario_of, what_if
from runtime_images.events.decisions import SwitchKind, SwitchMoments, SwitchPhase, SwitchStep
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend, ExecutionMode, Prices, Slo

CPU, GPU = Backend.CPU, Backend.GPU


def served(arrival_s: float, backend: Backend, service_ms: float, cpu_time_ms: float) -> RequestRow:
    return RequestRow(arrival_s, backend, service_ms, service_ms, cpu_time_ms, 200)


def recorded(*rows: RequestRow) -> TraceRecorder:
    recorder = TraceRecorder(None, Path())
    recorder.apply(Requests(rows))
    return recorder


def history() -> RunHistory:
    run = RunHistory(slo=Slo(latency_p95_ms=500.0), prices=Prices(cpu_per_hour=3.6, gpu_per_hour=36.0), start_s=1.5)
    run.apply(
        SwitchStep(
            1, SwitchPhase.MOVED, CPU, GPU, SwitchKind.PROMOTE, "slow", ExecutionMode.GPU_PREFERRED,
            SwitchMoments(ordered=10.0, moved=14.0), t=14.0,
        )
    )  # fmt: skip
    return run


def test_nothing_is_claimed_of_a_backend_that_has_not_served() -> None:
    found = what_if(recorded(served(1.0, CPU, 900.0, 900.0)), history(), ExecutionMode.CPU_PREFERRED, 1)

    assert found.alternatives == ()
    assert found.note == "the GPU served no request, so its service times are unknown"


def test_without_requests_there_is_nothing_to_replay() -> None:
    assert what_if(recorded(), history(), ExecutionMode.CPU_PREFERRED, 1).note == "no request was answered"


def test_start_up_times_prices_and_slo_are_those_of_the_run() -> None:
    scenario = scenario_of(history(), ExecutionMode.CPU_PREFERRED, 3)

    assert (scenario.start_cpu_s, scenario.start_gpu_s, scenario.slots) == (1.5, 4.0, 3)
    assert (scenario.cpu_price, scenario.gpu_price, scenario.slo_p95_s) == (0.001, 0.01, 0.5)


def test_without_an_slo_nothing_is_late() -> None:
    run = history()
    run.slo = Slo()
    rows = [served(float(number), GPU if number > 20 else CPU, 900.0, 900.0) for number in range(40)]

    found = what_if(recorded(*rows), run, ExecutionMode.CPU_PREFERRED, 1)

    assert [one.late for one in found.alternatives] == [0] * 5
    cheapest = min(found.alternatives, key=lambda one: one.cost)
    assert cheapest.policy in ("static-cpu", "gaia")


def test_the_alternatives_are_judged_on_the_requests_of_the_run() -> None:
    rows = [served(2.0 * number, CPU, 900.0, 900.0) for number in range(20)]
    rows += [served(40.0 + 2.0 * number, GPU, 90.0, 9.0) for number in range(20)]

    late = {
        one.policy: one.late for one in what_if(recorded(*rows), history(), ExecutionMode.CPU_PREFERRED, 1).alternatives
    }

    assert late["static-cpu"] == 40
    assert late["gaia"] < late["static-cpu"]
    assert late["static-gpu"] <= 2
