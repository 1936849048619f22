"""One bad answer is one 500, or one connection that is cut, at once: no other request of its worker notices.

A real worker is sent every wrong type, order and value of an ASGI message, each while good requests are under way.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import Serving, serving, write_function

AT_ONCE_S = 5.0
"""A tenth of a second on a machine that is not busy."""

SOURCE = """
    import array, asyncio, json

    class Odd(bytes):
        def __len__(self):
            return 3

    class Unprintable(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    def start(**more):
        return {"type": "http.response.start", "status": 200, "headers": [], **more}

    def body(value=b"OK", **more):
        return {"type": "http.response.body", "body": value, **more}

    async def handle(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        what = scope["query_string"].decode()
        if not what:
            await asyncio.sleep(0.002)
            await send(start())
            await send(body())
            return
        if what in RAISED:
            if scope["path"] == "/midstream":
                await send(start())
                await send(body(more_body=True))
            raise RAISED[what]
        for message in eval(bytes.fromhex(what).decode()):
            await send(message)

    class Panic(BaseException):
        pass

    RAISED = {
        "panic": Panic("on a None value"), "cancelled": asyncio.CancelledError(), "left": GeneratorExit(),
        "interrupt": KeyboardInterrupt(), "exit": SystemExit(3), "unprintable": Unprintable(), "memory": MemoryError(),
        "group": BaseExceptionGroup("several", [Panic(), ValueError()]), "stop": StopAsyncIteration(),
    }
"""
WRONG = (
    # bodies
    "start(), body('text')", "start(), body([79, 75])", "start(), body(5)", "start(), body({})", "start(), body(1.5)",
    "start(), body(object())", "start(), body('text', more_body=True)", "start(), body('x' * 200_000)",
    "start(), body([1] * 200_000)", "start(), body(iter([b'a']))",
    # heads
    "start(status='200'), body()", "start(status=None), body()", "start(status=99), body()", "start(status=0), body()",
    "start(status=100), body()", "start(status=1000), body()", "start(status=-1), body()", "start(status=True), body()",
    "start(status=200.5), body()", "start(headers=None), body()", "start(headers=5), body()",
    "start(headers={'a': 'b'}), body()", "start(headers=[('a', 'b')]), body()", "start(headers=[(b'a', 'b')]), body()",
    "start(headers=[(b'a', None)]), body()", "start(headers=[(b'a', 5)]), body()", "start(headers=[(b'a',)]), body()",
    "start(headers=[b'ab']), body()", "start(headers=[None]), body()", "start(headers=[(b'', b'x')]), body()",
    "start(headers=[(b'a b', b'x')]), body()", "start(headers=[(b'a', b'x\\r\\nb: c')]), body()",
    "start(headers=[(b'a', b'x\\x00')]), body()", "start(headers=[(b'content-length', b'x')]), body()",
    "start(headers=[(b'content-length', b'9' * 70_000)]), body()",
    "start(headers=[(b'content-length', b'-1')]), body()",
    "start(headers=[(b'content-length', b'1')]), body()", "start(headers=[(b'content-length', b'3')]), body()",
    # messages
    "None,", "[],", "'http.response.start',", "{},", "{'type': None},", "{'type': []},",
    "{'type': 'websocket.accept'},",
    "{'type': 'http.response.start'},", "{'type': 'http.response.start', 'status': 200},", "body(),",
    "start(), start(), body()", "start(),", "start(), {'type': 'http.response.trailers'}, body()",
    "start(), {'type': 'http.response.push', 'path': '/'}, body()", "start(), body(more_body=True),",
    "start(), body(more_body=True), start(), body()", "start(), body(more_body=True), body('text')",
    "start(), body(more_body=True), {'type': 'x'}", "start(), body(more_body=True), body([1])",
)  # fmt: skip
SERVED = {
    "start(), body(bytearray(b'OK'))": b"OK",
    "start(), body(memoryview(b'xOKx')[1:3])": b"OK",
    "start(), body(memoryview(b'OxK')[::2])": b"OK",
    "start(), body(memoryview(b'abcd').cast('B', (2, 2)))": b"abcd",
    "start(), body(array.array('i', [7] * 10))": b"\x07\0\0\0" * 10,
    "start(), body(array.array('i', [7] * 40_000))": b"\x07\0\0\0" * 40_000,
    "start(), body(array.array('i', [7] * 10), more_body=True), body(b'')": b"\x07\0\0\0" * 10,
    "start(), body(Odd(b'twelve bytes'))": b"twelve bytes",
    "start(), body(None)": b"",
    "start(), {'type': 'http.response.body'}": b"",
    "start(headers=[[bytearray(b'X-A'), memoryview(b'b')]]), body()": b"OK",
    "start(headers=((b'a', b'%d' % n) for n in range(900))), body()": b"OK",
    "start(headers=[(b'x-a', b'a' * 60_000)]), body()": b"OK",
    "start(), body(more_body='yes'), body(b'!', more_body=0)": b"OK!",
    "start(), body(), body()": b"OK",
    "start(), body(), start(), body()": b"OK",
    "start(), body(), body('text')": b"OK",
}
RAISED = ("panic", "cancelled", "left", "interrupt", "exit", "unprintable", "memory", "group", "stop")


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
    status, _ = beside_good_ones(running, f"/?{messages.encode().hex()}")

    assert status in (500, 502) or (status == 0 and "more_body" in messages)


@pytest.mark.parametrize("messages", SERVED)
def test_what_is_only_unusual_is_served(running: Serving, messages: str) -> None:
    assert beside_good_ones(running, f"/?{messages.encode().hex()}") == (200, SERVED[messages])


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
