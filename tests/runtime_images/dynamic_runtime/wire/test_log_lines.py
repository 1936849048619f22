"""What a function prints becomes events, whole lines each, with the request that printed them where that is known."""

import os
import threading
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.wire import log_lines
from tests.support.serving import Serving, serving, write_function

THREADS = """
    import logging, os, sys, time

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")

    def handler(payload):
        print("begun", payload["id"])
        time.sleep(0.2)
        logging.info("logged %s", payload["id"])
        os.write(1, b"past Python\\n")
        return payload
"""
TASKS = """
    import asyncio, json, logging, os, sys

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")

    async def log(number):
        logging.info("logged %s", number)

    async def handle(scope, receive, send):
        number = json.loads((await receive())["body"])["id"]
        print("begun", number)
        await asyncio.sleep(0.2)
        await asyncio.create_task(log(number))
        os.write(1, b"past Python\\n")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})
"""


def post_at_once(running: Serving, count: int) -> None:
    posts = [threading.Thread(target=running.post, args=({"id": f"r{number}"},)) for number in range(count)]
    for post in posts:
        post.start()
    for post in posts:
        post.join()


@pytest.mark.parametrize("source", [THREADS, TASKS], ids=["threads", "tasks"])
def test_lines_of_requests_at_once_carry_each_its_own_number(tmp_path: Path, source: str) -> None:
    with serving(write_function(tmp_path, source), GAIA_CONCURRENCY="3") as running:
        post_at_once(running, 3)
        running.event("log", lambda event: event["line"] == "past Python")
    lines = [(event["line"].split(" ", 1), event["request"]) for event in running.named("log")]
    begun = {rest[1]: request for rest, request in lines if rest[0] == "begun"}
    logged = {rest[1]: request for rest, request in lines if rest[0] == "logged"}

    assert set(begun) == {"r0", "r1", "r2"}
    assert logged == begun
    assert len(set(begun.values())) == 3
    assert [request for rest, request in lines if rest[0] == "past"] == [None] * 3


def test_lines_without_a_request_have_no_number_and_an_unfinished_one_is_not_lost(tmp_path: Path) -> None:
    source = """
        print("imported", end=" ")
        print("now")

        class Function:
            async def handle(self, scope, receive, send): ...

            def stop(self):
                print("the end", end="")

        def new():
            return Function()
    """
    with serving(write_function(tmp_path, source)) as running:
        pass
    lines = [(event["line"], event["request"]) for event in running.named("log")]

    assert lines == [("imported now", None), ("the end", None)]


def test_output_without_line_ends_is_bounded() -> None:
    outer, inner = os.pipe()
    output = log_lines.LineOutput(inner)
    for number in range(200):
        token = log_lines.REQUEST.set(number)
        output.write(b"x")
        log_lines.REQUEST.reset(token)
    sent = os.read(outer, 65536)
    output.finish()
    rest = os.read(outer, 65536)
    os.close(inner)
    os.close(outer)

    assert sent.count(b"\n") + rest.count(b"\n") == 200
    assert sent.count(b"\n") > 100


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"\x1e12\x1fhello", (12, b"hello")),
        (b"hello", (None, b"hello")),
        (b"\x1ehello", (None, b"\x1ehello")),
        (b"\x1e" + b"9" * 30 + b"\x1fhello", (None, b"\x1e" + b"9" * 30 + b"\x1fhello")),
        (b"\x1e-1\x1f", (None, b"\x1e-1\x1f")),
    ],
)
def test_a_line_that_only_looks_marked_stays_as_it_is(line: bytes, expected: tuple[int | None, bytes]) -> None:
    assert log_lines.split(line) == expected
