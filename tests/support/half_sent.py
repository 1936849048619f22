"""Clients that send nearly all of a long body each, and then nothing: together more than a small container holds."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BODY_BYTES = 16 * 1024 * 1024


@contextmanager
def half_sent_bodies(port: int, clients: int) -> Iterator[list[socket.socket]]:
    """Have so many clients send all but a byte of the longest body that is taken, as far as they are read."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    senders = [threading.Thread(target=_send, args=(client,)) for client in sockets]
    try:
        for sender in senders:
            sender.start()
        time.sleep(2)
        yield sockets
    finally:
        for client in sockets:
            client.shutdown(socket.SHUT_RDWR)
            client.close()
        for sender in senders:
            sender.join()


def _send(client: socket.socket) -> None:
    try:
        client.sendall(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES)
        client.sendall(b"x" * (BODY_BYTES - 1))
    except OSError:
        pass  # it was refused, or the test is over
