"""WebSockets as an ASGI application sees them: a real runtime, and a client that sends what it likes."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.raw_web_socket import (
    ACCEPT,
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    RawWebSocket,
    Received,
    closing,
    frame,
)
from tests.support.serving import Serving, serving, write_function

SOURCE = """
    import asyncio, json

    class Panic(BaseException):
        pass

    ACCEPT = {"type": "websocket.accept"}
    COUNT = {"lifespan": 0}

    def text(value):
        return {"type": "websocket.send", "text": value}

    class Application:
        async def __call__(self, scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                scope["state"]["shared"] = ["from start-up"]
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
            elif scope["type"] == "http":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"HTTP"})
            else:
                await globals()[scope["path"].strip("/")](scope, receive, send)

    app = Application()

    async def echo(scope, receive, send):
        assert (await receive()) == {"type": "websocket.connect"}
        await send(ACCEPT)
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        print("closed by", message["code"], message["reason"], flush=True)

    async def describe(scope, receive, send):
        await send(ACCEPT)
        shown = {key: value for key, value in scope.items() if key != "headers"}
        shown["names"] = [name.decode() for name, _ in scope["headers"]]
        await send(text(json.dumps(shown, default=lambda value: value.decode())))

    async def script(scope, receive, send):
        \"\"\"Send the messages that the query spells; say what the application gets for each.\"\"\"
        for message in eval(bytes.fromhex(scope["query_string"].decode()).decode()):
            await send(message)

    async def complaints(scope, receive, send):
        await send(ACCEPT)
        said = []
        for message in eval(bytes.fromhex(scope["query_string"].decode()).decode()):
            try:
                await send(message)
                said.append("")
            except Exception as error:
                said.append(type(error).__name__)
        await send(text(json.dumps(said)))

    async def after_close(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.close", "code": 4000, "reason": "mine"})
        print("after", await receive(), await receive(), flush=True)
        await send(text("too late"))

    async def after_leave(scope, receive, send):
        await receive()
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        try:
            await send(text("too late"))
        except OSError as error:
            print("left:", error, flush=True)
            raise

    async def raises(scope, receive, send):
        await receive()
        if scope["query_string"] != b"early":
            await send(ACCEPT)
            await receive()
        raise {b"": ValueError, b"early": ValueError, b"panic": Panic, b"exit": SystemExit,
               b"cancel": asyncio.CancelledError, b"stop": StopAsyncIteration}[scope["query_string"]]("as asked")

    async def returns(scope, receive, send):
        await receive()
        if scope["query_string"] != b"early":
            await send(ACCEPT)

    async def deny(scope, receive, send):
        await receive()
        await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-why", b"who")]})
        await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"are you?"})
        print("denied", await receive(), flush=True)

    async def burst(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await asyncio.gather(*[send(text(str(number) * 70_000)) for number in range(9)])

    async def choosy(scope, receive, send):
        await receive()
        headers = [(b"X-Mine", b"1"), (b"upgrade", b"h2c")]
        await send({**ACCEPT, "subprotocol": scope["subprotocols"][-1], "headers": headers})
        await receive()
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(write_function(tmp_path_factory.mktemp("sockets"), SOURCE), GAIA_ENTRYPOINT="func.py:app") as running:
        yield running


@pytest.fixture
def port(runtime: Serving) -> Iterator[int]:
    """Where it serves; whatever a test did, the next request is served, by the same worker."""
    before = runtime.worker_pid("cpu")
    yield runtime.port
    assert runtime.request("GET").body == b"HTTP"
    assert runtime.worker_pid("cpu") == before


def script(*messages: str) -> str:
    spelled = ", ".join(messages)
    return f"?{f'[{spelled}]'.encode().hex()}"


def test_the_handshake_and_both_kinds_of_messages(port: int) -> None:
    with RawWebSocket(port, "/echo") as client:
        client.send(frame(TEXT, "é".encode()) + frame(BINARY, b"\xff\0"))

        assert (client.status, ACCEPT in client.head) == (101, True)
        assert client.receive() == Received(TEXT, "é".encode())
        assert client.receive() == Received(BINARY, b"\xff\0")


def test_what_stands_behind_the_handshake_in_the_same_read_is_heard(port: int) -> None:
    with RawWebSocket(port, "/echo", then=frame(TEXT, b"early") + frame(TEXT, b"bird")) as client:
        assert [client.hear(), client.hear()] == ["early", "bird"]


def test_the_scope_is_that_of_a_websocket(port: int) -> None:
    headers = UPGRADE | {
        "Sec-WebSocket-Protocol": "chat, superchat",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "1.2.3.4",
    }
    with RawWebSocket(port, "/describe?a=b%20c", headers=headers) as client:
        scope = json.loads(client.hear())

    assert scope["type"] == "websocket"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert (scope["scheme"], scope["client"], scope["http_version"]) == ("wss", ["1.2.3.4", 0], "1.1")
    assert (scope["path"], scope["query_string"]) == ("/describe", "a=b%20c")
    assert scope["subprotocols"] == ["chat", "superchat"]
    assert scope["extensions"] == {"websocket.http.response": {}}
    assert scope["state"] == {"shared": ["from start-up"]}
    assert {"host", "connection", "upgrade", "sec-websocket-key", "sec-websocket-version"} <= set(scope["names"])
    assert "method" not in scope


def test_a_subprotocol_and_headers_are_those_of_the_function_and_the_rest_is_ours(port: int) -> None:
    headers = UPGRADE | {"Sec-WebSocket-Protocol": "a,b"}
    with RawWebSocket(port, "/choosy", headers=headers) as client:
        lines = client.head.lower().split(b"\r\n")

    assert b"sec-websocket-protocol: b" in lines
    assert b"x-mine: 1" in lines
    assert [line for line in lines if line.startswith(b"upgrade")] == [b"upgrade: websocket"]
    assert not [line for line in lines if line.startswith((b"sec-websocket-extensions", b"content-length"))]


def test_a_close_of_the_client_is_answered_and_told(runtime: Serving, port: int) -> None:
    with RawWebSocket(port, "/echo") as client:
        client.say("last words")
        assert client.hear() == "last words"
        client.send(closing(4321, b"ciao"))

        assert (client.until_closed().code, client.rest()) == (4321, b"")
    runtime.event("log", lambda event: event["line"] == "closed by 4321 ciao")


@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_client_that_is_gone_without_a_word_is_told_as_1006(runtime: Serving, port: int, how: str) -> None:
    before = len([event for event in runtime.named("log") if event["line"] == "closed by 1006 "])
    with RawWebSocket(port, "/echo") as client:
        client.say("x")
        client.hear()
        if how == "reset":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def told(_: object) -> bool:
        return len([event for event in runtime.named("log") if event["line"] == "closed by 1006 "]) > before

    runtime.event("log", told)


def test_a_close_of_the_function_has_its_code_and_reason_and_the_client_may_answer(port: int) -> None:
    with RawWebSocket(
        port, "/script" + script("ACCEPT", "{'type': 'websocket.close', 'code': 4001, 'reason': 'é'}")
    ) as client:
        got = client.until_closed()
        client.send(closing(4001))

        assert (got.code, got.reason) == (4001, "é")
        assert client.rest() == b""


def test_after_its_own_close_a_function_hears_of_it_and_may_say_no_more(runtime: Serving, port: int) -> None:
    with RawWebSocket(port, "/after_close") as client:
        assert client.until_closed().code == 4000
    told = "{'type': 'websocket.disconnect', 'code': 4000, 'reason': 'mine'}"
    runtime.event("log", lambda event: event["line"] == f"after {told} {told}")
    runtime.event("log", lambda event: event["line"].startswith("RuntimeError: ASGI message 'websocket.send'"))


def test_to_send_after_the_client_has_left_is_an_os_error_that_is_not_logged(runtime: Serving, port: int) -> None:
    with RawWebSocket(port, "/after_leave") as client:
        client.send(closing(1000))
        client.until_closed()
    runtime.event("log", lambda event: event["line"] == "left: the client has left")
    assert not [event for event in runtime.named("log") if "ClientGoneError" in event["line"]]


def test_a_function_that_returns_closes_with_1000(port: int) -> None:
    with RawWebSocket(port, "/returns") as client:
        assert client.until_closed().code == 1000


@pytest.mark.parametrize("what", ["", "panic", "exit", "cancel", "stop"])
def test_whatever_a_function_raises_closes_its_own_websocket_with_1011(port: int, what: str) -> None:
    with RawWebSocket(port, "/echo") as other, RawWebSocket(port, f"/raises?{what}") as client:
        client.say("now")

        assert client.until_closed().code == 1011
        other.say("still here")
        assert other.hear() == "still here"


def test_the_traceback_of_what_was_raised_is_in_the_log(runtime: Serving, port: int) -> None:
    with RawWebSocket(port, "/raises") as client:
        client.say("now")
        client.until_closed()
    runtime.event("log", lambda event: event["stream"] == "stderr" and event["line"] == "ValueError: as asked")


@pytest.mark.parametrize("path", ["/raises?early", "/returns?early"])
def test_before_it_is_accepted_that_is_a_500(port: int, path: str) -> None:
    with RawWebSocket(port, path) as client:
        assert client.status == 500


def test_a_close_before_it_is_accepted_is_a_403_and_the_connection_goes_on(port: int) -> None:
    with RawWebSocket(port, "/script" + script("{'type': 'websocket.close'}")) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")

        assert client.status == 403
        assert client.rest().endswith(b"HTTP")


def test_a_denial_is_an_answer_like_any_other(runtime: Serving, port: int) -> None:
    with RawWebSocket(port, "/deny", headers=UPGRADE | {"Connection": "Upgrade, close"}) as client:
        assert client.status == 401
        assert b"x-why: who" in client.head
        assert b"".join(client.rest().split(b"\r\n")[1::2]) == b"who are you?"
    runtime.event("log", lambda event: event["line"].startswith("denied {'type': 'websocket.disconnect'"))


WRONG_FIRST = [
    "{'type': 'websocket.send', 'text': 'too early'}",
    "{'type': 'http.response.start', 'status': 200}",
    "{'type': 'websocket.http.response.body', 'body': b''}",
    "{'type': 'nonsense'}",
    "{}",
    "{'type': None}",
    "{**ACCEPT, 'subprotocol': 'a\\r\\nb: c'}",
    "{**ACCEPT, 'subprotocol': 'é'}",
    "{**ACCEPT, 'headers': [(b'a', 'text')]}",
    "{**ACCEPT, 'headers': [(b'a', b'x\\r\\ny: z')]}",
    "{**ACCEPT, 'headers': 5}",
    "{'type': 'websocket.close', 'code': 1005}",
    "{'type': 'websocket.http.response.start', 'status': 99}",
]


@pytest.mark.parametrize("message", WRONG_FIRST)
def test_a_wrong_first_message_is_a_500_at_once(port: int, message: str) -> None:
    with RawWebSocket(port, "/script" + script(message)) as client:
        assert client.status == 500


def test_a_header_that_http_does_not_allow_is_a_502(runtime: Serving, port: int) -> None:
    with RawWebSocket(port, "/script" + script("{**ACCEPT, 'headers': [(b'a b', b'c')]}")) as client:
        assert client.status == 502
    assert "is not a lower-case token" in runtime.event("bad_answer")["reason"]


WRONG_LATER = [
    "ACCEPT",
    "{'type': 'websocket.send'}",
    "{'type': 'websocket.send', 'text': None, 'bytes': None}",
    "{'type': 'websocket.send', 'text': b'bytes'}",
    "{'type': 'websocket.send', 'bytes': 'text'}",
    "{'type': 'websocket.send', 'text': '\\ud800'}",
    "{'type': 'websocket.close', 'code': 1006}",
    "{'type': 'websocket.close', 'code': 'x'}",
    "{'type': 'websocket.close', 'reason': 'x' * 124}",
    "{'type': 'websocket.http.response.start', 'status': 200}",
    "{'type': 'http.response.body', 'body': b''}",
    "{'type': 'websocket.receive', 'text': ''}",
]


def test_a_wrong_later_message_is_the_functions_error_and_nothing_of_it_is_sent(port: int) -> None:
    with RawWebSocket(port, "/complaints" + script(*WRONG_LATER)) as client:
        said = json.loads(client.hear())

    assert all(said), dict(zip(WRONG_LATER, said, strict=True))


@pytest.mark.parametrize("content", ["'bytes': memoryview(b'abcd')[::2]", "'bytes': bytearray(b'ac'), 'text': 'x'"])
def test_whatever_holds_bytes_can_be_sent(port: int, content: str) -> None:
    with RawWebSocket(port, "/script" + script("ACCEPT", f"{{'type': 'websocket.send', {content}}}")) as client:
        assert client.receive() == Received(BINARY, b"ac")


def test_messages_of_several_tasks_are_never_mixed(port: int) -> None:
    with RawWebSocket(port, "/burst") as client:
        messages, parts = [], b""
        while (got := client.receive()).opcode != CLOSE:
            parts += got.payload
            if got.fin:
                messages.append(parts.decode())
                parts = b""

    assert sorted(messages) == [str(number) * 70_000 for number in range(9)]


def test_a_ping_is_answered_while_the_function_does_nothing(port: int) -> None:
    with RawWebSocket(port, "/raises") as client:
        client.send(frame(PING, b"there?"))

        assert client.receive() == Received(PONG, b"there?")


REFUSED = [
    (UPGRADE | {"Sec-WebSocket-Version": "8"}, 426),
    ({name: value for name, value in UPGRADE.items() if name != "Sec-WebSocket-Version"}, 426),
    (UPGRADE | {"Sec-WebSocket-Key": "short"}, 400),
    ({name: value for name, value in UPGRADE.items() if name != "Sec-WebSocket-Key"}, 400),
]


@pytest.mark.parametrize(("headers", "status"), REFUSED)
def test_a_handshake_that_is_not_complete_is_refused(port: int, headers: dict[str, str], status: int) -> None:
    with RawWebSocket(port, "/echo", headers=headers) as client:
        assert client.status == status
        assert (b"sec-websocket-version: 13" in client.head.lower()) is True


IGNORED = [
    {"Upgrade": "h2c"},
    {"Connection": "keep-alive"},
    {"Content-Length": "0", "Upgrade": "websocket/13"},
]


@pytest.mark.parametrize("headers", IGNORED)
def test_what_asks_for_no_websocket_is_http(port: int, headers: dict[str, str]) -> None:
    with RawWebSocket(port, "/echo", headers=UPGRADE | headers) as client:
        assert client.status == 200


@pytest.mark.usefixtures("port")
@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_only_a_get_can_ask_for_a_websocket(runtime: Serving, method: str) -> None:
    assert runtime.request(method, "/echo", headers=UPGRADE).status == 200


def test_many_clients_at_once_hear_their_own(port: int) -> None:
    meet = threading.Barrier(40)

    def talk(number: int) -> list[str]:
        with RawWebSocket(port, "/echo") as client:
            meet.wait()
            for turn in range(20):
                client.say(f"{number} {turn}")
            return [client.hear() for _ in range(20)]

    with ThreadPoolExecutor(40) as pool:
        heard = list(pool.map(talk, range(40)))

    assert heard == [[f"{number} {turn}" for turn in range(20)] for number in range(40)]
