"""docs/http.md against the code: the limits, and the statuses that the runtime answers itself."""

import re
from http import HTTPStatus
from pathlib import Path

import runtime_images.dynamic_runtime
from runtime_images.dynamic_runtime.edge import budget, limits, memory
from runtime_images.dynamic_runtime.edge.web_sockets import web_socket
from runtime_images.dynamic_runtime.front import sockets
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import arenas, frames
from runtime_images.dynamic_runtime.wire.web_socket import BYTES_AHEAD, MESSAGES_AHEAD

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "http.md").read_text("utf-8")
SOURCES = Path(runtime_images.dynamic_runtime.__file__).parent


def limit(beginning: str) -> str:
    """The limit in the row of the table that begins so."""
    (found,) = re.findall(rf"^\| {re.escape(beginning)}[^|]*\| ([^|]*) \|", PAGE, re.MULTILINE)
    return str(found)


def test_the_limits_are_those_of_the_code() -> None:
    settings = Settings(function_dir=Path())

    assert limit("time for a head") == f"{limits.HEAD_TIMEOUT_S:g} s"
    earned = "{0:g} s, and one more for each {1} that have come, but never more than {0:g} s ahead"
    assert limit("time for a body") == earned.format(limits.BODY_TIMEOUT_S, f"{limits.LEAST_BODY_RATE} bytes")
    scarce = earned.format(limits.SCARCE_BODY_TIMEOUT_S, f"{limits.SCARCE_BODY_RATE // 1024} KiB")
    assert limit("a body while others lack memory") == scarce
    assert f"within {limits.HALF_CLOSE_S:g} s of it" in PAGE
    assert limit("time that a connection may idle") == f"{limits.IDLE_TIMEOUT_S:g} s"
    patience = f"{limits.WRITE_TIMEOUT_S:g} s; {limits.HANDLER_PATIENCE_S:g} s where a thread"
    assert limit("time without progress").startswith(patience)
    assert f" {settings.max_body_bytes // 2**20} MiB" in limit("request body")
    assert limit("requests that wait").startswith(f"{settings.queue_size} ")
    assert f" {settings.request_timeout_s:g} s" in limit("time from a whole request")
    assert limit("one chunk") == f"{frames.MAX_CHUNK_BYTES // 1024} KiB, {frames.CREDIT_CHUNKS} of them under way"
    silence = f"{web_socket.PING_EVERY_S:g} s, then a ping; {web_socket.PING_EVERY_S:g} s more"
    assert limit("silence of a WebSocket's client") == silence
    assert limit("a client's answer to a close") == f"{web_socket.GOODBYE_S:g} s"
    ahead = f"{BYTES_AHEAD // 1024} KiB, or {MESSAGES_AHEAD} of them"
    assert limit("messages that a function has not received") == ahead
    assert limit("WebSockets of a worker") == f"{sockets.MOST_SOCKETS}"
    assert f"`GAIA_DRAIN_TIMEOUT_S` ({settings.drain_timeout_s:g} s)" in PAGE
    assert f"over {arenas.LEAST_BYTES // 1024} KiB travel" in PAGE


def test_the_shares_of_memory_are_those_of_the_code() -> None:
    shares = memory.share_out(512 * 2**20)

    assert memory.SHARE == 8  # "an eighth"
    assert f"{memory.ASSUMED_BYTES // 2**30} GiB where there is none" in PAGE
    assert f"Of 512 MiB, {shares.bodies // 2**20} MiB are for what clients send" in PAGE
    assert f"{shares.answers // 2**20} MiB for answers" in PAGE
    assert f"waits unread, {limits.ROOM_TIMEOUT_S:g} s at most" in PAGE
    assert f"Requests up to {budget.SMALL_BYTES // 1024} KiB are not counted" in PAGE
    assert f"a body over {arenas.LEAST_BYTES // 1024} KiB waits unread" in PAGE
    assert f"more than {budget.MOST_WAITING} waiting bodies" in PAGE


def test_every_status_that_the_runtime_names_is_documented_and_no_other() -> None:
    documented = {int(status) for status in re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE)}
    named = {
        HTTPStatus[name].value
        for source in SOURCES.rglob("*.py")
        for name in re.findall(r"HTTPStatus\.([A-Z_]+)", source.read_text("utf-8"))
    }

    assert {status for status in named if status >= 400} | {500} == documented
