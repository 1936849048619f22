"""Nothing is lost at a switch or a crash: real processes, real sockets, a client that never retries."""

import asyncio
import os
import signal
from collections.abc import Awaitable
from pathlib import Path

import pytest

from tests.support.serving import LoadResult, Serving, load, serving, write_function

ECHO = """
    import os

    def handler(payload):
        return {**payload, "backend": os.environ["GAIA_BACKEND"]}
"""
ECHO_ASGI = """
    async def handle(scope, receive, send):
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""


async def _while_loading(work: Awaitable[LoadResult], running: Serving, switches: int) -> LoadResult:
    loading = asyncio.ensure_future(work)
    for number in range(switches):
        answer = await asyncio.to_thread(running.switch, "cpu" if number % 2 else "gpu")
        assert answer.status == 200
    return await loading


@pytest.mark.parametrize("source", [ECHO, ECHO_ASGI], ids=["handler", "asgi"])
def test_twenty_thousand_requests_across_ten_switches_lose_none(tmp_path: Path, source: str) -> None:
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        result = asyncio.run(_while_loading(load(running.port, 32, 20_000), running, 10))
        moved = [event for event in running.named("switch") if event["phase"] == "moved"]

    assert result.failures == []
    assert result.answered == 20_000
    assert result.backends == {"cpu", "gpu"}
    assert len(moved) == 10


def test_connections_that_idle_at_a_switch_lose_none(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO)) as running:
        running.admin("POST", "/pin")
        result = asyncio.run(_while_loading(load(running.port, 16, 2_000, think_s=0.005), running, 6))

    assert result.failures == []
    assert result.answered == 2_000


async def _while_killing(work: Awaitable[LoadResult], running: Serving, kills: int) -> LoadResult:
    loading = asyncio.ensure_future(work)
    for _ in range(kills):
        await asyncio.sleep(0.3)
        if loading.done():
            break
        os.kill(await asyncio.to_thread(running.worker_pid, "cpu"), signal.SIGKILL)
        await asyncio.sleep(0.3)
    return await loading


def test_a_killed_worker_costs_an_idempotent_function_nothing(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_IDEMPOTENT="1", GAIA_MODE="cpu") as running:
        result = asyncio.run(_while_killing(load(running.port, 16, 12_000), running, 3))
        exits = running.named("worker_exit")

    assert result.failures == []
    assert result.answered == 12_000
    assert len(exits) >= 1
    assert all(event["signal"] == signal.SIGKILL for event in exits)


def test_a_begun_request_is_never_run_twice_unless_the_function_is_idempotent(tmp_path: Path) -> None:
    source = f"""
        import os, signal

        def handler(payload):
            with open({str(tmp_path / "runs")!r}, "a") as runs:
                runs.write(f"{{payload['id']}}\\n")
            if payload.get("die"):
                os.kill(os.getpid(), signal.SIGKILL)
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        fatal = running.post({"id": "fatal", "die": True})
        after = running.post({"id": "after"})

    assert fatal.status == 502
    assert "died" in fatal.json()["error"]
    assert after.status == 200
    assert (tmp_path / "runs").read_text().split() == ["fatal", "after"]


def test_a_poisonous_request_of_an_idempotent_function_is_retried_once_only(tmp_path: Path) -> None:
    source = f"""
        import os, signal

        def handler(payload):
            with open({str(tmp_path / "runs")!r}, "a") as runs:
                runs.write("run\\n")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu", GAIA_IDEMPOTENT="1") as running:
        fatal = running.post({})

    assert fatal.status == 502
    assert (tmp_path / "runs").read_text().split() == ["run", "run"]


def test_a_switch_to_a_backend_that_cannot_start_costs_nothing(tmp_path: Path) -> None:
    source = """
        import os

        if os.environ["GAIA_BACKEND"] == "gpu":
            raise RuntimeError("no weights")

        def handler(payload):
            return payload
    """
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        answer = running.switch("gpu")
        after = running.post({"id": 1})
        failed = running.event("switch", lambda event: event["phase"] == "failed")

    assert answer.status == 409
    assert after.json() == {"id": 1}
    assert "no weights" in failed["reason"]


def test_requests_that_wait_in_the_queue_go_to_the_new_backend(tmp_path: Path) -> None:
    source = """
        import os, time

        def handler(payload):
            time.sleep(0.3 if os.environ["GAIA_BACKEND"] == "cpu" else 0.001)
            return payload
    """
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        result = asyncio.run(_while_loading(load(running.port, 16, 64), running, 1))
        stopped_by = running.stop()
        served = running.event("stopped")
        windows = running.named("window")

    assert result.failures == []
    assert stopped_by == 0
    assert served["requests"] == 64
    assert windows[-1]["lanes"]["cpu"]["requests"] < 10


def test_a_slow_knative_function_is_promoted_within_its_first_requests(tmp_path: Path) -> None:
    source = """
        import os, time

        def new():
            return Function()

        class Function:
            async def handle(self, scope, receive, send):
                end = time.monotonic() + (0.4 if os.environ["GAIA_BACKEND"] == "cpu" else 0.01)
                while time.monotonic() < end:
                    pass
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"ok"})
    """
    with serving(write_function(tmp_path, source), GAIA_SLO_LATENCY_P95_MS="200") as running:
        served_by = [running.request("GET").headers["x-gaia-backend"] for _ in range(14)]

    assert served_by[0] == "cpu"
    assert served_by[-1] == "gpu"
