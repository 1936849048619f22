"""The plane's name service: the names of Services lead to the gateway, all others to nothing."""

import asyncio
import contextlib
import socket
from ipaddress import IPv4Address

from tests.support.control_plane.layout import ADDRESSES, AUTOSCALER, GATES, SYSTEM_NAMESPACE

_PORT = 53
_DOMAIN = ".svc.cluster.local"
_AUTOSCALER = f"autoscaler.{SYSTEM_NAMESPACE}{_DOMAIN}"
_ADDRESS_TYPE, _NO_SUCH_NAME = 1, 3
_PKTINFO = 8
"""IP_PKTINFO of ip(7), which Python's socket does not name: with each packet the address that it was sent to."""
_ADDRESS = slice(4, 8)


def address_of(name: str) -> str:
    """Return the address of a name, empty for one that is none of the cluster's."""
    if name == _AUTOSCALER:
        return ADDRESSES[AUTOSCALER]
    # Any address of the plane's first namespace does: the gateway listens on all of them.
    return GATES[AUTOSCALER] if name.endswith(_DOMAIN) and name.count(".") == 4 else ""


def answer(question: bytes) -> bytes:
    """Answer one question (RFC 1035, section 4): an address, none of that type, or that there is no such name."""
    labels, end = [], 12
    while length := question[end]:
        labels.append(question[end + 1 : end + 1 + length].decode("latin-1"))
        end += length + 1
    address = address_of(".".join(labels).lower())
    kind = int.from_bytes(question[end + 1 : end + 3], "big")
    record = b""
    if address and kind == _ADDRESS_TYPE:
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04" + IPv4Address(address).packed
    flags = bytes([0x84, 0x00 if address else _NO_SUCH_NAME])
    counts = b"\x00\x01" + (b"\x00\x01" if record else b"\x00\x00") + b"\x00\x00\x00\x00"
    return question[:2] + flags + counts + question[12 : end + 5] + record


def open_port(port: int = _PORT) -> socket.socket:
    """Return a socket on all addresses that tells which one a question was sent to."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setblocking(False)
    listening.setsockopt(socket.IPPROTO_IP, _PKTINFO, 1)
    listening.bind(("0.0.0.0", port))
    return listening


def reply(listening: socket.socket) -> None:
    """Answer a question from the very address that was asked: who asks takes an answer from no other.

    An answer from another one, which the route back would choose, cost Knative's autoscaler 20 s for each name.
    """
    with contextlib.suppress(BlockingIOError, IndexError):  # an answer that is lost is asked for again
        question, told, _, sender = listening.recvmsg(512, socket.CMSG_SPACE(12))
        asked = next(data[_ADDRESS] for _, kind, data in told if kind == _PKTINFO)
        back = (socket.IPPROTO_IP, _PKTINFO, bytes(4) + asked + bytes(4))
        listening.sendmsg([answer(question)], [back], 0, sender)


def serve_names(loop: asyncio.AbstractEventLoop) -> None:
    """Answer questions on all addresses, as long as the loop runs."""
    listening = open_port()
    loop.add_reader(listening, reply, listening)
