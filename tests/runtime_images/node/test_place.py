"""Reading a node's table from files and from a real HTTP server: bounded, and named without secrets."""

import base64
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime_images.node import place
from runtime_images.node.place import UnreadableError, public_name, read_place

TABLE = b"from_s,power_w\n0,60\n"


class Server(BaseHTTPRequestHandler):
    """Answers with `table`, or by its path: moved, broken, long, endless; keeps what it was asked."""

    asked: list[tuple[str, str | None]]
    over: threading.Event
    table: bytes = TABLE

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization")))
        path = self.path.partition("?")[0]
        self.send_response({"/broken": 500, "/moved": 302}.get(path, 200))
        if path == "/moved":
            self.send_header("location", "/table")
        self.end_headers()
        if path == "/endless":
            while not self.over.wait(0.02):
                self.wfile.write(b"x" * 10)
        elif path != "/moved":
            self.wfile.write(b"x" * (place.TABLE_BYTES + 1) if path == "/long" else self.table)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature of http.server
        pass


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def server(table: bytes = TABLE) -> Iterator[tuple[str, type[Server]]]:
    """A server, where it listens and what it was asked."""
    handler: type[Server] = type("Handler", (Server,), {"asked": [], "over": threading.Event(), "table": table})
    with _Quiet(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{http.server_port}", handler
        finally:
            handler.over.set()
            http.shutdown()
            thread.join()


def test_an_answer_is_read_with_the_user_of_its_address_and_counts_from_now() -> None:
    with server() as (host, handler):
        before = time.time()
        data, written_s = read_place(f"http://us%40er:pass@{host}/table?token=secret", Path())

    assert data == TABLE
    assert before <= written_s <= time.time()
    assert handler.asked == [("/table?token=secret", "Basic " + base64.b64encode(b"us@er:pass").decode())]


def test_a_password_does_not_follow_to_where_an_answer_points() -> None:
    with server() as (host, handler):
        read_place(f"http://user:pass@{host}/moved", Path())

    assert [path for path, _ in handler.asked] == ["/moved", "/table"]
    assert handler.asked[1][1] is None


def test_a_file_is_read_in_the_functions_directory_and_counts_from_when_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "node.csv").write_bytes(TABLE)
    os.utime(tmp_path / "node.csv", (1000.0, 1000.0))

    assert read_place("node.csv", tmp_path) == (TABLE, 1000.0)
    assert read_place(str(tmp_path / "node.csv"), Path("/")) == (TABLE, 1000.0)


@pytest.mark.parametrize(
    ("path", "why"),
    [("/broken", "the answer has the status 500"), ("/long", "it is longer than 1024 KiB"), ("/endless", "within 0 s")],
)
def test_an_answer_that_is_none_or_has_no_bounds_is_refused(
    path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "MOST_S", 0.3 if path == "/endless" else place.MOST_S)
    with server() as (host, _), pytest.raises(UnreadableError, match=why):
        read_place(f"http://user:pass@{host}{path}?token=secret", Path())


def test_no_message_has_a_secret_of_an_address() -> None:
    for rest in ("127.0.0.1:1/x?token=secret", "[/x?token=secret", "a b/secret"):
        with pytest.raises(UnreadableError) as caught:
            read_place(f"http://user:pass@{rest}", Path())
        assert not any(word in str(caught.value) for word in ("user", "pass", "secret"))


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long.csv").write_bytes(b"x" * (place.TABLE_BYTES + 1))
    for name, why in {
        "pipe": "no ordinary file",
        ".": "directory|ordinary",
        "absent": "No such file",
        "long.csv": "longer",
    }.items():
        with pytest.raises(UnreadableError, match=why):
            read_place(name, tmp_path)


def test_an_address_is_named_without_user_password_and_query() -> None:
    assert public_name("https://user:pass@node.example:8443/cost.csv?key=1#x") == "https://node.example:8443/cost.csv"
    assert public_name("data/node.csv") == "data/node.csv"
