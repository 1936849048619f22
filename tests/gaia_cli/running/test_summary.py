import json
from dataclasses import replace

import pytest

from gaia_cli.errors import ExitCode
from gaia_cli.running.choose import Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.playing.player import PlayedReply
from gaia_cli.running.summary import p95, summarize
from runtime_images.events.codec import to_json
from runtime_images.events.model import Event
from runtime_images.policy.model import ExecutionMode, Slo
from tests.support.synthetic_run import START, Stream, matmul_run

PLAN = RunPlan(
    "matmul", ExecutionMode.CPU_PREFERRED, "no framework", Choice("process", ""), Choice("emulated", ""), Slo(250.0)
)


def history_of(events: list[Event]) -> RunHistory:
    history = RunHistory()
    for event in events:
        history.apply(event)
    return history


def reply(due: float, ms: float, status: int = 200) -> PlayedReply:
    return PlayedReply(START + due, START + due + ms / 1000, status)


def test_p95_is_the_value_that_95_percent_do_not_exceed() -> None:
    assert p95(range(1, 101)) == 95
    assert p95([7.0]) == 7.0
    assert p95([]) is None


def test_a_run_is_counted_and_its_cost_set_against_each_backend_alone() -> None:
    summary = summarize(PLAN, history_of(matmul_run()))

    assert summary.failures == 0
    assert (summary.count("promote"), summary.count("demote")) == (1, 1)
    assert summary.duration_s == 54.0
    assert summary.cost_cpu_only == pytest.approx(54 * 0.1368 / 3600)
    assert summary.cost_gpu_only == pytest.approx(54 * 0.4788 / 3600)
    assert summary.exit_code is ExitCode.OK


def test_each_mode_gets_the_time_between_the_moves() -> None:
    summary = summarize(PLAN, history_of(matmul_run()))

    assert summary.mode_seconds == {
        "cpu_preferred": pytest.approx(18.4 - 0.8 + 54.0 - 40.6),
        "gpu_preferred": pytest.approx(40.6 - 18.4),
    }


def test_without_a_load_p95_around_a_switch_comes_from_the_windows() -> None:
    promote, demote = summarize(PLAN, history_of(matmul_run())).switches

    assert (promote.p95_before_ms, promote.p95_after_ms) == (1180.0, 38.0)
    assert promote.at_s == pytest.approx(18.4)
    assert promote.took_s == pytest.approx(1.5)
    assert demote.p95_after_ms is not None


def test_with_a_load_p95_around_a_switch_is_what_the_client_saw() -> None:
    replies = [reply(5.0, 9000.0), reply(12.0, 700.0), reply(18.0, 900.0), reply(19.0, 40.0), reply(45.0, 90.0)]

    promote, demote = summarize(PLAN, history_of(matmul_run()), replies).switches

    assert promote.p95_before_ms == pytest.approx(900.0)
    assert promote.p95_after_ms == pytest.approx(40.0)
    assert demote.p95_before_ms is None
    assert demote.p95_after_ms == pytest.approx(90.0)


def test_the_time_after_a_switch_ends_at_the_next_one() -> None:
    stream = Stream()
    stream.started()
    stream.ready()
    for id_, target, at in ((1, "gpu", 5.0), (2, "cpu", 8.0)):
        stream.t = at
        stream.switch(id_, target, "moved", {"ordered": at - 1, "moved": at}, "")
    replies = [reply(6.0, 10.0), reply(9.0, 500.0)]

    promote, demote = summarize(PLAN, history_of(stream.events), replies).switches

    assert promote.p95_after_ms == pytest.approx(10.0)
    assert demote.p95_before_ms == pytest.approx(10.0)


def test_a_failure_that_only_the_client_saw_counts() -> None:
    summary = summarize(PLAN, history_of(matmul_run()), [reply(1.0, 5.0, status=0)])

    assert summary.failures == 1
    assert summary.exit_code is ExitCode.FINDINGS


def test_an_slo_missed_on_the_way_and_met_at_the_end_is_no_finding() -> None:
    summary = summarize(PLAN, history_of(matmul_run()))

    assert summary.slo_state == "met"
    assert summary.slo_met_share is not None
    assert 0 < summary.slo_met_share < 1
    assert summary.exit_code is ExitCode.OK


def test_an_slo_missed_at_the_end_is_a_finding() -> None:
    stream = Stream()
    stream.started()
    stream.ready()
    stream.window({"cpu": 900.0})

    assert summarize(PLAN, history_of(stream.events)).exit_code is ExitCode.FINDINGS


def test_a_signal_decides_over_the_findings() -> None:
    summary = summarize(PLAN, history_of(matmul_run()), [reply(1.0, 5.0, status=500)], ExitCode.INTERRUPTED)

    assert summary.exit_code is ExitCode.INTERRUPTED


def test_the_summary_is_an_event_that_json_can_hold() -> None:
    summary = replace(summarize(PLAN, history_of(matmul_run())), t=START + 54)

    written = json.loads(json.dumps(to_json(summary)))

    assert (written["schema_version"], written["event"], written["exit_code"]) == (1, "summary", 0)
    assert [switch["kind"] for switch in written["switches"]] == ["promote", "demote"]


def test_a_run_that_never_began_still_has_a_summary() -> None:
    summary = summarize(PLAN, RunHistory())

    assert (summary.function, summary.requests, summary.mode_seconds) == ("matmul", 0, {})
