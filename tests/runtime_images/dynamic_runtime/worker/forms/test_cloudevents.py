"""Knative's second template and `handler(event)` are served, with the SDK of the function, or without one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from runtime_images.dynamic_runtime.worker.forms import event_codec
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError
from tests.support.libraries import python_with
from tests.support.serving import Serving, serving, write_function

TOLD = {"specversion": "1.0", "type": "order", "source": "/shop", "id": "7", "subject": "s", "myext": "e"}
BINARY = {f"ce-{name}": value for name, value in TOLD.items()} | {"content-type": "application/json"}

TEMPLATE = """
    import logging
    from cloudevents.http import CloudEvent

    def new():
        return Function()

    class Function:
        def start(self, cfg):
            self.prefix = "re: "

        async def handle(self, scope, receive, send):
            request = scope["event"]
            answer = CloudEvent({"type": self.prefix + request["type"], "source": "here"}, {"got": request.get_data()})
            match scope["path"]:
                case "/binary":
                    await send.binary(answer, 202)
                case "/http":
                    await send.http({"type": "http.response.start", "status": 203, "headers": []})
                    await send.http({"type": "http.response.body", "body": b"own"})
                case _:
                    await send(answer)

        def alive(self):
            return True, "Alive"
"""


def sent(running: Serving, path: str = "/") -> Any:  # noqa: ANN401
    return running.request("POST", path, b'{"a": 1}', BINARY)


def test_knatives_second_template_is_served(tmp_path: Path) -> None:
    write_function(tmp_path, "from .func import new\n", "function/__init__.py")
    with serving(write_function(tmp_path, TEMPLATE, "function/func.py")) as running:
        structured = sent(running)
        binary = sent(running, "/binary")
        own = sent(running, "/http")
        document = json.dumps(TOLD | {"data": "text"}).encode()
        from_document = running.request(body=document, headers={"content-type": "application/cloudevents+json"})
        wrong = running.post({"no": "event"})
        alive = running.request("GET", "/health/liveness")
        form = running.event("ready")["form"]

    assert structured.headers["content-type"] == "application/cloudevents+json"
    assert (structured.json()["type"], structured.json()["data"]) == ("re: order", {"got": {"a": 1}})
    assert (binary.status, binary.headers["ce-type"], binary.json()) == (202, "re: order", {"got": {"a": 1}})
    assert (own.status, own.body) == (203, b"own")
    assert from_document.json()["data"] == {"got": "text"}
    assert wrong.status == 400
    assert "specversion" in wrong.json()["error"]
    assert (alive.json(), form) == ({"status": "Alive"}, "cloudevents")


@pytest.mark.parametrize(
    "source",
    [
        'async def handle(scope, receive, send):\n    await send(scope["event"])\n',
        'async def handle(scope, receive, send):\n    await send.structured(scope.get("event"))\n',
        "from cloudevents.http import CloudEvent\ndef handle(event: CloudEvent):\n    return event\n",
        "from cloudevents.http.event import CloudEvent\nasync def handler(e: CloudEvent):\n    return e\n",
    ],
)
def test_functions_and_handlers_get_the_event(tmp_path: Path, source: str) -> None:
    with serving(write_function(tmp_path, source)) as running:
        answer = sent(running)

    told = answer.json()["type"] if "cloudevents" in answer.headers["content-type"] else answer.headers["ce-type"]
    assert (answer.status, told) == (200, "order")


SECOND_SDK = """
    from datetime import datetime

    from cloudevents.core.v1.event import CloudEvent

    async def handle(scope, receive, send):
        event = scope["event"]
        assert type(event) is CloudEvent
        told = {"id": "1", "source": "me", "type": "re: " + event.get_type(), "specversion": "1.0"}
        told |= {"time": event.get_time(), "loud": event.get_extension("loud"), "myext": True}
        assert isinstance(told["time"], datetime)
        answer = CloudEvent(told, event.get_data())
        await (send.binary(answer, 202) if scope["path"] == "/binary" else send(answer))
"""


def test_the_second_version_of_the_sdk_gets_and_sends_events_of_its_own(tmp_path: Path) -> None:
    python = python_with("cloudevents>=2")
    with serving(write_function(tmp_path, SECOND_SDK), GAIA_FUNCTION_PYTHON=python) as running:
        timed = BINARY | {"ce-time": "2026-01-02T03:04:05Z", "ce-loud": "no"}
        structured = running.request(body=b'{"a": 1}', headers=timed)
        binary = running.request(path="/binary", body=b'{"a": 1}', headers=timed)
        wrong = [
            running.request(body=b"{}", headers=BINARY | {"ce-time": "yesterday"}),
            running.request(body=b"{}", headers=BINARY | {"ce-not-a-name": "x"}),
            running.request(body=b"{}", headers=BINARY | {"ce-specversion": "0.3"}),
        ]

    told = structured.json()
    assert (told["type"], told["time"], told["loud"], told["myext"]) == (
        "re: order",
        "2026-01-02T03:04:05Z",
        "no",
        True,
    )
    assert (binary.status, binary.headers["ce-time"], binary.headers["ce-myext"]) == (202, told["time"], "true")
    assert told["data"] == binary.json() == {"a": 1}
    assert [answer.status for answer in wrong] == [400, 400, 400]


def headers_of(told: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in told.items()]


@pytest.mark.parametrize("kind", [event_codec.Event, CloudEvent])
@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/vnd.x+json", b"[1]", [1]),
        ("text/plain; charset=utf-8", b"text", "text"),
        ("image/png", b"\x89", b"\x89"),
        ("", b'{"a": 1}', {"a": 1}),
        ("", b"\xff", b"\xff"),
        ("application/json", b"", None),
    ],
)
def test_data_is_decoded_by_its_type_and_comes_back_as_it_was(
    kind: type, content_type: str, body: bytes, data: object
) -> None:
    told = BINARY | {"content-type": content_type}
    event = event_codec.decode(kind, headers_of({name: value for name, value in told.items() if value}), body)

    assert event.get_data() == data
    assert event["subject"] == "s"
    headers, back = event_codec.binary(event)
    assert event_codec.decode(kind, headers, back).get_data() == data
    headers, back = event_codec.structured(event)
    again = event_codec.decode(event_codec.Event, headers, back)
    assert (again.get_data(), again.get_id(), again["myext"]) == (data, "7", "e")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"ce-id": "1"}, b""),
        (BINARY, b"{"),
        ({"content-type": "application/cloudevents+json"}, b"{"),
        ({"content-type": "application/cloudevents+json"}, b"[]"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]"),
        (BINARY | {"ce-specversion": "7"}, b"{}"),
    ],
)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(PayloadError):
        event_codec.decode(CloudEvent, headers_of(headers), body)


def test_an_attribute_of_any_text_fits_into_a_header() -> None:
    event = event_codec.Event(
        {**TOLD, "subject": "é \n", "time": datetime(2026, 1, 2, tzinfo=UTC), "on": True, "raw": b"x"}
    )
    headers, body = event_codec.binary(event)

    assert dict(headers)[b"ce-subject"] == b"%C3%A9 %0A"
    assert dict(headers)[b"ce-time"] == b"2026-01-02T00:00:00Z"
    assert (dict(headers)[b"ce-on"], dict(headers)[b"ce-raw"]) == (b"true", b"eA==")
    assert json.loads(event_codec.structured(event)[1])["on"] is True
    assert event_codec.decode(event_codec.Event, headers, body)["subject"] == "é \n"
