"""What registries may answer: with a server that says what a test has it say."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

import pytest

from gaia_cli.errors import ClusterRefused, MissingPartError
from gaia_cli.images.logins import Login
from gaia_cli.images.references import Reference
from gaia_cli.images.registry import MOST_ANSWER_BYTES, Answer, Registry, may_be_plain

BODY = b'{"schemaVersion": 2}'
Reply = tuple[int, dict[str, str], bytes]
Answering = Callable[["Server", str, str, str], Reply]


class Server:
    """A registry made of one function, and what it was asked: method, path with query, the login, the body."""

    def __init__(self, answer: "Answering") -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                login = self.headers.get("Authorization", "")
                body = self.rfile.read(length).decode()
                outer.asked.append((self.command, self.path, login, body))
                status, headers, content = answer(outer, self.path, login, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 -- the name that the server looks for

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def manifest(self, login: Login | None = None) -> Answer | None:
        with Registry(Reference(self.host, "team/fn", "1"), login) as registry:
            return registry.manifest("1", ("x/y",))


def with_token(server: Server, path: str, login: str, _body: str) -> Reply:
    """Answer as a registry whose users fetch a token; ada's password and her token both fetch one."""
    if path.startswith("/token"):
        return 200, {}, json.dumps({"token": f"for {login.partition(' ')[2] or 'nobody'}"}).encode()
    if login.startswith("Bearer for "):
        return 200, {}, BODY
    realm = f'Bearer realm="http://{server.host}/token",service="test",scope="ignored"'
    return 401, {"WWW-Authenticate": realm}, b""


def test_a_token_is_fetched_with_the_login_and_for_this_image_only() -> None:
    with Server(with_token) as server:
        assert server.manifest(Login("ada", "geheim")) == Answer(BODY, "")
    (_, path, login, _), (_, _, token, _) = server.asked[-2:]
    assert parse_qs(urlsplit(path).query) == {"service": ["test"], "scope": ["repository:team/fn:pull"]}
    assert base64.b64decode(login.partition(" ")[2]) == b"ada:geheim"
    assert token.startswith("Bearer for ")


def test_whoever_has_no_login_fetches_a_token_as_nobody() -> None:
    with Server(with_token) as server:
        assert server.manifest() == Answer(BODY, "")
    assert server.asked[-1][2] == "Bearer for nobody"


def test_an_identity_token_is_exchanged() -> None:
    def answer(server: Server, path: str, login: str, body: str) -> Reply:
        if path.startswith("/token"):
            form = parse_qs(body)
            assert form["grant_type"] == ["refresh_token"]
            return 200, {}, json.dumps({"access_token": f"for {form['refresh_token'][0]}"}).encode()
        return with_token(server, path, login, body)

    with Server(answer) as server:
        assert server.manifest(Login(identity_token="mine")) == Answer(BODY, "")
    assert server.asked[-1][2] == "Bearer for mine"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_a_refused_login(status: int) -> None:
    def answer(server: Server, path: str, login: str, body: str) -> Reply:
        return (status, {}, b"no") if path.startswith("/token") else with_token(server, path, login, body)

    with Server(answer) as server, pytest.raises(MissingPartError, match="login of ada"):
        server.manifest(Login("ada", "geheim"))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"token": ""}', b"[" * 100_000, b'{"token": null}'])
def test_a_token_that_is_none_is_refused(content: bytes) -> None:
    def answer(server: Server, path: str, login: str, body: str) -> Reply:
        return (200, {}, content) if path.startswith("/token") else with_token(server, path, login, body)

    with Server(answer) as server, pytest.raises(ClusterRefused):
        server.manifest()


@pytest.mark.parametrize(
    "challenge", ["", "Basic", "Digest realm=x", "Bearer", 'Bearer realm="ftp://x/"', "Bearer realm=x"]
)
def test_a_login_goes_nowhere_where_nothing_asks_for_it_rightly(challenge: str) -> None:
    with (
        Server(lambda *_: (401, {"WWW-Authenticate": challenge}, b"")) as server,
        pytest.raises((ClusterRefused, MissingPartError)),
    ):
        server.manifest(Login(identity_token="mine"))
    assert all(not login for _, _, login, _ in server.asked)


def test_a_redirect_to_another_host_does_not_get_the_login() -> None:
    with Server(lambda *_: (200, {}, BODY)) as store:

        def answer(_server: Server, path: str, login: str, _body: str) -> Reply:
            if not login:
                return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
            return 307, {"Location": f"http://{store.host}{path}"}, b""

        with Server(answer) as server:
            assert server.manifest(Login("ada", "geheim")) == Answer(BODY, "")
    assert [login for _, _, login, _ in store.asked] == [""]


def test_redirects_in_a_circle_end() -> None:
    with (
        Server(lambda _server, path, *_: (307, {"Location": path}, b"")) as server,
        pytest.raises(ClusterRefused, match="cannot be reached"),
    ):
        server.manifest()
    assert len(server.asked) < 20


def test_an_endless_answer_is_cut_off() -> None:
    with (
        Server(lambda *_: (200, {}, b" " * (MOST_ANSWER_BYTES + 1))) as server,
        pytest.raises(ClusterRefused, match="4 MiB"),
    ):
        server.manifest()


def test_an_answer_is_taken_as_its_bytes_are() -> None:
    body = b"\x1f\x8b not really compressed"
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    headers = {"Content-Encoding": "gzip", "Docker-Content-Digest": digest}
    with Server(lambda *_: (200, headers, body)) as server:
        assert server.manifest() == Answer(body, digest)


@pytest.mark.parametrize(("status", "hint"), [(403, "right to pull"), (429, "later"), (500, "later"), (503, "later")])
def test_what_a_registry_refuses_names_status_and_image(status: int, hint: str) -> None:
    with (
        Server(lambda *_: (status, {}, b'{"errors": [{"code": "TOOMANY\x1b[2J"}]}')) as server,
        pytest.raises(ClusterRefused, match=f"answers {status} for {server.host}/team/fn:1") as caught,
    ):
        server.manifest(Login("ada", "geheim"))
    assert hint in caught.value.hint
    assert "\x1b" not in caught.value.message


def test_a_refusal_to_nobody_asks_for_a_login() -> None:
    with Server(lambda *_: (403, {}, b"")) as server, pytest.raises(MissingPartError, match="wants a login"):
        server.manifest()


def test_a_registry_that_is_not_there_is_named() -> None:
    image = Reference("127.0.0.1:1", "team/fn", "1")
    with Registry(image, None) as registry, pytest.raises(ClusterRefused, match=r"127\.0\.0\.1:1 cannot be reached"):
        registry.manifest("1", ("x/y",))


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:5000", "[::1]:5000", "10.1.2.3", "172.16.0.1:80",
     "192.168.0.9:5000", "reg.local", "reg.local:5000", "reg.localhost"],
)  # fmt: skip
def test_a_private_registry_may_do_without_tls(host: str) -> None:
    assert may_be_plain(host)


@pytest.mark.parametrize(
    "host",
    ["docker.io", "reg.example:5000", "172.32.0.1", "8.8.8.8:80", "local", "localhost.example", "[2001:db8::1]:80"],
)
def test_a_public_registry_may_not(host: str) -> None:
    assert not may_be_plain(host)


@pytest.fixture(autouse=True)
def _proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is on this machine is reached without the proxy that the variables name."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
