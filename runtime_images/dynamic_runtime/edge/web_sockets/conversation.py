"""What is spoken on an open WebSocket (RFC 6455), apart from any network: bytes in, messages and bytes out.

The protocol is websockets' own, which parses frames and answers pings and closes by itself. This module makes messages
of frames, checks that texts are texts, and says how the connection was closed. Extensions are not negotiated.
"""

from websockets.frames import Frame, Opcode
from websockets.protocol import SEND_EOF, Protocol, Side, State

from runtime_images.dynamic_runtime.wire.web_socket import GONE, Closing

_INVALID_TEXT = 1007
_MESSAGES = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
_CONTROL_HEADER_BYTES = 6

Message = tuple[bool, bytes]
"""Whether it is text, and the text in UTF-8, or the bytes."""


class Conversation:
    """One connection's messages, each of at most `max_bytes`; `held` is about what of an unfinished one is here."""

    def __init__(self, max_bytes: int) -> None:
        self.held = 0
        self._protocol = Protocol(Side.SERVER, max_size=max_bytes)
        self._parts: list[bytes] = []
        self._is_text = self._in_message = self._has_failed = False

    @property
    def is_open(self) -> bool:
        """Whether either side may still send messages."""
        return self._protocol.state is State.OPEN

    @property
    def closing(self) -> Closing:
        """How a connection that is no longer open was closed: by what the client has said, else by what we have."""
        said = self._protocol.close_rcvd or self._protocol.close_sent
        return GONE if said is None else Closing(said.code, said.reason)

    def receive(self, data: bytes) -> list[Message]:
        """Take what came; return the messages that it completes."""
        self.held += len(data)
        self._protocol.receive_data(data)
        messages = list[Message]()
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)  # of the handshake it knows nothing
            if frame.opcode in _MESSAGES:
                self._take(messages, frame)
            else:
                self.held = max(0, self.held - _CONTROL_HEADER_BYTES - len(frame.data))
        return messages

    def _take(self, messages: list[Message], frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if frame.data:
            self._parts.append(bytes(frame.data))
        if not frame.fin or self._has_failed:
            return
        whole, self._parts, self.held = b"".join(self._parts), [], 0
        if self._is_text and not _is_utf_8(whole):
            self.fail(Closing(_INVALID_TEXT, "a text is not UTF-8"))
        else:
            messages.append((self._is_text, whole))

    def receive_eof(self) -> None:
        """Note that the client sends no more."""
        self._protocol.receive_eof()

    def send(self, part: bytes, *, is_text: bool, is_last: bool) -> None:
        """Send a message, or a part of one."""
        if self._in_message:
            self._protocol.send_continuation(part, is_last)
        elif is_text:
            self._protocol.send_text(part, is_last)
        else:
            self._protocol.send_binary(part, is_last)
        self._in_message = not is_last

    def ping(self) -> None:
        self._protocol.send_ping(b"")

    def close(self, closing: Closing) -> None:
        """Say goodbye; the client shall do so, too."""
        self._protocol.send_close(*closing)

    def fail(self, closing: Closing) -> None:
        """Say goodbye and hear no more."""
        self._has_failed, self._parts, self.held = True, [], 0
        self._protocol.fail(*closing)

    def take_output(self) -> tuple[bytes, bool]:
        """Return what is to be sent, and whether that is the last."""
        parts = self._protocol.data_to_send()
        return b"".join(parts), SEND_EOF in parts


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
