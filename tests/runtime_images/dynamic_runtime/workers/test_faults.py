"""What a function does wrong while it serves costs its client an honest answer, and nobody else anything."""

import http.client
import socket
import time
from pathlib import Path

import pytest

from tests.support.serving import serving, write_function


def test_a_handler_that_raises_gives_a_whole_500_and_logs_the_traceback(tmp_path: Path) -> None:
    source = """
        def handler(payload):
            secret = "hunter2"
            raise ValueError(f"bad {secret}")
    """
    with serving(write_function(tmp_path, source)) as running:
        answer = running.post({})
        again = running.post({})
        running.event("log", lambda event: "ValueError: bad hunter2" in event["line"])
        totals = running.state()["totals"]

    assert answer.status == again.status == 500
    assert answer.json() == {"error": "the function raised ValueError"}
    assert b"hunter2" not in answer.body
    assert totals["failures"] == 2


def test_the_traceback_of_a_function_without_uvloop_is_its_own_alone(tmp_path: Path) -> None:
    source = """
        import sys

        sys.modules["uvloop"] = None  # as if it were not installed

        async def handle(scope, receive, send):
            raise KeyError("x")
    """
    with serving(write_function(tmp_path, source)) as running:
        running.request("GET")
        running.event("log", lambda event: event["line"] == "KeyError: 'x'")
        lines = [event["line"] for event in running.named("log")]

    assert lines[0] == "Traceback (most recent call last):"
    assert not any("uvloop" in line for line in lines)


def test_an_asgi_function_that_raises_before_it_answers_gives_a_500(tmp_path: Path) -> None:
    source = """
        async def handle(scope, receive, send):
            raise KeyError("x")
    """
    with serving(write_function(tmp_path, source)) as running:
        answer = running.request("GET")

    assert answer.status == 500
    assert answer.json() == {"error": "the function raised KeyError"}


def test_an_asgi_function_that_returns_without_an_answer_gives_a_500(tmp_path: Path) -> None:
    source = """
        async def handle(scope, receive, send):
            pass
    """
    with serving(write_function(tmp_path, source)) as running:
        answer = running.request("GET")

    assert answer.status == 500
    assert "without a complete response" in answer.json()["error"]


def test_a_response_that_breaks_off_is_not_passed_off_as_whole(tmp_path: Path) -> None:
    source = """
        async def handle(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError
    """
    with serving(write_function(tmp_path, source)) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/")
        reply = connection.getresponse()
        whole = True
        try:
            reply.read()
        except http.client.IncompleteRead:
            whole = False
        connection.close()
        after = running.request("GET", "/health/readiness")

    assert not whole
    assert after.status == 200


@pytest.mark.parametrize("value", ["[object()]", "float('nan')", "{'a': len}", "{(1, 2): 3}"])
def test_a_result_that_json_cannot_hold_is_an_error_of_the_function(tmp_path: Path, value: str) -> None:
    with serving(write_function(tmp_path, f"def handler(payload):\n    return {value}\n")) as running:
        answer = running.post({})
        running.event("log", lambda event: event["line"].startswith("the function returned what JSON cannot hold: "))

    assert answer.status == 500
    assert answer.json() == {"error": "the function returned what JSON cannot hold"}


BAD_ANSWERS = {
    # What a function says, what the client sees (None: a connection that breaks off), what the event log says.
    "split": ([(b"x-name", b"a\r\nset-cookie: s3cret")], [b"ok"], 502, "the header 'x-name' holds a line end"),
    "name": ([(b"bad name", b"s3cret")], [b"ok"], 502, "the header name 'bad name' is not a lower-case token"),
    "value": ([(b"x-nul", b"s3cret\0")], [b"ok"], 502, "the value of the header 'x-nul' holds a control character"),
    "lengths": ([(b"content-length", b"2")] * 2, [b"ok"], 502, "it has more than one content-length"),
    "number": ([(b"content-length", b"two")], [b"ok"], 502, "its content-length is not a number of bytes"),
    "short": ([(b"content-length", b"5")], [b"ok"], 502, "its content-length is 5, but its body has 2 bytes"),
    "long": ([(b"content-length", b"1")], [b"ok"], 502, "its content-length is 1, but its body has 2 bytes"),
    "short-stream": ([(b"content-length", b"9")], [b"o", b"k"], None, "its body is shorter than its content-length"),
    "long-stream": ([(b"content-length", b"3")], [b"o", b"kay"], None, "its body is longer than its content-length"),
    "split-stream": ([(b"x", b"s3cret\n")], [b"o", b"k"], 502, "the header 'x' holds a line end"),
}


