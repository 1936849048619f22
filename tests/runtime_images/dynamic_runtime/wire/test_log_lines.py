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


LONG = "x" * 9_000 + "é" * 5_000 + "end"


@pytest.mark.parametrize("write", ["print({}, flush=True)", "os.write(1, {}.encode() + b'\\n')"])
def test_a_long_line_comes_in_marked_parts_with_nothing_lost(tmp_path: Path, write: str) -> None:
    source = f"""
        import os

        def handler(payload):
            {write.format(repr(LONG))}
            print("next")
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        running.post({})
        running.event("log", lambda event: event["line"] == "next")
    *parts, last = [event["line"] for event in running.named("log")]

    assert last == "next"
    assert len(parts) > 2
    assert all(part.endswith(" …") for part in parts[:-1])
    assert all(part.startswith("… ") for part in parts[1:])
    assert "".join(part.removeprefix("… ").removesuffix(" …") for part in parts) == LONG
    assert all(len(part.encode()) <= log_lines.MAX_LINE_BYTES for part in parts)


def test_a_line_as_long_as_may_be_is_one_line() -> None:
    line = b"x" * log_lines.MAX_LINE_BYTES

    assert log_lines.cut(line + b"\n") == ([line], b"")
    assert len(log_lines.cut(line + b"x\n")[0]) == 2


def test_what_a_forked_process_has_not_finished_is_not_lost_and_its_parents_is_not_told_twice(tmp_path: Path) -> None:
    source = """
        import multiprocessing, sys

        def child():
            print("of the child", end="")

        def handler(payload):
            print("of the parent", end="")
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
            print()
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        running.post({})
        running.event("log", lambda event: event["line"] == "of the parent")
    lines = sorted(event["line"] for event in running.named("log"))

    assert lines == ["of the child", "of the parent"]


def test_work_in_processes_of_its_own_is_done_and_finds_no_arguments(tmp_path: Path) -> None:
    source = """
        import argparse, multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor

        assert vars(argparse.ArgumentParser(prog=None).parse_args()) == {}

        def double(number):
            return 2 * number, len(sys.argv)

        def handler(payload):
            context = multiprocessing.get_context(payload["way"])
            with ProcessPoolExecutor(2, mp_context=context) as pool:
                return list(pool.map(double, [1, 2]))
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        done = [running.post({"way": way}).json() for way in ("fork", "spawn", "forkserver")]

    assert done == [[[2, 1], [4, 1]]] * 3


def test_the_knative_form_logs_as_its_template_expects_and_no_other_does(tmp_path: Path) -> None:
    template = """
        import logging
        {}

        def new():
            return Function()

        class Function:
            async def handle(self, scope, receive, send):
                logging.info("received")
                await send({{"type": "http.response.start", "status": 200, "headers": []}})
                await send({{"type": "http.response.body", "body": b""}})

            def start(self, cfg):
                logging.info("starting")
    """
    seen = {}
    for name, setting in (("template", ""), ("own", "logging.basicConfig(level=logging.WARNING)")):
        with serving(write_function(tmp_path / name, template.format(setting)), GAIA_MODE="cpu") as running:
            running.request("GET", "/")
            running.stop()
        seen[name] = [event["line"] for event in running.named("log")]

    assert seen == {"template": ["INFO:root:starting", "INFO:root:received"], "own": []}
