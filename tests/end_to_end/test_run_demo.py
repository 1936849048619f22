"""What `make demo` promises is what it checks."""

import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gaia_cli.running.choose import Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.playing.requests_file import read_requests
from gaia_cli.running.summary import RunSummary, summarize
from runtime_images.policy.model import ExecutionMode, Slo
from tests.support.synthetic_run import Stream, matmul_run

ROOT = Path(__file__).resolve().parents[2]
PLAN = RunPlan("matmul", ExecutionMode.CPU_PREFERRED, "", Choice("process", ""), Choice("emulated", ""), Slo(250.0))


WITHIN_S = 132.0


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "demo.py"))


@pytest.fixture(scope="module")
def what_is_missing(demo: dict[str, Any]) -> Callable[[RunSummary], list[str]]:
    missing: Callable[[RunSummary, float], list[str]] = demo["what_is_missing"]
    return lambda summary: missing(summary, WITHIN_S)


@pytest.fixture
def shown() -> RunSummary:
    history = RunHistory()
    for event in matmul_run():
        history.apply(event)
    return summarize(PLAN, history)


def test_a_run_with_both_moves_and_no_failure_has_shown_everything(
    shown: RunSummary, what_is_missing: Callable[[RunSummary], list[str]]
) -> None:
    assert what_is_missing(shown) == []


def test_a_move_that_did_not_happen_is_missed(
    shown: RunSummary, what_is_missing: Callable[[RunSummary], list[str]]
) -> None:
    promote, demote = shown.switches

    assert what_is_missing(replace(shown, switches=(promote,))) == ["no demotion happened within 132 s"]
    assert what_is_missing(replace(shown, switches=(demote,))) == ["no promotion happened within 132 s"]


def test_a_lost_request_is_missed(shown: RunSummary, what_is_missing: Callable[[RunSummary], list[str]]) -> None:
    assert what_is_missing(replace(shown, failures=2)) == ["2 requests failed"]


def test_the_load_of_the_demo_leaves_time_for_the_rest_of_its_minute() -> None:
    load = read_requests(ROOT / "samples" / "02-matmul" / "load.jsonl")

    assert load.requests[-1].at_s <= 50


def history_with(*kinds: str) -> RunHistory:
    """A run in which these switches have moved the traffic."""
    history, stream = RunHistory(), Stream()
    stream.started()
    for number, kind in enumerate(kinds):
        to = "gpu" if kind == "promote" else "cpu"
        stream.switch(number, to, "moved", {"ordered": 1.0, "moved": 2.0}, "because")
    for event in stream.events:
        history.apply(event)
    return history


def sizes_and_end(encore: Any, *kinds: str) -> tuple[set[int], float]:  # noqa: ANN401 -- of a script
    history, sizes, last_s = history_with(*kinds), set(), 0.0
    while (request := encore.next(history)) is not None:
        sizes.add(json.loads(request.body)["size"])
        assert request.at_s > last_s
        last_s = request.at_s
    return sizes, last_s


def test_what_has_not_happened_when_the_load_is_over_is_brought_about_for_three_times_as_long(
    demo: dict[str, Any],
) -> None:
    load = read_requests(ROOT / "samples" / "02-matmul" / "load.jsonl")
    usual_s = load.requests[-1].at_s

    large, large_until_s = sizes_and_end(demo["Encore"](load))
    small, small_until_s = sizes_and_end(demo["Encore"](load), "promote")

    assert (large, small) == ({2000}, {160})
    assert 2.9 * usual_s < large_until_s <= 3 * usual_s
    assert 2.9 * usual_s < small_until_s <= 3 * usual_s
    assert demo["Encore"](load).next(history_with("promote", "demote")) is None


def test_the_encore_turns_from_large_to_small_when_the_promotion_has_come(demo: dict[str, Any]) -> None:
    encore = demo["Encore"](read_requests(ROOT / "samples" / "02-matmul" / "load.jsonl"))
    sizes = [json.loads(encore.next(history_with(*kinds)).body)["size"] for kinds in ((), (), ("promote",))]

    assert sizes == [2000, 2000, 160]
