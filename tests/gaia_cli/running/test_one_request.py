import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat

import pytest

from gaia_cli.errors import RequestError, UsageError
from gaia_cli.running import one_request
from gaia_cli.running.one_request import Request, ask
from tests.support.echo_server import echo_server


@pytest.fixture
def url() -> Iterator[str]:
    with echo_server() as address:
        yield address


def received(url: str, request: Request) -> dict[str, str | None]:
    answer = ask(url, request)
    assert answer.is_json
    return dict(json.loads(answer.body))


def test_without_a_body_it_is_a_get(url: str) -> None:
    assert received(url, Request()) == {"method": "GET", "target": "/", "type": None, "body": ""}


def test_with_a_body_it_is_a_post(url: str) -> None:
    sent = Request(b"{}", headers={"content-type": "application/json"})

    assert received(url, sent) == {"method": "POST", "target": "/", "type": "application/json", "body": "{}"}


def test_the_method_can_be_named(url: str) -> None:
    assert received(url, Request(method="put"))["method"] == "PUT"


@pytest.mark.parametrize(
    ("own", "path", "target"),
    [
        ("", "", "/"),
        ("/", "", "/"),
        ("/a/", "", "/a/"),
        ("/a", "b", "/a/b"),
        ("/a/?q=1", "/b", "/a/b?q=1"),
        ("", "b?x=1", "/b?x=1"),
    ],
)
def test_the_path_is_added_to_the_urls_own(url: str, own: str, path: str, target: str) -> None:
    assert received(url + own, Request(path=path))["target"] == target


def test_an_error_status_is_an_answer(url: str) -> None:
    assert ask(f"{url}/fail", Request()).status == 503


def test_a_proxy_of_the_environment_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert ask(url, Request()).status == 200


def test_nobody_there_is_reported_with_the_way_to_start() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with pytest.raises(RequestError) as caught:
            ask(f"http://127.0.0.1:{held.getsockname()[1]}", Request())
    assert "nothing answers at" in caught.value.message
    assert "gaia run" in caught.value.hint


def test_no_answer_in_time_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(RequestError, match=r"within 0\.05 s"):
        ask(f"http://127.0.0.1:{silent.getsockname()[1]}", Request(timeout_s=0.05))


def test_an_answer_that_is_not_http_is_reported() -> None:
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"hello\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        with pytest.raises(RequestError, match="failed"):
            ask(f"http://127.0.0.1:{server.getsockname()[1]}", Request())
        thread.join()


@pytest.mark.parametrize(
    "bad",
    [
        "ftp://x",
        "http://",
        "http://x:port",
        "http://x:99999",
        "http://[x",
        "http://\x1bx",
        "http://a b",
        "http://[::1%x]",
    ],
)
def test_what_is_no_url_is_reported(bad: str) -> None:
    with pytest.raises(UsageError, match="is not an HTTP URL"):
        ask(bad, Request())


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        ask("http://me:secret@127.0.0.1", Request())
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "request_",
    [Request(path="/a b"), Request(headers={"x": "1\r\nevil: 2"}), Request(method="GE T"), Request(path="/ü")],
)
def test_a_request_that_could_smuggle_is_not_sent(url: str, request_: Request) -> None:
    with pytest.raises(UsageError, match="cannot be sent"):
        ask(url, request_)


@contextmanager
def answering(*pieces: bytes, pause_s: float = 0.0, forever: bool = False) -> Iterator[str]:
    """A server that sends `pieces` to whoever asks, the last one for ever, and a pause before each."""
    ended = threading.Event()

    def answer(server: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                for piece in chain(pieces, repeat(pieces[-1]) if forever else ()):
                    if ended.wait(pause_s):
                        return
                    connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"x"),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
    ],
)
def test_the_time_is_for_the_whole_answer_however_it_trickles(pieces: tuple[bytes, ...]) -> None:
    started = time.monotonic()
    with answering(*pieces, pause_s=0.05, forever=True) as url, pytest.raises(RequestError, match=r"within 0\.4 s"):
        ask(url, Request(timeout_s=0.4))

    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n"]
)
def test_an_answer_without_end_is_refused_and_not_kept(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_request, "MOST_BYTES", 1024 * 1024)
    with (
        answering(head, b"x" * 65536, forever=True) as url,
        pytest.raises(RequestError, match="has more than 1 MiB") as refused,
    ):
        ask(url, Request())
    assert "--output FILE" in refused.value.hint


def test_an_answer_of_just_the_size_that_is_taken_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_request, "MOST_BYTES", 65536)
    with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n", b"x" * 65536) as url:
        assert len(ask(url, Request()).body) == 65536


def test_a_name_that_is_searched_for_too_long_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_arguments, **_options: searched.wait(5) or [])
    with pytest.raises(RequestError, match=r"within 0\.2 s"):
        ask("http://slow.example", Request(timeout_s=0.2))
    searched.set()
