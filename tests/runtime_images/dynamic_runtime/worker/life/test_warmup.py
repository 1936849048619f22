"""The warm-up request: answered by each worker before it takes traffic, and a failure of the start when it fails."""

import json
from pathlib import Path

import pytest

from tests.support.serving import serving, write_function

HANDLER = """
    calls = []

    def handler(payload):
        calls.append(payload)
        return calls
"""
ASYNC = HANDLER.replace("def handler", "async def handler")
ASGI = """
    import json

    calls = []

    async def handle(scope, receive, send):
        body = (await receive())["body"]
        calls.append([scope["method"], scope["path"], scope["query_string"].decode(), body.decode()])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(calls).encode()})
"""


def warmup(**values: str) -> str:
    return json.dumps(values)


@pytest.mark.parametrize("source", [HANDLER, ASYNC], ids=["blocking", "async"])
def test_a_handler_has_been_called_once_before_its_first_request(tmp_path: Path, source: str) -> None:
    with serving(write_function(tmp_path, source), GAIA_WARMUP=warmup(body='{"size": 1}')) as running:
        running.admin("POST", "/pin")
        first = running.post({"id": 1}).json()
        running.switch("gpu")
        second = running.post({"id": 2}).json()
        totals = running.state()["totals"]
        running.event("worker", lambda event: (event["backend"], event["state"]) == ("gpu", "ready"))
        states = [event["state"] for event in running.named("worker") if event["backend"] == "gpu"]

    assert first == [{"size": 1}, {"id": 1}]
    assert second == [{"size": 1}, {"id": 2}]
    assert totals["requests"] == 2
    assert states[:3] == ["starting", "warming", "ready"]


def test_an_asgi_function_gets_the_method_the_path_and_the_query(tmp_path: Path) -> None:
    asked = warmup(method="PUT", path="/a%20b?size=1", body="text")
    with serving(write_function(tmp_path, ASGI), GAIA_WARMUP=asked) as running:
        calls = running.request("GET", "/now").json()

    assert calls == [["PUT", "/a b", "size=1", "text"], ["GET", "/now", "", ""]]


def test_a_warm_up_that_fails_on_the_gpu_leaves_the_traffic_where_it_is(tmp_path: Path) -> None:
    source = """
        import os

        def handler(payload):
            if os.environ["GAIA_BACKEND"] == "gpu":
                raise RuntimeError("no kernel image is available")
            return "ok"
    """
    with serving(write_function(tmp_path, source), GAIA_WARMUP=warmup()) as running:
        answer = running.switch("gpu")
        failed = running.event("setup_failed")
        after = running.post({})

    assert answer.status == 409
    assert failed["kind"] == "warmup"
    assert failed["message"].endswith("made the function raise RuntimeError: no kernel image is available")
    assert after.json() == "ok"


def test_an_answer_of_400_or_more_is_a_failure(tmp_path: Path) -> None:
    source = """
        async def handle(scope, receive, send):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
    """
    function = write_function(tmp_path, source)
    with serving(function, wait=False, GAIA_WARMUP=warmup(method="GET", path="/absent")) as running:
        failed = running.event("setup_failed")

    assert failed["message"] == "func.py:2: the warm-up request (GET /absent) was answered with status 404"
