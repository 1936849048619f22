from dataclasses import replace

import pytest

from gaia_cli.running.history import KEPT_SECONDS, RunHistory
from runtime_images.events.codec import from_json, to_json
from runtime_images.events.model import Event
from runtime_images.events.traffic import SloState
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode
from tests.support.synthetic_run import START, Stream, matmul_run


def history_of(events: list[Event]) -> RunHistory:
    history = RunHistory()
    for event in events:
        history.apply(event)
    return history


def test_the_start_says_what_runs_and_where() -> None:
    history = history_of(matmul_run()[:2])

    assert (history.function, history.mode, history.accelerator) == (
        "matmul",
        ExecutionMode.CPU_PREFERRED,
        Accelerator.EMULATED,
    )
    assert history.url == "http://127.0.0.1:8080"
    assert history.entry == "func.py:handler"
    assert history.slo.latency_p95_ms == 250.0
    assert history.slo.window_s == 10.0


def test_a_window_sets_the_lanes_and_adds_a_second() -> None:
    stream = Stream()
    stream.started()
    stream.t = 3.0
    stream.window({"cpu": 300.0}, rate=7, queue=4)

    history = history_of(stream.events)

    assert history.lanes[Backend.CPU].p95_ms == 300.0
    assert history.lanes[Backend.GPU].p95_ms is None
    assert (history.queue, history.slo_state) == (4, "missed")
    assert [second.p95_ms[Backend.CPU] for second in history.seconds] == [300.0]
    assert history.uptime_s == 3.0


def test_the_worse_lane_speaks_for_a_second_in_which_both_answered() -> None:
    stream = Stream()
    stream.started()
    stream.window({"cpu": 300.0, "gpu": 20.0})

    assert history_of(stream.events).seconds[0].worst_p95_ms == 300.0


def test_a_switch_changes_the_active_backend_when_traffic_moves_and_not_before() -> None:
    stream = Stream()
    stream.started()
    stream.switch(1, "gpu", "ordered", {"ordered": 1.0}, "slow")
    assert history_of(stream.events).active is Backend.CPU

    stream.t = 2.5
    stream.switch(1, "gpu", "moved", {"ordered": 1.0, "moved": 2.5}, "slow")
    history = history_of(stream.events)

    assert history.active is Backend.GPU
    assert history.mode is ExecutionMode.GPU_PREFERRED
    assert len(history.switches) == 1
    assert history.notes[-1].text == "promoted to GPU in 1.5 s"


def test_a_failed_switch_is_noted_with_its_reason() -> None:
    stream = Stream()
    stream.started()
    stream.switch(1, "gpu", "failed", {"ordered": 1.0}, "the worker did not start")

    history = history_of(stream.events)

    assert history.active is Backend.CPU
    assert history.switches[0].moved is None
    assert history.notes[-1].text == "could not promote to GPU: the worker did not start"


def test_a_start_that_was_given_up_is_noted_with_how_long_it_took() -> None:
    stream = Stream()
    stream.started()
    stream.t = 3.5
    stream.switch(1, "gpu", "given_up", {"ordered": 1.0}, "the CPU keeps the SLO")

    history = history_of(stream.events)

    assert history.active is Backend.CPU
    assert history.notes[-1].kind == "given_up"
    assert history.notes[-1].text == "gave up the switch to GPU after 2.5 s: the CPU keeps the SLO"


@pytest.mark.parametrize(
    ("event", "fields", "text"),
    [
        (
            "worker_exit",
            {
                "backend": "gpu",
                "pid": 1,
                "exit_code": None,
                "signal": 9,
                "retried": 2,
                "failed": 0,
                "restart_in_s": 0.5,
            },
            "the GPU worker died (signal 9); 2 retried, restarts in 0.5 s",
        ),
        (
            "worker_exit",
            {
                "backend": "cpu",
                "pid": 1,
                "exit_code": 3,
                "signal": None,
                "retried": 0,
                "failed": 1,
                "restart_in_s": None,
            },
            "the CPU worker died (exit code 3); 0 retried, not restarted",
        ),
        ("gpu_lost", {"reason": "it fell off the bus"}, "GPU lost: it fell off the bus"),
        ("dropped", {"lines": 7}, "7 lines of log and measurements were left out: they came too fast to read"),
        ("fallback", {"wanted": "gpu", "got": "cpu", "reason": "no GPU"}, "CPU instead of GPU: no GPU"),
    ],
)
def test_faults_become_notes(event: str, fields: dict[str, object], text: str) -> None:
    stream = Stream()
    stream.started()
    stream.add(event, **fields)

    assert history_of(stream.events).notes[-1].text == text


def test_a_setup_failure_keeps_its_place_and_its_log() -> None:
    stream = Stream()
    stream.started()
    stream.add(
        "setup_failed",
        backend="cpu",
        kind="import",
        message="no module named nump",
        path="func.py",
        line=3,
        log=["a", "b"],
    )

    failure = history_of(stream.events).setup_failure

    assert failure is not None
    assert (failure.path, failure.line, failure.log) == ("func.py", 3, ("a", "b"))


def test_the_first_setup_failure_is_the_reason_for_the_end() -> None:
    stream = Stream()
    stream.started()
    for kind, message in (("import", "no module named nump"), ("exit", "the worker ended with signal 9")):
        stream.add("setup_failed", backend="cpu", kind=kind, message=message, path="", line=0, log=[])

    failure = history_of(stream.events).setup_failure

    assert failure is not None
    assert failure.message == "no module named nump"


def test_a_setup_failure_of_no_backend_is_the_runtimes() -> None:
    stream = Stream()
    stream.started()
    stream.add("setup_failed", backend=None, kind="port", message="in use", path="", line=0, log=[])

    assert history_of(stream.events).notes[-1].text == "the runtime could not start: in use"


def test_the_end_brings_the_totals_and_closes_the_lanes() -> None:
    history = history_of(matmul_run())

    assert history.stopped is not None
    assert history.totals.requests == history.stopped.requests
    assert all(lane.state == "off" for lane in history.lanes.values())


def test_events_and_fields_of_a_newer_runtime_are_passed_over() -> None:
    stream = Stream()
    stream.started()
    started = to_json(stream.events[0])
    stream.events[0] = from_json(started | {"slo": started["slo"] | {"latency_p999_ms": 5}})
    stream.add("weather", sky="blue")
    stream.add("fallback", wanted="gpu", got="tpu", reason="a backend of the future")
    stream.window({"cpu": 10.0}, phase_of_the_moon=0.3)

    assert history_of(stream.events).lanes[Backend.CPU].p95_ms == 10.0


def test_a_long_run_keeps_a_bounded_picture_and_counts_all_of_its_seconds() -> None:
    stream = Stream()
    stream.started()
    stream.window({"cpu": 10.0})
    history = history_of(stream.events[:1])
    window = stream.events[1]
    for second in range(KEPT_SECONDS + 10):
        history.apply(replace(window, t=START + second))

    assert len(history.seconds) == KEPT_SECONDS
    assert history.slo_seconds[SloState.MET] == KEPT_SECONDS + 10
