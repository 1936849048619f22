"""A RunPod worker is served at /runsync and /run; importing it starts nothing of RunPod's."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Serving, serving, write_function


def run(running: Serving, value: Any = None, path: str = "/runsync") -> Any:  # noqa: ANN401
    body = json.dumps({"input": value}).encode()
    answer = running.request("POST", path, body, {"content-type": "application/json"})
    assert answer.status == 200
    told = answer.json()
    assert told.pop("id")
    assert told.pop("executionTime") >= told.pop("delayTime") == 0
    return told


HANDLER = """
    import runpod

    def process(job):
        value = job["input"]
        if value == "raise":
            return 1 / 0
        if value == "error":
            return {"error": "it is wrong"}
        return {"got": value, "id": bool(job["id"]), "refresh_worker": False}

"""


@pytest.mark.parametrize(
    "start",
    [
        'runpod.serverless.start({"handler": process})',
        'if __name__ == "__main__":\n        runpod.serverless.start({"handler": process})',
        'config = {"handler": process}\n    runpod.serverless.start(config)',
        'runpod.serverless.start({"handler": lambda job: process(job), "concurrency_modifier": lambda n: n})',
        'from runpod.serverless import start\n    start({"handler": process})',
    ],
)
def test_the_handler_is_found_by_reading(tmp_path: Path, start: str) -> None:
    with serving(write_function(tmp_path, f"{HANDLER}    {start}\n", "rp_handler.py")) as running:
        done = run(running, {"a": 1})
        raised = run(running, "raise", "/run")
        wrong = run(running, "error", "/v2/mine/runsync")
        nothing = running.request("POST", "/runsync", b"{}")
        unknown = running.request("POST", "/status/1", b"{}")
        form = running.event("ready")["form"]
        running.event("log", lambda event: "ZeroDivisionError" in event["line"])
        metrics = running.admin("GET", "/metrics").body.decode()

    assert "gaia_failures_total 2.0" in metrics
    assert done == {"status": "COMPLETED", "output": {"got": {"a": 1}, "id": True}}
    assert raised == {"status": "FAILED", "error": "ZeroDivisionError: division by zero"}
    assert wrong == {"status": "FAILED", "error": "it is wrong"}
    assert (nothing.status, unknown.status, form) == (400, 404, "runpod")


@pytest.mark.parametrize("definition", ["def", "async def"])
@pytest.mark.parametrize(("word", "output"), [("return", [1, 2]), ("yield", [[1, 2]])])
def test_every_kind_of_handler_is_served(tmp_path: Path, definition: str, word: str, output: object) -> None:
    source = f"""
        import runpod

        {definition} handler(job):
            {word} [1, job["input"]]

        runpod.serverless.start({{"handler": handler, "return_aggregate_stream": True}})
    """
    with serving(write_function(tmp_path, source, "src/handler.py")) as running:
        assert run(running, 2) == {"status": "COMPLETED", "output": output}
