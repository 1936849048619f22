"""A RunPod worker is served at /runsync and /run; importing it starts nothing of RunPod's."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime_images.dynamic_runtime.worker.forms import runpod
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
def test_the_result_of_run_can_be_asked_for_again_until_a_switch(tmp_path: Path, definition: str) -> None:
    source = f"""
        import runpod

        {definition} handler(job):
            return 1 / job["input"]

        runpod.serverless.start({{"handler": handler}})
    """
    with serving(write_function(tmp_path, source, "handler.py"), GAIA_ACCELERATOR="emulated") as running:
        started = [running.request("POST", "/v2/mine/run", json.dumps({"input": n}).encode()).json() for n in (2, 0)]
        waited = running.request("POST", "/runsync", b'{"input": 1}').json()
        asked = [running.request("GET", f"/v2/mine/status/{one['id']}") for one in started]
        of_others = [running.request("GET", f"/status/{number}") for number in (waited["id"], "absent")]
        metrics = running.admin("GET", "/metrics").body.decode()
        switched = running.switch("gpu").status
        after = running.request("GET", f"/status/{started[0]['id']}")

    assert [one["status"] for one in started] == ["COMPLETED", "FAILED"]
    assert [one.json() for one in asked] == started
    assert [one.status for one in (*asked, *of_others)] == [200, 200, 404, 404]
    assert "gaia_failures_total 1.0" in metrics
    assert (switched, after.status) == (200, 404)
    assert "switch" in after.json()["error"]


def test_results_are_kept_within_bounds() -> None:
    results = runpod.Results()
    for number in range(1500):
        results.keep(str(number), b"x")
    assert (results.of("499"), results.of("500") is None) == (None, False)

    results.keep("large", bytes(16 * 1024 * 1024))
    assert (results.of("1499"), results.of("large") is None) == (None, False)

    results.keep("larger", bytes(16 * 1024 * 1024 + 1))
    assert (results.of("large"), results.of("larger")) == (None, None)


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
