import json

import pytest

from gaia_cli.running.choose import EMULATED_REASON, Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import summarize
from gaia_cli.views.run_lines import JsonScreen, LineScreen, event_line
from runtime_images.events.codec import to_json
from runtime_images.policy.model import ExecutionMode, Slo
from tests.support.synthetic_run import Stream, matmul_run

PLAN = RunPlan(
    "matmul",
    ExecutionMode.CPU_PREFERRED,
    "no framework",
    Choice("process", "no Docker engine answers"),
    Choice("emulated", EMULATED_REASON),
    Slo(latency_p95_ms=250.0),
)


def shown(screen: LineScreen) -> None:
    history = RunHistory()
    screen.address("http://127.0.0.1:8080")
    screen.step("creating a virtual environment")
    screen.plan(PLAN)
    for event in matmul_run():
        history.apply(event)
        screen.event(event, history)
        screen.tick(history)
    screen.summary(summarize(PLAN, history), history)
    screen.close()


def test_the_address_is_said_first_then_the_plan_and_the_emulation_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    shown(LineScreen())

    lines = capsys.readouterr().out.splitlines()

    assert lines[0] == "address     http://127.0.0.1:8080"
    assert lines[2:7] == [
        "function    matmul",
        "mode        cpu_preferred: no framework",
        "engine      process: no Docker engine answers",
        "accelerator emulated: no GPU here, a worker process models one",
        "SLO         p95 latency at most 250 ms",
    ]


def test_each_event_is_one_line_that_a_person_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    shown(LineScreen())

    lines = capsys.readouterr().out.splitlines()

    assert "    0.8 s  ready        http://127.0.0.1:8080 serves func.py:handler on CPU" in lines
    assert "   18.4 s  switch       promoted to GPU in 1.5 s; mode gpu_preferred" in lines
    assert any(line.startswith("   16.8 s  decision     move to GPU: p95 612 ms is above") for line in lines)
    assert (
        "   25.8 s  window       GPU (emulated) 21.0 /s  p95 36 ms  queue 0  SLO met  requests 352  failures 0" in lines
    )
    assert not any("\x1b" in line for line in lines)


def test_the_summary_shows_the_switches_and_the_cost_of_each_backend_alone(capsys: pytest.CaptureFixture[str]) -> None:
    shown(LineScreen())

    text = capsys.readouterr().out

    summary = text[text.index("\nsummary\n") :]
    for expected in ("failures 0", "promote at 0:18", "demote at 0:40", "1.18 s before, 38 ms after", "(emulated)"):
        assert expected in summary
    assert "CPU only 0.00205 USD" in summary
    assert "GPU only 0.00718 USD" in summary


def test_json_lines_are_the_events_as_they_came_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    shown(JsonScreen())

    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]

    assert lines[:-1] == [to_json(event) for event in matmul_run()]
    assert lines[-1]["event"] == "summary"
    assert "emulated: no GPU here" in captured.err


def test_seconds_before_the_function_is_ready_have_no_line() -> None:
    stream, history = Stream(), RunHistory()
    stream.started()
    stream.window({})
    for event in stream.events:
        history.apply(event)

    assert event_line(stream.events[-1], history) == ""


def test_of_idle_seconds_that_are_all_alike_only_the_first_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    stream, history, screen = Stream(), RunHistory(), LineScreen()
    stream.started()
    stream.ready()
    for p95_ms in (None, None, 30.0, 30.0, None, None, None):
        stream.window({"cpu": p95_ms})
    for event in stream.events:
        history.apply(event)
        screen.event(event, history)

    lines = [line for line in capsys.readouterr().out.splitlines() if " window " in line]

    assert ["8.0 /s" in line for line in lines] == [False, True, True, False]
