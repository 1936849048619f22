"""A Lambda function gets what API Gateway would send, and its answer is read as API Gateway reads it."""

import base64
from pathlib import Path
from typing import Any

import pytest

from runtime_images.dynamic_runtime.worker.exchange import Request
from runtime_images.dynamic_runtime.worker.forms.aws_lambda import INVOCATIONS, event_of
from tests.support.serving import serving, write_function

ECHO = """
    import json

    def lambda_handler(event, context):
        if event["rawPath"] == "/fails":
            return 1 / 0
        if event["rawPath"] == "/plain":
            return {"remaining": context.get_remaining_time_in_millis() > 1000, "id": len(context.aws_request_id)}
        return {
            "statusCode": 201,
            "headers": {"Content-Type": "application/json", "X-Number": 5},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": json.dumps(event),
        }
"""


def test_a_function_is_served_behind_the_event_of_the_http_api(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO, "lambda_function.py")) as running:
        headers = {"content-type": "application/json", "cookie": "c=3; d=4"}
        answer = running.request("POST", "/a%20b?x=1&x=2&y=", b'{"name": "you"}', headers)
        plain = running.request("GET", "/plain")
        fails = running.request("GET", "/fails")
        ready = running.event("ready")

    event = answer.json()
    assert (answer.status, answer.headers["x-number"], answer.headers["content-type"]) == (201, "5", "application/json")
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a b", "x=1&x=2&y=")
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["cookies"] == ["c=3", "d=4"]
    assert "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"name": "you"}', False)
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert plain.json() == {"remaining": True, "id": 36}
    assert plain.headers["content-type"] == "application/json"
    assert fails.status == 500
    assert ready["form"] == "lambda"


ANSWERS = """
    import base64

    ANSWERS = {
        "none": None,
        "text": "hello",
        "list": [1, 2],
        "binary": {"statusCode": 200, "body": base64.b64encode(bytes([0, 255])).decode(), "isBase64Encoded": True},
        "no-body": {"statusCode": "204"},
        "multi": {"statusCode": 200, "multiValueHeaders": {"X-A": ["1", "2"]}, "body": ""},
        "dict-body": {"statusCode": 200, "body": {"a": 1}},
    }

    def handler(event, context):
        return ANSWERS[event["rawPath"].strip("/")]
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    names = ("none", "text", "list", "binary", "no-body", "multi", "dict-body", "unknown")
    with serving(write_function(tmp_path_factory.mktemp("lambda"), ANSWERS, "handler.py")) as running:
        return {name: running.request("GET", f"/{name}") for name in names}


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("none", 200, b""),
        ("text", 200, b"hello"),
        ("list", 200, b"[1, 2]"),
        ("binary", 200, b"\0\xff"),
        ("no-body", 204, b""),
        ("multi", 200, b""),
        ("dict-body", 200, b'{"a": 1}'),
        ("unknown", 500, b'{"error": "the function raised KeyError"}'),
    ],
)
def test_each_shape_of_an_answer_is_read(answers: dict[str, Any], name: str, status: int, body: bytes) -> None:
    assert (answers[name].status, answers[name].body) == (status, body)


def test_an_event_is_taken_as_it_is_on_lambdas_own_path(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200, 'got': event}\n"
    with serving(write_function(tmp_path, source, "main.py")) as running:
        answer = running.request("POST", INVOCATIONS, b'{"Records": [1]}')
        broken = running.request("POST", INVOCATIONS, b"{")

    assert answer.json() == {"statusCode": 200, "got": {"Records": [1]}}
    assert broken.status == 400


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("text/plain", b"text", False),
        ("application/vnd.api+json; charset=utf-8", b"{}", False),
        ("", b"text", False),
        ("image/png", b"text", True),
        ("text/plain", b"\xff", True),
    ],
)
def test_a_body_is_text_only_where_it_is(content_type: str, body: bytes, is_base64: bool) -> None:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    event = event_of(Request("POST", "/", b"/", b"", "1.1", "http", None, headers, body), "id")

    assert event["isBase64Encoded"] is is_base64
    assert event["body"] == (base64.b64encode(body).decode() if is_base64 else body.decode())
