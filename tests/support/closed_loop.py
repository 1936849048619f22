"""A closed-loop HTTP load: some connections, each sending its next request when the last one is answered.

One thread over epoll, so that the client costs less than the servers that it measures.
"""

import select
import socket
import time
from dataclasses import dataclass, field

_RECEIVE_BYTES = 1 << 18


@dataclass
class Load:
    """What a load saw: the latencies of all answers in seconds, and for how long it ran."""

    latencies_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def rps(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.elapsed_s


class _Client:
    """One connection. What it must still send, and how many bytes of the present answer are still to come."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.sent_at = 0.0
        self._request = memoryview(request)
        self._unsent = self._request[:0]
        self._head = b""
        self._missing = 0
        self.is_last = False

    def begin(self, now: float) -> bool:
        """Send the next request; whether some of it is left to send."""
        self.sent_at = now
        self._unsent = self._request
        return self.send()

    def send(self) -> bool:
        """Send on; whether some is left."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return True
        return len(self._unsent) > 0

    def receive(self) -> bool:
        """Take what came; whether the answer is whole now.

        Raises:
            ConnectionError: the connection ended before the answer did.
            SystemExit: the answer is no 200, or has no length.
        """
        data = self.socket.recv(_RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server closed the connection before it had answered")
        if self._missing:
            self._missing -= len(data)
            return not self._missing
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return False
        at = self._head.lower().find(b"\r\ncontent-length:", 0, end + 2)
        if not self._head.startswith(b"HTTP/1.1 200 ") or at < 0:
            raise SystemExit(f"unexpected answer: {self._head[:300]!r}")
        self.is_last = b"\r\nconnection: close\r\n" in self._head[: end + 2].lower()
        length = int(self._head[at + 17 : self._head.find(b"\r\n", at + 17)])
        self._missing = end + 4 + length - len(self._head)
        self._head = b""
        return not self._missing


def load(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Send `request` again and again on so many connections for so many seconds; every answer must be a 200.

    Raises:
        OSError: nobody listens there, or a connection broke.
    """
    result = Load()
    clients: dict[int, _Client] = {}
    poll = select.epoll()

    def connect() -> _Client:
        client = _Client(port, request)
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
        return client

    for _ in range(connections):
        connect()
    begun = now = time.perf_counter()
    until = begun + seconds
    for number, client in clients.items():
        _watch(poll, number, sending=client.begin(now))
    busy = connections
    while busy:
        for number, event in poll.poll():
            client = clients[number]
            if event & select.EPOLLOUT and not client.send():
                _watch(poll, number, sending=False)
            if not event & ~select.EPOLLOUT or not client.receive():
                continue
            now = time.perf_counter()
            result.latencies_s.append(now - client.sent_at)
            if now >= until or client.is_last:  # some servers end a connection after so many requests, and say so
                poll.unregister(number)
                client.socket.close()
                if now >= until:
                    busy -= 1
                else:
                    client = connect()
                    _watch(poll, client.socket.fileno(), sending=client.begin(now))
            elif client.begin(now):
                _watch(poll, number, sending=True)
    result.elapsed_s = time.perf_counter() - begun
    poll.close()
    return result


def _watch(poll: select.epoll, number: int, *, sending: bool) -> None:
    poll.modify(number, select.EPOLLIN | select.EPOLLOUT if sending else select.EPOLLIN)
