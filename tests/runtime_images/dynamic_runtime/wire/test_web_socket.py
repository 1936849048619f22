"""The handshake and the codes of WebSockets, as the standard has them."""

import pytest

from runtime_images.dynamic_runtime.wire import web_socket
from runtime_images.dynamic_runtime.wire.frames import FrameError
from runtime_images.dynamic_runtime.wire.web_socket import Closing
from tests.support.raw_web_socket import ACCEPT, KEY

VERSION_13 = (b"sec-websocket-version", b"13")
A_KEY = (b"sec-websocket-key", KEY)


def test_the_answer_to_a_key_is_that_of_the_standards_example() -> None:
    assert web_socket.accept_of(KEY) == ACCEPT


def test_a_complete_handshake_is_not_refused() -> None:
    assert web_socket.why_refused([A_KEY, (b"host", b"t"), VERSION_13]) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([A_KEY], 426),
        ([A_KEY, (b"sec-websocket-version", b"8")], 426),
        ([A_KEY, VERSION_13, VERSION_13], 426),
        ([VERSION_13], 400),
        ([VERSION_13, A_KEY, A_KEY], 400),
        ([VERSION_13, (b"sec-websocket-key", b"")], 400),
        ([VERSION_13, (b"sec-websocket-key", b"c2hvcnQ=")], 400),
        ([VERSION_13, (b"sec-websocket-key", KEY + b"AAAA")], 400),
        ([VERSION_13, (b"sec-websocket-key", b"!" + KEY[1:])], 400),
    ],
)
def test_an_incomplete_handshake_is_refused_with_the_status_that_says_why(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    refusal = web_socket.why_refused(headers)

    assert refusal is not None
    assert refusal[0] == status


@pytest.mark.parametrize("closing", [Closing(1000), Closing(4999, "é" * 61), Closing(1012, "x" * 123), Closing(3000)])
def test_how_a_connection_is_closed_arrives_as_it_was_said(closing: Closing) -> None:
    assert web_socket.decode(closing.encode()) == closing
    assert not web_socket.why_not_sent(closing)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70000, -1])
def test_a_code_that_may_not_be_sent_is_named(code: int) -> None:
    assert web_socket.why_not_sent(Closing(code)).startswith(f"{code} is no code to close a WebSocket with")


def test_a_reason_has_room_for_123_bytes() -> None:
    assert "longer than 123 bytes" in web_socket.why_not_sent(Closing(1000, "é" * 62))


@pytest.mark.parametrize("body", [b"", b"\x03", b"\x03\xe8\xff"])
def test_a_body_that_holds_no_close_breaks_the_protocol(body: bytes) -> None:
    with pytest.raises(FrameError):
        web_socket.decode(body)
