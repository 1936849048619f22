"""A connection of HTTP/1.1 that goes on as a WebSocket, once the answer to one of its requests says so (101).

From there on the WebSocket is its transport's protocol; what the server knows of it, and closes, stays this object.
What is needed to speak it is loaded when the first client asks for it: most functions never do.
"""

from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.edge.connection import HttpConnection
from runtime_images.dynamic_runtime.edge.outlet import SocketListener
from runtime_images.dynamic_runtime.edge.web_sockets.web_socket import WebSocket

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.edge.application import Server


class SwitchingConnection(HttpConnection):
    """One client connection, which may be used as a WebSocket."""

    _socket: WebSocket | None = None

    def __init__(self, server: "Server[HttpConnection]") -> None:
        super().__init__(server)
        self._outlet.switch = self._switch

    def _switch(self, head: bytes, listener: SocketListener) -> WebSocket:
        from runtime_images.dynamic_runtime.edge.web_sockets.conversation import Conversation

        server, transport = self._server, self._outlet.transport
        assert transport is not None
        conversation, first = Conversation(server.max_body_bytes), self._reader.hand_over()
        self._socket = socket = WebSocket(
            self, self._outlet, conversation, listener, server.budget, server.loop, server.now, first
        )  # fmt: skip
        self._outlet.write(head)
        transport.set_protocol(socket)
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()
        if self._client_done:
            server.loop.call_soon(socket.eof_received)
        return socket

    def check_deadline(self, now_s: float) -> None:
        if self._socket is not None:
            self._socket.check(now_s)
        super().check_deadline(now_s)
