"""A client's address on its way to the worker: three numbers, which take the place of a timing in a request's frame.

IPv4 addresses travel as IPv6 has them (RFC 4291, section 2.5.5.2: `::ffff:a.b.c.d`). A port of 0 means that there is
no address: the client came over a Unix socket.
"""

import socket
import struct
from functools import lru_cache
from typing import Any

Packed = tuple[int, int, int]
"""The port, and the upper and the lower half of the address."""

NONE: Packed = (0, 0, 0)

_HALVES = struct.Struct(">QQ")
_MAPPED = b"\0" * 10 + b"\xff\xff"
_REMEMBERED_CLIENTS = 1024


def pack(peer: Any) -> Packed:  # noqa: ANN401 -- what getpeername() of any kind of socket gives
    """Return the numbers for a socket's peer name."""
    if not isinstance(peer, tuple):
        return NONE
    host, port = peer[:2]
    if len(peer) == 2:
        address = _MAPPED + socket.inet_aton(host)
    else:
        address = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])  # the zone is for this machine only
    upper, lower = _HALVES.unpack(address)
    return port, upper, lower


@lru_cache(maxsize=_REMEMBERED_CLIENTS)
def unpack(port: int, upper: int, lower: int) -> tuple[str, int] | None:
    """Return host and port as ASGI has them; None without an address. Many requests share a client, hence the cache."""
    if not port:
        return None
    address = _HALVES.pack(upper, lower)
    if address.startswith(_MAPPED):
        return socket.inet_ntoa(address[len(_MAPPED) :]), port
    return socket.inet_ntop(socket.AF_INET6, address), port
