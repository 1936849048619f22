"""How a connection proves who asks, and which way it goes; the rest is tried on a real API server."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from gaia_cli.targets.kubeconfig.entries import Certificate, Cluster, Impersonated, User
from gaia_cli.targets.kubeconfig.exec_plugin import Plugin
from gaia_cli.targets.kubeconfig.transport import HandedOut, Heading, proxy_for, transport_maker
from runtime_images.cluster.errors import AccessError


class Echo(httpx2.AsyncBaseTransport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        return httpx2.Response(200)


def headers_of(user: User) -> list[tuple[str, str]]:
    echo = Echo()
    made = transport_maker(Cluster("https://one.test"), user, None, {})()
    assert isinstance(made, Heading)
    made._inner = echo
    request = httpx2.Request("GET", "https://one.test/version")
    asyncio.run(made.handle_async_request(request))
    return [(name.decode(), value.decode()) for name, value in echo.sent[0].headers.raw]


def test_a_name_and_a_password_are_sent_as_basic_authentication() -> None:
    assert ("Authorization", "Basic YW5uYTrDpA==") in headers_of(User(name="anna", password="ä"))


def test_whom_to_act_as_is_sent_with_every_group() -> None:
    acting = Impersonated("jäne", "7", ("dev", "ops"), {"example.test/a b": ("x", "y")})

    sent = headers_of(User(token="t", acting_as=acting))

    assert ("Impersonate-User", "jäne") in sent
    assert [value for name, value in sent if name == "Impersonate-Group"] == ["dev", "ops"]
    assert [value for name, value in sent if name == "Impersonate-Extra-example.test%2Fa%20b"] == ["x", "y"]
    assert ("Authorization", "Bearer t") in sent


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("https://a.test", {}, ""),
        ("https://a.test", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://a.test", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://a.test", {"HTTP_PROXY": "http://p:1"}, ""),
        ("http://a.test", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("https://a.test", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, ""),
        ("https://b.a.test", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".a.test"}, ""),
        ("https://xa.test", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "http://p:1"),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "no_proxy": "10.0.0.0/8"}, ""),
        ("https://11.1.2.3", {"HTTPS_PROXY": "http://p:1", "no_proxy": "10.0.0.0/8"}, "http://p:1"),
        ("https://a.test", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ""),
        ("https://localhost:6443", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("https://[::1]:6443", {"HTTPS_PROXY": "http://p:1"}, ""),
    ],
)
def test_the_environments_proxy_is_taken_as_kubectl_takes_it(server: str, environ: dict[str, str], proxy: str) -> None:
    assert proxy_for(Cluster(server), environ) == proxy


def test_the_kubeconfigs_proxy_goes_before_the_environments() -> None:
    cluster = Cluster("https://127.0.0.1", proxy="http://q:2")

    assert proxy_for(cluster, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}) == "http://q:2"


def test_a_plugin_runs_again_when_what_it_gave_has_expired_and_never_without_end(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    login = tmp_path / "login"
    login.write_text(
        f"""#!/bin/sh
echo run >> {runs}
echo '{{"apiVersion": "v", "status": {{"token": "t", "expirationTimestamp": "1970-01-01T00:16:50Z"}}}}'
"""
    )
    login.chmod(0o755)
    now = 1000.0
    source = HandedOut(Plugin("v", str(login), mode="Never"), Cluster("https://a"), {}, lambda: now)

    async def at(*times: float) -> int:
        nonlocal now
        for now in times:  # noqa: B007 -- the clock that the source looks at
            await source.credential()
        return len(runs.read_text().splitlines())

    assert asyncio.run(at(1000.0, 1005.0, 1009.0)) == 1
    assert asyncio.run(at(1010.0, 1011.0, 1012.0)) == 2
    assert asyncio.run(at(2000.0, 2001.0, 2100.0)) == 2


def test_a_key_with_a_password_is_refused_and_nobody_is_asked() -> None:
    from gaia_cli.targets.kubeconfig.transport import _connected

    with pytest.raises(AccessError, match="cannot be used"):
        _connected(Cluster("https://a"), Certificate("no", "PEM"), "")
