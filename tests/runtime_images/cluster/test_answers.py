"""What a server answers that is no API server, or one in trouble: small real servers that say just that."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx2
import pytest

from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import ClusterError, GoneError, RefusedError, UnreachableError
from runtime_images.cluster.kinds import CONFIG_MAP

_Result = TypeVar("_Result")
STATUS = (
    '{"kind": "Status", "message": "no", "reason": "Forbidden", "code": 403, "details": {"kind": "x", "name": "y"}}'
)


def answered(*answers: str, call: Callable[[Api], Awaitable[_Result]]) -> _Result:
    """Do a call on a server that gives these answers, whole HTTP messages, one a connection."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0).replace("\n", "\r\n").encode() if left else b"")
        await writer.drain()
        writer.close()

    async def work() -> _Result:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, Api(Access(url, "here", "c", "u", httpx2.AsyncHTTPTransport)) as api:
            return await call(api)

    return asyncio.run(asyncio.wait_for(work(), 30))


def message(status: str, body: str = "", **headers: str) -> str:
    said = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\n{said}Content-Length: {len(body)}\nConnection: close\n\n{body}"


async def got(api: Api) -> Object | None:
    return await api.get(CONFIG_MAP, "x")


JSON = "application/json"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (message("403 Forbidden", STATUS, Content_Type=JSON), RefusedError, "no"),
        (message("502 Bad Gateway"), RefusedError, "HTTP 502"),
        (message("502 Bad Gateway", "upstream is gone"), RefusedError, "upstream is gone"),
        (message("500 Oops", '{"error": "x"}', Content_Type=JSON), RefusedError, "HTTP 500"),
        (message("500 Oops", "[1]", Content_Type=JSON), RefusedError, "1"),
        (message("410 Gone", STATUS, Content_Type=JSON), GoneError, "no"),
        (message("302 Found", Location="https://login.test"), UnreachableError, "not as an API server"),
        (message("200 OK", "no json", Content_Type=JSON), UnreachableError, "no JSON"),
        ("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 99\n\n{", UnreachableError, "no answer"),
        ("", UnreachableError, "no answer"),
        ("SSH-2.0-OpenSSH\n\n", UnreachableError, "no answer"),
    ],
)
def test_whatever_is_answered_is_an_error_of_ours(answer: str, kind: type[ClusterError], words: str) -> None:
    with pytest.raises(kind) as raised:
        answered(answer, call=got)

    assert words in raised.value.message


def test_a_page_is_no_answer_of_an_api_server() -> None:
    with pytest.raises(UnreachableError, match="not as an API server") as raised:
        answered(message("200 OK", "<html>log in", Content_Type="text/html"), call=got)
    assert "portal" in raised.value.hint


def test_a_server_that_is_too_busy_is_asked_again() -> None:
    busy = message("429 Too Many Requests", "wait", Retry_After="0")
    good = message("200 OK", '{"metadata": {"name": "x"}}', Content_Type=JSON)

    found = answered(busy, good, call=got)

    assert found == {"metadata": {"name": "x"}}


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime_images.cluster.answers._MOST_BYTES", 1000)
    with pytest.raises(UnreachableError, match="endless"):
        answered(message("200 OK", "x" * 2000, Content_Type="text/plain"), call=lambda api: api.read("/metrics"))


def test_a_list_whose_pieces_the_server_has_forgotten_is_read_again_as_a_whole() -> None:
    def page(names: list[str], go_on: str = "") -> str:
        items = ", ".join(f'{{"metadata": {{"name": "{name}"}}}}' for name in names)
        body = f'{{"metadata": {{"resourceVersion": "7", "continue": "{go_on}"}}, "items": [{items}]}}'
        return message("200 OK", body, Content_Type=JSON)

    gone = message("410 Gone", '{"message": "too old", "code": 410, "reason": "Expired"}', Content_Type=JSON)

    found, version = answered(page(["a"], "more"), gone, page(["a", "b"]), call=lambda api: api.list(CONFIG_MAP))

    assert [item["metadata"]["name"] for item in found] == ["a", "b"]
    assert version == "7"


def test_a_watch_that_begins_with_an_error_raises_it() -> None:
    line = '{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}\n'

    async def watched(api: Api) -> None:
        async for _ in api.watch(CONFIG_MAP, version="1"):
            pass

    with pytest.raises(GoneError, match="too old"):
        answered(message("200 OK", line, Content_Type=JSON), call=watched)
    with pytest.raises(GoneError):
        answered(message("410 Gone", STATUS, Content_Type=JSON), call=watched)
    with pytest.raises(UnreachableError):
        answered(message("200 OK", '{"type": "ADDED", "obj', Content_Type=JSON), call=watched)


def test_a_bookmark_moves_the_version_and_is_not_seen() -> None:
    mark = '{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}\n'
    added = '{"type": "ADDED", "object": {"metadata": {"name": "x", "resourceVersion": "10"}}}\n'

    async def first(api: Api) -> str:
        async for change in api.watch(CONFIG_MAP, version="1"):
            return change.type
        return ""

    assert answered(message("200 OK", mark + added, Content_Type=JSON), call=first) == "ADDED"
