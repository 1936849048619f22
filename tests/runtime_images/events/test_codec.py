"""Events to JSON and back."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.events.codec import EVENTS, decode, encode, from_json, to_json
from runtime_images.events.decisions import DecisionMade, Fallback
from runtime_images.events.lifecycle import SetupFailed, WorkerChanged, WorkerState
from runtime_images.events.model import UnknownEvent
from runtime_images.events.traffic import BackendStatus, BadAnswer, LogLine, RequestRow, Requests, Window
from runtime_images.policy.model import CPU, GPU
from tests.support.synthetic_run import matmul_run

READY = WorkerChanged(CPU, 4711, WorkerState.READY, t=1.5)


def test_a_whole_run_comes_back_as_it_was() -> None:
    for event in matmul_run():
        once = from_json(to_json(event))  # the first time rounds

        assert decode(encode(once, once.t)) == once


def test_every_event_has_what_tells_its_kind_its_time_and_its_version() -> None:
    assert json.loads(encode(READY, 12.3456789)) == {
        "schema_version": 1, "t": 12.345679, "event": "worker", "backend": "cpu", "pid": 4711, "state": "ready",
    }  # fmt: skip


@given(st.text(st.characters(codec=None)))
def test_a_line_is_printable_ascii_whatever_a_function_has_printed_or_raised(text: str) -> None:
    for event in (
        LogLine(CPU, 1, "stdout", text, None),
        SetupFailed(CPU, "import", text, text, 1, (text,)),
        BadAnswer(CPU, 1, 1, text),
        replace(READY, state=WorkerState.EXITED, reason=text),
    ):
        line = encode(event, 0.0)

        assert re.fullmatch(rb"[ -~]*\n", line)
        assert text in map(str, [json.loads(line).get(name) for name in ("line", "message", "reason")])


@pytest.mark.parametrize("character", ["\0", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\ud800"])
def test_no_control_character_is_raw_in_a_line(character: str) -> None:
    line = encode(LogLine(CPU, 1, "stdout", f"a{character}b", None), 0.0)

    assert character.encode("utf-8", "surrogatepass") not in line.removesuffix(b"\n")
    assert json.loads(line)["line"] == f"a{character}b"


def test_what_is_known_only_of_a_worker_that_has_ended_is_left_out_before() -> None:
    ended = replace(READY, state=WorkerState.EXITED, exit_code=0, reason="released")

    assert not {"exit_code", "reason"} & to_json(READY).keys()
    assert {"exit_code": 0, "reason": "released"}.items() <= to_json(ended).items()


def test_numbers_are_rounded_to_what_is_known_of_them() -> None:
    window = next(event for event in matmul_run() if isinstance(event, Window))
    exact = BackendStatus(rate=1 / 3, p50_ms=2 / 3, cpu_share=0.98765)
    told = to_json(replace(window, lanes={CPU: exact}, totals=replace(window.totals, cost=1 / 7)))

    lane = told["lanes"]["cpu"]
    assert (lane["rate"], lane["p50_ms"], lane["cpu_share"]) == (0.333, 0.7, 0.988)
    assert told["totals"]["cost"] == 0.1428571


def test_a_recorded_request_is_a_list_and_keeps_its_microseconds() -> None:
    told = to_json(Requests((RequestRow(1.23456789, GPU, 0.12345, 1.5, 0.1, 200, 7),)))

    assert told["rows"] == [[1.234568, "gpu", 0.123, 1.5, 0.1, 200, 7]]


def test_the_numbers_of_a_decision_are_rounded_by_their_names() -> None:
    inputs: dict[str, float | str | None] = {"p95_ms": 12.345, "arrival_rate": 0.12345, "slo_ms": None, "note": "x"}

    told = to_json(DecisionMade(CPU, GPU, CPU, "late", "why", inputs))

    assert told["inputs"] == {"p95_ms": 12.3, "arrival_rate": 0.123, "slo_ms": None, "note": "x"}


def test_a_field_of_a_newer_runtime_is_passed_on() -> None:
    line = encode(READY, 1.5)
    newer = json.loads(line) | {"colour": "blue"}

    event = from_json(newer)

    assert event == replace(READY, extra=(("colour", "blue"),))
    assert to_json(event) == newer


@pytest.mark.parametrize(
    "newer",
    [
        {"schema_version": 1, "t": 1.0, "event": "weather", "sky": "blue"},
        {"schema_version": 1, "t": 1.0, "event": "fallback", "wanted": "gpu", "got": "tpu", "reason": "late"},
        {"schema_version": 1, "t": 1.0, "event": "dropped", "lines": "many"},
        {"schema_version": 1, "t": 1.0, "event": "dropped"},
        {"schema_version": 1, "t": 1.0, "event": "requests", "rows": 3},
        {"schema_version": 1, "t": 1.0, "event": "requests", "rows": [[10**400, "cpu", 2.0, 3.0, 0.5, 200]]},
        {"schema_version": 1, "t": 1.0, "event": "requests", "rows": [[1.0, "cpu"]]},
    ],
)
def test_an_event_that_is_not_understood_is_passed_on_whole(newer: dict[str, object]) -> None:
    event = from_json(newer)

    assert isinstance(event, UnknownEvent)
    assert to_json(event) == newer


def test_a_row_with_more_columns_is_read_as_far_as_it_is_known() -> None:
    event = from_json({"t": 1.0, "event": "requests", "rows": [[1.0, "cpu", 2.0, 3.0, 0.5, 200, 4, "blue"]]})

    assert isinstance(event, Requests)
    assert event.rows == (RequestRow(1.0, CPU, 2.0, 3.0, 0.5, 200, 4),)


def test_a_row_of_an_older_runtime_is_of_an_unknown_client() -> None:
    event = from_json({"t": 1.0, "event": "requests", "rows": [[1.0, "cpu", 2.0, 3.0, 0.5, 200]]})

    assert isinstance(event, Requests)
    assert event.rows[0].client == 0


def test_a_moment_that_no_float_can_hold_is_none() -> None:
    event = from_json({"t": 10**400, "event": "weather"})

    assert event.t == 0.0


@pytest.mark.parametrize("line", ["", '{"event": "wor', "[]", "3", "{}", '{"event": 3}', '{"event": ' + "[" * 100_000])
def test_a_line_that_holds_no_event_is_none(line: str) -> None:
    assert decode(line) is None


def test_every_event_says_when_it_happens() -> None:
    assert all(kind.__doc__ and kind.__doc__.endswith(".") for kind in EVENTS.values())
    assert EVENTS["fallback"] is Fallback
