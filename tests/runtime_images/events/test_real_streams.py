"""Every event of a real run against the types: no field that they do not have, none missing, none lost."""

from pathlib import Path

import pytest

from runtime_images.events.codec import from_json, to_json
from runtime_images.events.model import UnknownEvent
from tests.support.schemas import misfits
from tests.support.serving import serving, write_function

FUNCTION = """
import os

def handler(payload):
    print("called")
    if payload.get("die"):
        os._exit(3)
    return payload
"""
BROKEN = "def handler(a, b): ...\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (FUNCTION, {"started", "ready", "worker", "window", "decision", "switch", "worker_exit", "log", "requests"}),
        (BROKEN, {"started", "worker", "setup_failed", "stopped"}),
    ],
)
def test_each_event_is_what_the_schema_and_the_types_say(source: str, names: set[str], tmp_path: Path) -> None:
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

    assert names <= {event["event"] for event in running.events}
    assert misfits("events.json", running.events) == []
    for event in running.events:
        read = from_json(event)
        assert not isinstance(read, UnknownEvent), event
        assert to_json(read) == event
        assert read.extra == ()
