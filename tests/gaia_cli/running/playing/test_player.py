"""The player against real HTTP servers on real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gaia_cli.running.playing.load import ClosedLoop, Load, PlannedRequest
from gaia_cli.running.playing.player import Player

ONE = ClosedLoop(1)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: set[tuple[str, int]]
    seen: list[tuple[str, str, bytes]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.connections.add(self.client_address)
        self.seen.append((self.command, self.path, body))
        if self.path == "/hang-up":
            self.close_connection = True
            return
        if self.path == "/slow":
            time.sleep(0.3)
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("content-length", "2")
        self.send_header("x-gaia-backend", "gpu")
        if self.path == "/last":
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET = answer  # noqa: N815 -- the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature of http.server
        pass


@contextmanager
def server() -> Iterator[tuple[str, type[_Handler]]]:
    handler = type("Handler", (_Handler,), {"connections": set(), "seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", handler
        finally:
            http.shutdown()
            thread.join()


def play(url: str, *requests: PlannedRequest, connections: int = 8, loop: ClosedLoop | None = None) -> Player:
    ended = threading.Event()
    player = Player(Load(requests, loop), ended.set, connections)
    player.start(url)
    assert ended.wait(30)
    return player


def test_requests_are_sent_in_their_order_and_answered_on_one_kept_connection() -> None:
    with server() as (url, handler):
        player = play(url, *(PlannedRequest(at * 0.3, path=f"/{at}", body=b"hi") for at in range(3)))

    assert handler.seen == [("POST", f"/{at}", b"hi") for at in range(3)]
    assert len(handler.connections) == 1
    assert [reply.status for reply in player.replies] == [200] * 3
    assert {reply.backend for reply in player.replies} == {"gpu"}


def test_a_slow_answer_does_not_hold_up_the_requests_after_it() -> None:
    with server() as (url, _):
        player = play(url, PlannedRequest(0.0, path="/slow"), PlannedRequest(0.05, path="/fast"))

    fast, slow = player.replies

    assert slow.latency_ms >= 300
    assert fast.done < slow.done


def test_an_error_status_is_a_failure_and_is_not_retried() -> None:
    with server() as (url, handler):
        player = play(url, PlannedRequest(0.0, path="/broken"))

    assert [reply.failed for reply in player.replies] == [True]
    assert len(handler.seen) == 1


def test_a_connection_that_ends_without_an_answer_is_a_failure_and_is_not_retried() -> None:
    with server() as (url, handler):
        player = play(url, PlannedRequest(0.0, path="/hang-up"), PlannedRequest(0.1, path="/after"))

    assert [(reply.status, reply.failed) for reply in player.replies] == [(0, True), (200, False)]
    assert "ended before" in player.replies[0].error
    assert [path for _, path, _ in handler.seen] == ["/hang-up", "/after"]


def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    with server() as (url, handler):
        player = play(url, PlannedRequest(0.0, path="/last"), PlannedRequest(0.1, path="/next"))

    assert [reply.status for reply in player.replies] == [200, 200]
    assert len(handler.connections) == 2


def test_nobody_listening_is_a_failure_of_each_request() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        player = play(f"http://127.0.0.1:{port}", PlannedRequest(0.0), PlannedRequest(0.0))

    assert [reply.error.startswith("cannot connect") for reply in player.replies] == [True, True]


def test_an_answer_that_is_not_http_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        player = play(f"http://127.0.0.1:{listener.getsockname()[1]}", PlannedRequest(0.0))
        thread.join()

    assert "not HTTP" in player.replies[0].error


def test_stopped_it_sends_nothing_more_and_waits_for_what_is_out() -> None:
    ended = threading.Event()
    with server() as (url, handler):
        player = Player(Load((PlannedRequest(0.0, path="/slow"), PlannedRequest(60.0))), ended.set)
        player.start(url)
        while not handler.seen:
            time.sleep(0.01)
        player.stop()
        assert ended.wait(10)

    assert [reply.status for reply in player.replies] == [200]


def test_more_requests_than_connections_wait_and_the_wait_counts() -> None:
    with server() as (url, handler):
        player = play(url, *[PlannedRequest(0.0, path="/slow")] * 3, connections=2)

    assert len(handler.connections) == 2
    assert {reply.status for reply in player.replies} == {200}
    assert max(reply.latency_ms for reply in player.replies) >= 600


def test_in_a_closed_loop_each_client_sends_the_next_request_after_its_answer_on_its_own_connection() -> None:
    with server() as (url, handler):
        player = play(url, *[PlannedRequest(path="/slow")] * 6, loop=ClosedLoop(2))

    assert len(handler.connections) == 2
    dues, ends = sorted(reply.due for reply in player.replies), sorted(reply.done for reply in player.replies)
    assert all(due >= done for due, done in zip(dues[2:], ends, strict=False)), "never more than two at once"


def test_the_clients_share_the_requests_of_the_file_in_its_order() -> None:
    with server() as (url, handler):
        play(url, *(PlannedRequest(path=f"/{number}") for number in range(20)), loop=ClosedLoop(1))
        play(url, *(PlannedRequest(path=f"/{number}") for number in range(20, 40)), loop=ClosedLoop(4))

    paths = [path for _, path, _ in handler.seen]
    assert paths[:20] == [f"/{number}" for number in range(20)]
    assert sorted(paths[20:]) == sorted(f"/{number}" for number in range(20, 40))


def test_a_client_thinks_about_each_answer() -> None:
    with server() as (url, _):
        first, second = play(url, PlannedRequest(), PlannedRequest(), loop=ClosedLoop(1, think_s=0.2)).replies

    assert second.due - first.done >= 0.2


def test_a_client_whose_request_fails_goes_on_with_the_next() -> None:
    with server() as (url, _):
        played = play(url, PlannedRequest(path="/hang-up"), PlannedRequest(path="/broken"), PlannedRequest(), loop=ONE)

    assert [reply.status for reply in played.replies] == [0, 500, 200]


def test_a_client_that_is_stopped_while_it_thinks_sends_nothing_more() -> None:
    ended = threading.Event()
    with server() as (url, handler):
        player = Player(Load((PlannedRequest(), PlannedRequest()), ClosedLoop(1, think_s=60.0)), ended.set)
        player.start(url)
        while not player.replies:
            time.sleep(0.01)
        player.stop()
        assert ended.wait(10)

    assert len(handler.seen) == 1


def test_clients_that_are_stopped_wait_for_the_answers_that_are_due() -> None:
    ended = threading.Event()
    with server() as (url, handler):
        player = Player(Load((PlannedRequest(path="/slow"),) * 9, ClosedLoop(3)), ended.set)
        player.start(url)
        while len(handler.seen) < 3:
            time.sleep(0.01)
        player.stop()
        assert ended.wait(10)

    assert [reply.status for reply in player.replies] == [200] * 3


@pytest.mark.parametrize("piece", [b"x: y\r\n", b"x"])
def test_a_head_without_end_is_a_failure_and_is_not_kept(piece: bytes) -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nx: y")
            while True:
                connection.sendall(piece * 1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        player = play(f"http://127.0.0.1:{listener.getsockname()[1]}", PlannedRequest(0.0))
        thread.join()

    assert [reply.failed for reply in player.replies] == [True]


@pytest.mark.parametrize("loop", [None, ONE], ids=["open", "closed"])
def test_what_follows_the_load_is_asked_for_until_there_is_no_more(loop: ClosedLoop | None) -> None:
    left = [PlannedRequest(0.2, path="/c"), PlannedRequest(0.1, path="/b")]
    ended = threading.Event()
    with server() as (url, handler):
        load = Load((PlannedRequest(0.0, path="/a"),), loop, lambda: left.pop() if left else None)
        Player(load, ended.set).start(url)
        assert ended.wait(30)

    assert [path for _, path, _ in handler.seen] == ["/a", "/b", "/c"]
