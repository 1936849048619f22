"""A line of the log says when by the clock of everybody: in UTC, as its Z says, wherever the controller runs."""

import json
import logging
import time

import pytest

from runtime_images.controller.telemetry import JsonLines


def test_a_line_of_the_log_has_its_time_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        record = logging.LogRecord("x", logging.INFO, "x", 1, "leads", (), None)
        record.created, record.msecs = 1_795_873_355.25, 250.0
        record.said = {"who": "a"}
        line = json.loads(JsonLines().format(record))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert line == {"time": "2026-11-28T13:42:35.250Z", "level": "info", "message": "leads", "who": "a"}
