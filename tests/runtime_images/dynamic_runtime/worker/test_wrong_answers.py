"""One bad answer is one 500, or one connection that is cut, at once: no other request of its worker notices.

A real worker is sent every wrong type, order and value of an ASGI message, each while good requests are under way.
That none of them waits for anything is held in virtual time (`tests/universe/test_wrong_messages.py`); how long they
take is printed by `benchmarks.wrong_answers`.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import Serving, serving, write_function
from tests.support.wrong_messages import RAISED, SERVED, SOURCE, WRONG, target

AT_ONCE_S = 5.0
"""A quarter of the request's deadline: a machine may be busy."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    function = write_function(tmp_path_factory.mktemp("function"), SOURCE)
    with serving(function, GAIA_MODE="cpu", GAIA_REQUEST_TIMEOUT_S="20") as running:
        yield running
        assert running.named("worker_exit") == []
        assert not running.stderr


@pytest.fixture(autouse=True)
def _a_client_that_takes_many_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("http.client._MAXHEADERS", 10_000)


def ask(running: Serving, target: str) -> tuple[int, bytes]:
    """Return status and body; 0 for a connection that was cut."""
    try:
        answer = running.request("GET", target)
    except (OSError, http.client.HTTPException):
        return 0, b""
    return answer.status, answer.body


def beside_good_ones(running: Serving, target: str) -> tuple[int, bytes]:
    """Ask for `target` while others are served; these are served well."""
    statuses: list[int] = []
    others = [threading.Thread(target=lambda: statuses.append(ask(running, "/")[0])) for _ in range(6)]
    for other in others[:3]:
        other.start()
    begun_s = time.monotonic()
    answer = ask(running, target)
    took_s = time.monotonic() - begun_s
    for other in others[3:]:
        other.start()
    for other in others:
        other.join()

    assert statuses == [200] * 6
    assert took_s < AT_ONCE_S
    return answer


@pytest.mark.parametrize("messages", WRONG)
def test_a_wrong_message_is_one_error_at_once(running: Serving, messages: str) -> None:
    status, _ = beside_good_ones(running, target(messages))

    assert status in (500, 502) or (status == 0 and "more_body" in messages)


@pytest.mark.parametrize("messages", SERVED)
def test_what_is_only_unusual_is_served(running: Serving, messages: str) -> None:
    assert beside_good_ones(running, target(messages)) == (200, SERVED[messages])


@pytest.mark.parametrize("path", ["/", "/midstream"])
@pytest.mark.parametrize("raised", RAISED)
def test_whatever_is_raised_is_a_500_with_its_traceback_and_in_a_stream_a_cut(
    running: Serving, raised: str, path: str
) -> None:
    before = len(running.named("log"))
    status, _ = beside_good_ones(running, f"{path}?{raised}")

    assert status == (500 if path == "/" else 0)
    if raised != "unprintable":
        running.event("log", lambda event: "Traceback" in event["line"] and event in running.named("log")[before:])


def test_a_task_that_sends_on_after_the_end_ends_no_worker(tmp_path: Path) -> None:
    source = """
        import asyncio

        async def handle(scope, receive, send):
            if scope["type"] == "lifespan":
                raise NotImplementedError
            part = {"type": "http.response.body", "body": b"x" * 100_000, "more_body": True}
            async def go_on():
                for _ in range(50):
                    await send(part)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            if scope["path"] == "/late":
                tasks = [asyncio.create_task(go_on()) for _ in range(2)]
                await asyncio.sleep(0.01)
            else:
                await send({"type": "http.response.body", "body": b"OK"})
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        late = [ask(running, "/late")[0] for _ in range(3)]
        good = [ask(running, "/")[0] for _ in range(3)]
        exits = running.named("worker_exit")

    assert (late, good, exits) == ([0] * 3, [200] * 3, [])


@pytest.mark.parametrize("deed", ["exit(3)", "interrupt()", "stop()", "cancel()"])
def test_what_a_task_of_its_own_does_to_the_event_loop_ends_no_worker(tmp_path: Path, deed: str) -> None:
    source = f"""
        import asyncio, sys

        def exit(code):
            raise SystemExit(code)

        def interrupt():
            raise KeyboardInterrupt

        def stop():
            asyncio.get_running_loop().stop()

        def cancel():
            for task in asyncio.all_tasks() - {{asyncio.current_task()}}:
                task.cancel()

        async def background():
            {deed}

        async def handler(payload):
            if payload.get("harm"):
                task = asyncio.create_task(background())
                await asyncio.sleep(0.05)
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        running.post({"harm": 1})
        after = [running.post({}).status for _ in range(3)]
        exits = running.named("worker_exit")
        code = running.stop()

    assert (after, exits, code) == ([200] * 3, [], 0)
