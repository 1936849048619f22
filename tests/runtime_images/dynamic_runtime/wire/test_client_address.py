"""Tests of the client's address on its way to the function."""

import http.client
import json
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.wire import client_address
from tests.support.serving import free_port, serving, write_function

PORTS = st.integers(1, 65535)


@given(st.ip_addresses(v=4), PORTS)
def test_an_ipv4_address_arrives_as_it_was(address: IPv4Address | IPv6Address, port: int) -> None:
    assert client_address.unpack(*client_address.pack((str(address), port))) == (str(address), port)


@given(st.ip_addresses(v=6, network="2000::/3"), PORTS)
def test_an_ipv6_address_arrives_as_it_was(address: IPv4Address | IPv6Address, port: int) -> None:
    host, arrived_port = client_address.unpack(*client_address.pack((str(address), port, 0, 0))) or ("", 0)

    assert (IPv6Address(host), arrived_port) == (address, port)


def test_a_client_of_a_dual_stack_socket_is_reported_as_the_ipv4_client_that_it_is() -> None:
    assert client_address.unpack(*client_address.pack(("::ffff:10.0.0.7", 80, 0, 0))) == ("10.0.0.7", 80)


def test_the_zone_of_a_link_local_address_is_left_out() -> None:
    assert client_address.unpack(*client_address.pack(("fe80::1%eth0", 80, 0, 2))) == ("fe80::1", 80)


@pytest.mark.parametrize("peer", ["", b"", None])
def test_a_client_on_a_unix_socket_has_no_address(peer: object) -> None:
    assert client_address.unpack(*client_address.pack(peer)) is None


def test_an_application_sees_who_is_connected(tmp_path: Path) -> None:
    source = """
        import json

        async def handle(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(scope["client"]).encode()})
    """
    with serving(write_function(tmp_path, source), PORT=str(free_port())) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/")
        own = connection.sock.getsockname()
        seen = json.loads(connection.getresponse().read())
        connection.close()

    assert tuple(seen) == own
