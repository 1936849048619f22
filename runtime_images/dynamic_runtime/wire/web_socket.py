"""What front and worker know alike of WebSockets (RFC 6455): the opening handshake, and how a connection is closed.

The front speaks the protocol with the client, the worker decides as the function does: whether to accept, what to say.
"""

import binascii
import struct
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from runtime_images.dynamic_runtime.wire.frames import FrameError

VERSION = b"13"
MESSAGES_AHEAD = 32
BYTES_AHEAD = 64 * 1024
"""How far a client may be ahead of a function that does not receive: then nothing more is read from it."""

LONGEST_REASON_BYTES = 123  # a control frame holds 125 bytes, two of them for the code

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16
_CODE = struct.Struct("!H")
_DEFINED = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Closing(NamedTuple):
    """How a connection was closed: by which code, and with which reason."""

    code: int
    reason: str = ""

    def encode(self) -> bytes:
        """Return it as the body of a frame."""
        return _CODE.pack(self.code) + self.reason.encode()

    @property
    def is_failure(self) -> bool:
        """Whether it says that the function has failed."""
        return self.code == INTERNAL_ERROR


NORMAL = Closing(1000)
GONE = Closing(1006)
"""Nobody has said goodbye: never sent, but what a function hears of a client that is gone."""

INTERNAL_ERROR = 1011
SERVICE_RESTART = Closing(1012, "the function is being restarted or moved")
DIED = Closing(INTERNAL_ERROR, "the function's process died")
UNHEARD = Closing(INTERNAL_ERROR, "the function does not receive")
RAISED = Closing(INTERNAL_ERROR, "the function raised an exception")


def decode(body: bytes) -> Closing:
    """Return how a connection was closed, from the body of a frame; raise FrameError if it holds nothing of it."""
    try:
        return Closing(_CODE.unpack_from(body)[0], body[_CODE.size :].decode())
    except (struct.error, UnicodeDecodeError):
        raise FrameError("no code and reason of a close") from None


def why_not_sent(closing: Closing) -> str:
    """Return what forbids to close a connection so; empty if nothing does (RFC 6455, 7.4)."""
    if closing.code not in _DEFINED and not 3000 <= closing.code <= 4999:
        return f"{closing.code} is no code to close a WebSocket with: 1000 to 1014 but 1004 to 1006, or 3000 to 4999"
    if len(closing.reason.encode()) > LONGEST_REASON_BYTES:
        return f"the reason to close a WebSocket is longer than {LONGEST_REASON_BYTES} bytes"
    return ""


def why_refused(headers: Sequence[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Return status and sentence for a handshake that cannot succeed; None for a good one (RFC 6455, 4.2)."""
    if [value for name, value in headers if name == b"sec-websocket-version"] != [VERSION]:
        return HTTPStatus.UPGRADE_REQUIRED, f"version {VERSION.decode()} of WebSocket is spoken here, and no other one"
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    try:
        well = len(keys) == 1 and len(binascii.a2b_base64(keys[0], strict_mode=True)) == _KEY_BYTES
    except ValueError:
        well = False
    return None if well else (HTTPStatus.BAD_REQUEST, "a WebSocket needs one Sec-WebSocket-Key of 16 bytes in base64")


def accept_of(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept that belongs to a key."""
    from hashlib import sha1  # the front's alone: a worker need not load it

    return binascii.b2a_base64(sha1(key + _GUID, usedforsecurity=False).digest(), newline=False)