def test_an_answer_that_http_does_not_allow_is_refused_and_the_log_says_why(tmp_path: Path) -> None:
    source = f"""
        BAD = {BAD_ANSWERS!r}

        async def handle(scope, receive, send):
            headers, parts, *_ = BAD[scope["path"][1:]]
            await send({{"type": "http.response.start", "status": 200, "headers": headers}})
            for number, part in enumerate(parts):
                more = number < len(parts) - 1
                await send({{"type": "http.response.body", "body": part, "more_body": more}})
    """
    with serving(write_function(tmp_path, source)) as running:
        for name, (_, _, status, reason) in BAD_ANSWERS.items():
            if status is None:
                with pytest.raises((http.client.HTTPException, OSError)):
                    running.request("GET", f"/{name}")
            else:
                answer = running.request("GET", f"/{name}")
                assert answer.status == status, name
                assert answer.json() == {"error": "the function sent headers that HTTP does not allow"}
                assert "set-cookie" not in answer.headers
            told = running.event("bad_answer", lambda event, reason=reason: event["reason"] == reason)  # type: ignore[misc]
            assert (told["backend"], told["pid"]) == ("cpu", running.worker_pid("cpu"))
        events = repr(running.events)
        failures = running.state()["totals"]["failures"]

    assert "s3cret" not in events
    assert failures == len(BAD_ANSWERS)


def test_a_streamed_response_arrives_whole_and_in_pieces(tmp_path: Path) -> None:
    source = """
        import asyncio

        async def handle(scope, receive, send):
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            for number in range(5):
                await send({"type": "http.response.body", "body": b"data: %d\\n\\n" % number, "more_body": True})
                await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b""})
    """
    with serving(write_function(tmp_path, source)) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/")
        reply = connection.getresponse()
        first = reply.read1(100)
        rest = reply.read()
        connection.close()

    assert first == b"data: 0\n\n"
    assert rest == b"".join(b"data: %d\n\n" % number for number in range(1, 5))


def test_a_large_body_travels_both_ways_unharmed(tmp_path: Path) -> None:
    source = """
        def handler(payload):
            return payload[::-1]
    """
    body = bytes(range(256)) * 12_000
    with serving(write_function(tmp_path, source)) as running:
        answer = running.request(body=body, headers={"content-type": "application/octet-stream"})

    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(body))
    assert answer.body == body[::-1]


def test_a_slow_reader_holds_its_own_stream_back_and_nobody_elses(tmp_path: Path) -> None:
    source = """
        async def handle(scope, receive, send):
            size = 40_000_000 if scope["path"] == "/big" else 2
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x" * size})
    """
    with serving(write_function(tmp_path, source), GAIA_CONCURRENCY="8") as running:
        slow = socket.create_connection(("127.0.0.1", running.port))
        slow.sendall(b"GET /big HTTP/1.1\r\nhost: t\r\n\r\n")
        time.sleep(0.5)
        quick = running.request("GET", "/small")
        front_kb = _memory_kb(running.process.pid)
        slow.close()

    assert quick.body == b"xx"
    assert front_kb < 120_000


def _memory_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_a_handler_that_never_returns_is_answered_for_and_replaced(tmp_path: Path) -> None:
    source = """
        import time

        def handler(payload):
            time.sleep(60 if payload.get("hang") else 0)
            return "ok"
    """
    with serving(write_function(tmp_path, source), GAIA_REQUEST_TIMEOUT_S="0.5", GAIA_MODE="cpu") as running:
        hung = running.post({"hang": True})
        died_at = running.event("worker_exit")["t"]
        ready = running.event("worker", lambda event: event["state"] == "ready" and event["t"] > died_at)
        after = running.post({})

    assert hung.status == 504
    assert "deadline" in hung.json()["error"]
    assert ready["backend"] == "cpu"
    assert after.status == 200


def test_a_function_that_closes_its_own_output_goes_on_being_answered(tmp_path: Path) -> None:
    source = """
        import os, sys

        def handler(payload):
            if payload.get("close"):
                os.close(1)
                os.close(2)
                sys.stderr.close()
            raise ValueError("nowhere to say so")
    """
    with serving(write_function(tmp_path, source)) as running:
        statuses = [running.post({"close": number == 0}).status for number in range(3)]
        code = running.stop()

    assert statuses == [500, 500, 500]
    assert code == 0


def test_a_number_that_json_does_not_know_is_an_error_of_the_function(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, "def handler(payload):\n    return float('nan')\n")) as running:
        answer = running.post({})

    assert answer.status == 500
    assert answer.json() == {"error": "the function returned what JSON cannot hold"}
