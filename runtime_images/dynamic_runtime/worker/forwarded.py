"""Who the client is, and by which scheme it came, where a proxy that is trusted says so: X-Forwarded-For and -Proto.

Which proxies are trusted stands in FORWARDED_ALLOW_IPS, addresses and networks with commas between them or `*`, as for
uvicorn and gunicorn. Without it those of this machine are, as Knative's queue-proxy is one.
"""

import ipaddress
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache

VARIABLE = "FORWARDED_ALLOW_IPS"
_OF_THIS_MACHINE = "127.0.0.1,::1"
_SCHEMES = ("http", "https")
_REMEMBERED = 1024
_PORT_DIGITS = 5

Client = tuple[str, int]
Forwarding = tuple[tuple[Client, ...], str]
"""Hosts and ports of X-Forwarded-For, those of the client first, and the scheme, empty where none is said."""


class Proxies:
    """The proxies whose word counts, as the variable names them; what is no address names none."""

    def __init__(self, text: str) -> None:
        names = [name.strip() for name in text.split(",")]
        self._all = "*" in names
        self._networks = [network for name in names if (network := _network(name)) is not None]
        self.trusts = lru_cache(maxsize=_REMEMBERED)(self._trusts)

    def _trusts(self, host: str) -> bool:
        if self._all:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def resolve(self, client: Client | None, said: Forwarding) -> tuple[Client | None, str]:
        """Return the client and its scheme, given who has connected and what that says.

        Of several proxies in a row the last that is not trusted is the client: what it says itself, anybody can say.
        """
        clients, scheme = said
        if not self.trusts(client[0] if client else ""):
            return client, "http"
        for client in reversed(clients):
            if not self.trusts(client[0]):
                break
        return client, scheme or "http"


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def forwarding_of(headers: Iterable[tuple[bytes, bytes]]) -> Forwarding | None:
    """Return what headers say of a client behind proxies; None if they say nothing."""
    clients, scheme = list[Client](), ""
    for name, value in headers:
        if name == b"x-forwarded-for":
            clients += [_client(item) for item in _items(value)]
        elif name == b"x-forwarded-proto" and not scheme:
            first, *_ = [*_items(value), ""]
            scheme = first.lower() if first.lower() in _SCHEMES else ""
    return (tuple(clients), scheme) if clients or scheme else None


def _items(value: bytes) -> Sequence[str]:
    return [item for part in value.decode("latin-1").split(",") if (item := part.strip())]


def _client(text: str) -> Client:
    """Return host and port of `1.2.3.4:80`, `[2001:db8::1]:80` and their like; the port is 0 where none is said."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    digits = port.lstrip(":")
    return host, int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _PORT_DIGITS else 0


PROXIES = Proxies(os.environ.get(VARIABLE, _OF_THIS_MACHINE))
"""Those that this worker trusts: the variable is the function's, as others of its environment are."""
