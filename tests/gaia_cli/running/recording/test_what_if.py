from pathlib import Path

from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.running.recording.what_if import what_if
from runtime_images.events.decisions import SwitchPhase
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend
from tests.gaia_cli.running.recording.test_circumstances import ready, started, step

CPU, GPU = Backend.CPU, Backend.GPU


def served(arrival_s: float, backend: Backend, service_ms: float, cpu_time_ms: float) -> RequestRow:
    return RequestRow(arrival_s, backend, service_ms, service_ms, cpu_time_ms, 200)


def recorded(*rows: RequestRow, slo_ms: float | None = 500.0) -> TraceRecorder:
    """What is recorded of a run that was promoted once."""
    recorder = TraceRecorder(None, Path())
    for event in (started(0.0, slo_ms=slo_ms), ready(1.5), step(SwitchPhase.MOVED, GPU, 10.0, 14.0), Requests(rows)):
        recorder.apply(event)
    return recorder


def test_nothing_is_claimed_of_a_backend_that_has_not_served() -> None:
    found = what_if(recorded(served(1.0, CPU, 900.0, 900.0)))

    assert found.alternatives == ()
    assert found.note == "the GPU served no request, so its service times are unknown"


def test_without_requests_there_is_nothing_to_replay() -> None:
    assert what_if(recorded()).note == "no request was answered"


def test_without_an_slo_nothing_is_late() -> None:
    rows = [served(float(number), GPU if number > 20 else CPU, 900.0, 900.0) for number in range(40)]

    found = what_if(recorded(*rows, slo_ms=None))

    assert [one.late for one in found.alternatives] == [0] * 5
    cheapest = min(found.alternatives, key=lambda one: one.cost)
    assert cheapest.policy in ("static-cpu", "gaia")


def test_the_alternatives_are_judged_on_the_requests_of_the_run() -> None:
    rows = [served(2.0 * number, CPU, 900.0, 900.0) for number in range(20)]
    rows += [served(40.0 + 2.0 * number, GPU, 90.0, 9.0) for number in range(20)]

    late = {one.policy: one.late for one in what_if(recorded(*rows)).alternatives}

    assert late["static-cpu"] == 40
    assert late["gaia"] < late["static-cpu"]
    assert late["static-gpu"] <= 2
