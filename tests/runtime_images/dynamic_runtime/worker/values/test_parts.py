"""What a handler gives in parts leaves part by part, and ends when its client leaves."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import Serving, serving, write_function

GENERATORS = """
    import asyncio, threading, time

    class Panic(BaseException):
        pass

    VALUES = {
        "text": ["one", "two\\nlines", "", "data: whole\\n\\n"], "objects": [{"a": 1}, [2], "three", None],
        "bytes": [b"one", bytearray(b"two")], "none": [], "mixed": [b"one", "two"], "long": [b"x" * 200_000, b"y"],
        "panic": ["one", Panic("oh")], "at once": [Panic("oh")], "bad": [{"a": 1}, object()],
    }
    ended = []

    def parts(name):
        try:
            if name == "endless":
                while True:
                    yield "tick"
                    time.sleep(0.02)
            for value in VALUES[name]:
                if isinstance(value, BaseException):
                    raise value
                yield value
        finally:
            ended.append(name)

    async def async_parts(name):
        try:
            if name == "quiet":
                yield "first"
                await asyncio.sleep(3600)
            for value in parts(name):
                await asyncio.sleep(0)
                yield value
        finally:
            ended.append(name)
"""
FORMS = {
    "blocking": "def handler(payload): return ended if payload == 'ended' else parts(payload)",
    "blocking, async parts": "def handler(payload): return ended if payload == 'ended' else async_parts(payload)",
    "async": "async def handler(payload): return ended if payload == 'ended' else async_parts(payload)",
    "async, blocking parts": "async def handler(payload): return ended if payload == 'ended' else parts(payload)",
    "generator": """
    def handler(payload):
        yield from [{'ended': ended}] if payload == 'ended' else parts(payload)
    """,
    "async generator": """
    async def handler(payload):
        if payload == 'ended':
            yield {'ended': ended}
        else:
            async for part in async_parts(payload):
                yield part
    """,
}
EVENTS = "text/event-stream; charset=utf-8"
ANSWERS = {
    "text": (EVENTS, b"data: one\n\ndata: two\ndata: lines\n\ndata: \n\ndata: whole\n\n"),
    "objects": ("application/x-ndjson", b'{"a": 1}\n[2]\n"three"\nnull\n'),
    "bytes": ("application/octet-stream", b"onetwo"),
    "none": ("application/x-ndjson", b""),
    "long": ("application/octet-stream", b"x" * 200_000 + b"y"),
}


@pytest.fixture(scope="module", params=FORMS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    function = write_function(tmp_path_factory.mktemp("function"), f"{GENERATORS}\n    {FORMS[request.param]}\n")
    with serving(function, GAIA_MODE="cpu", GAIA_CONCURRENCY="4") as running:
        yield running
        assert running.named("worker_exit") == []
        assert not running.stderr


@pytest.mark.parametrize("name", ANSWERS)
def test_parts_become_events_lines_or_bytes(running: Serving, name: str) -> None:
    answer = running.post(name)

    assert (answer.status, answer.headers["content-type"], answer.body) == (200, *ANSWERS[name])


@pytest.mark.parametrize("name", ["panic", "mixed", "bad"])
def test_what_fails_in_mid_stream_cuts_the_connection(running: Serving, name: str) -> None:
    with pytest.raises(http.client.IncompleteRead):
        running.post(name)

    assert running.post("text").status == 200


def test_what_fails_before_the_first_part_is_a_500(running: Serving) -> None:
    assert running.post("at once").status == 500


def wait_until_ended(running: Serving, name: str) -> None:
    """Begin a stream, leave, and wait until its generator has ended."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as client:
        body = json.dumps(name).encode()
        client.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        received = b""
        while b"data:" not in received:
            received += client.recv(65536)
        time.sleep(0.3)  # a client that leaves sooner may have half-closed only
    deadline = time.monotonic() + 20
    while name.encode() not in running.post("ended").body:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_stream_ends_when_its_client_leaves(running: Serving) -> None:
    wait_until_ended(running, "endless")


def test_a_stream_that_waits_ends_when_its_client_leaves(tmp_path: Path) -> None:
    function = write_function(tmp_path, f"{GENERATORS}\n    {FORMS['async']}\n")
    with serving(function, GAIA_MODE="cpu") as running:
        wait_until_ended(running, "quiet")
        logged = running.named("log")

    assert logged == []


def test_an_awaitable_of_a_decorated_handler_is_awaited(tmp_path: Path) -> None:
    source = """
        import asyncio, functools

        def timed(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper

        @timed
        async def handler(payload):
            await asyncio.sleep(0)
            return {"loop": id(asyncio.get_running_loop())}
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        loops = {running.post({}).json()["loop"] for _ in range(3)}

    assert len(loops) == 1, "what a handler opens on its loop it can use again"


@pytest.mark.parametrize("form", ["def", "async def"])
def test_an_open_file_is_its_content_and_is_closed(tmp_path: Path, form: str) -> None:
    source = f"""
        import io
        opened = []

        {form} handler(payload):
            if payload == "closed":
                return [file.closed for file in opened]
            opened.append(eval(payload))
            return opened[-1]
    """
    (tmp_path / "data").write_bytes(b"one\ntwo\n" * 50_000)
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        answers = [running.post(f"open('data'{mode})") for mode in ("", ", 'rb'")]
        answers.append(running.post("io.BytesIO(b'x')"))
        closed = running.post("closed").json()

    assert [answer.body for answer in answers] == [b"one\ntwo\n" * 50_000] * 2 + [b"x"]
    assert [answer.headers["content-type"].partition(";")[0] for answer in answers] == [
        "text/plain", "application/octet-stream", "application/octet-stream",
    ]  # fmt: skip
    assert closed == [True] * 3
