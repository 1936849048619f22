"""What `make demo` promises is what it checks."""

import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.running.choose import Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.playing.requests_file import read_requests
from gaia_cli.running.summary import RunSummary, summarize
from runtime_images.policy.model import ExecutionMode, Slo
from tests.support.synthetic_run import matmul_run

ROOT = Path(__file__).resolve().parents[2]
PLAN = RunPlan("matmul", ExecutionMode.CPU_PREFERRED, "", Choice("process", ""), Choice("emulated", ""), Slo(250.0))


@pytest.fixture(scope="module")
def what_is_missing() -> Callable[[RunSummary], list[str]]:
    missing: Callable[[RunSummary], list[str]] = runpy.run_path(str(ROOT / "scripts" / "demo.py"))["what_is_missing"]
    return missing


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

    assert what_is_missing(replace(shown, switches=(promote,))) == ["no demotion happened"]
    assert what_is_missing(replace(shown, switches=(demote,))) == ["no promotion happened"]


def test_a_lost_request_is_missed(shown: RunSummary, what_is_missing: Callable[[RunSummary], list[str]]) -> None:
    assert what_is_missing(replace(shown, failures=2)) == ["2 requests failed"]


def test_the_load_of_the_demo_leaves_time_for_the_rest_of_its_minute() -> None:
    load = read_requests(ROOT / "samples" / "02-matmul" / "load.jsonl")

    assert load.requests[-1].at_s <= 50
