"""A TCP proxy for tests that does to connections what networks do: it cuts them, holds them, or lets nothing in."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Passes bytes to `host:port` from an address of its own; what it does is changed while it runs.

    `cut_after` cuts each connection once so many bytes have come back. `hold` passes nothing on any more, in silence.
    With `connect` it speaks HTTP's CONNECT first, as a proxy for HTTPS does; `asked` are the places that were named.
    """

    def __init__(self, host: str, port: int, *, connect: bool = False) -> None:
        self._to = (host, port)
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.cut_after: int | None = None
        self.hold = threading.Event()
        self.asked: list[str] = []
        self.connections = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() would go on listening
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection that is open."""
        while self._open:
            one = self._open.pop()
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._connect:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                self.asked.append(head.split()[1].decode())
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server = socket.create_connection(self._to)
            self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
            self._pass(server, client, self.cut_after)

    def _pass(self, source: socket.socket, sink: socket.socket, most: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if self.hold.is_set():
                    continue
                sink.sendall(piece if most is None else piece[: most - passed])
                passed += len(piece)
                if most is not None and passed >= most:
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
