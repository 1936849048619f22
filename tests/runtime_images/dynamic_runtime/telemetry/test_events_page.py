"""Every event of a real run against docs/events.md: no field that the page does not name, and none missing."""

import re
from pathlib import Path

import pytest

from tests.support.serving import serving, write_function

PAGE = Path(__file__).resolve().parents[4] / "docs" / "events.md"
FUNCTION = """
import os

def handler(payload):
    print("called")
    if payload.get("die"):
        os._exit(3)
    return payload
"""
BROKEN = "def handler(a, b): ...\n"
EVERY_EVENT = {"v", "t", "event"}
ONLY_WITH_AN_END = {"worker": {"exit_code", "reason"}}


def documented() -> dict[str, set[str]]:
    """The fields of each event: those in its row of the table, and for a window those in the list below."""
    text = PAGE.read_text(encoding="utf-8")
    fields = {name: outermost(told) for name, told in re.findall(r"^\| `(\w+)` \|[^|]*\|(.*)\|$", text, re.MULTILINE)}
    fields["window"] = set().union(*(outermost(line) for line in re.findall(r"^- (.*)$", text, re.MULTILINE)))
    return fields


def outermost(told: str) -> set[str]:
    """The names that stand outside of braces and parentheses: the event's own fields."""
    stripped = ""
    while stripped != told:
        stripped, told = told, re.sub(r"\{[^{}]*\}|\([^()]*\)", "", told)
    return set(re.findall(r"`(\w+)`", told))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (FUNCTION, {"started", "ready", "worker", "window", "decision", "switch", "worker_exit", "log", "requests"}),
        (BROKEN, {"started", "worker", "setup_failed", "stopped"}),
    ],
)
def test_each_event_has_exactly_the_fields_that_the_page_names(source: str, told: set[str], tmp_path: Path) -> None:
    with serving(write_function(tmp_path, source), wait=False, GAIA_RECORD_REQUESTS="1") as running:
        if source is BROKEN:
            running.event("setup_failed")
        else:
            running.post({})
            running.event("decision")
            running.event("requests")
            running.switch("gpu")
            running.event("switch", lambda event: event["phase"] == "drained")
            running.post({"die": True})
            running.event("worker_exit")
    page = documented()

    assert told <= {event["event"] for event in running.events}
    for event in running.events:
        named, own = page[event["event"]], set(event) - EVERY_EVENT
        assert own <= named, event["event"]
        assert named - own <= ONLY_WITH_AN_END.get(event["event"], set()), event["event"]
