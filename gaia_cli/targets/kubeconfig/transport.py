"""A connection that proves who asks: certificates, headers, a proxy, or what a plugin hands out."""

import asyncio
import base64
import ipaddress
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import httpx2

from gaia_cli.errors import ConfigurationError, MissingPartError
from gaia_cli.targets.kubeconfig.entries import Certificate, Cluster, User
from gaia_cli.targets.kubeconfig.exec_plugin import Credential, Plugin, ask
from runtime_images.cluster.access import Authenticated, TokenFile, connections, trusting
from runtime_images.cluster.errors import AccessError

Headers = list[tuple[bytes, bytes]]
Clock = Callable[[], float]

_MOST_RUNS = 2
_RUNS_WITHIN_S = 30.0
"""A plugin runs at most twice in this time, which is longer than most commands."""


class Heading(httpx2.AsyncBaseTransport):
    """A transport that adds the same headers to every request, and asks for the server by `tls_name`."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, headers: Headers, tls_name: str = "") -> None:
        self._inner = inner
        self._headers = headers
        self._tls_name = tls_name

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request with the headers."""
        request.headers = httpx2.Headers([*request.headers.raw, *self._headers])
        if self._tls_name:
            request.extensions = {**request.extensions, "sni_hostname": self._tls_name}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class HandedOut:
    """The credential that a plugin has handed out last, and when it may be asked again."""

    def __init__(self, plugin: Plugin, cluster: Cluster, environ: Mapping[str, str], clock: Clock = time.time) -> None:
        self._plugin, self._cluster, self._environ, self._clock = plugin, cluster, environ, clock
        self._runs: list[float] = []
        self._last: Credential | None = None

    async def credential(self, refused: Credential | None = None) -> Credential:
        """Return what to prove oneself with, other than what was `refused` where the plugin may be asked again."""
        last, now = self._last, self._clock()
        recent = [run for run in self._runs if 0 <= now - run < _RUNS_WITHIN_S]
        if last is not None and (self._is_good(last, refused, now) or len(recent) >= _MOST_RUNS):
            return last
        self._runs = [*recent, now]
        self._last = await ask(self._plugin, self._cluster, self._environ)
        return self._last

    def _is_good(self, last: Credential, refused: Credential | None, now: float) -> bool:
        """Return whether to go on with `last`: what was born expired tells of a clock that is wrong, here or there."""
        was_born_good = last.expires_at is not None and last.expires_at > self._runs[-1]
        return last is not refused and not (was_born_good and last.expires_at is not None and now >= last.expires_at)


class Plugged(httpx2.AsyncBaseTransport):
    """A transport that proves itself with what a plugin hands out, and asks for another one when that is refused."""

    def __init__(self, source: HandedOut, connect: Callable[[Certificate | None], httpx2.AsyncBaseTransport]) -> None:
        self._source = source
        self._connect = connect
        self._lock = asyncio.Lock()
        self._inner: dict[Certificate | None, httpx2.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; once more with another credential after 401, if there is another."""
        credential = await self._credential()
        response = await self._sent(request, credential)
        if response.status_code != 401:
            return response
        try:
            other = await self._credential(refused=credential)
        except BaseException:
            await response.aclose()
            raise
        if other is credential:
            return response
        await response.aclose()
        return await self._sent(request, other)

    async def aclose(self) -> None:
        """Close the connections."""
        for inner in self._inner.values():
            await inner.aclose()

    async def _credential(self, refused: Credential | None = None) -> Credential:
        async with self._lock:
            return await self._source.credential(refused)

    async def _sent(self, request: httpx2.Request, credential: Credential) -> httpx2.Response:
        if credential.certificate not in self._inner:
            self._inner[credential.certificate] = self._connect(credential.certificate)
        if credential.token:
            request.headers["Authorization"] = f"Bearer {credential.token}"
        return await self._inner[credential.certificate].handle_async_request(request)


def transport_maker(
    cluster: Cluster, user: User, plugin: Plugin | None, environ: Mapping[str, str]
) -> Callable[[], httpx2.AsyncBaseTransport]:
    """Return what makes a connection to the cluster as the user; what cannot be used is said now.

    Raises:
        ConfigurationError: a certificate cannot be used.
        MissingPartError: a proxy needs a library that is not installed.
    """
    proxy = proxy_for(cluster, environ)
    try:
        fixed = _connected(cluster, user.certificate, proxy)
    except AccessError as error:
        raise ConfigurationError(error.message, error.hint) from None
    except ImportError:
        raise MissingPartError("a SOCKS proxy needs a library that is not installed", "pip install socksio") from None
    del fixed
    asked = HandedOut(plugin, cluster, environ) if plugin and not (user.token or user.token_file or user.name) else None

    def make() -> httpx2.AsyncBaseTransport:
        if asked is not None:
            inner: httpx2.AsyncBaseTransport = Plugged(
                asked, lambda certificate: _connected(cluster, certificate or user.certificate, proxy)
            )
        else:
            inner = _connected(cluster, user.certificate, proxy)
        if user.token_file is not None:
            inner = Authenticated(inner, TokenFile(user.token_file))
        return Heading(inner, _headers(user), cluster.tls_name)

    return make


def proxy_for(cluster: Cluster, environ: Mapping[str, str]) -> str:
    """Return the proxy to a cluster: the kubeconfig's, else the environment's, as kubectl takes it; empty for none."""
    if cluster.proxy:
        return cluster.proxy
    parts = urlsplit(cluster.server)
    name = f"{parts.scheme}_proxy"
    proxy = environ.get(name.upper()) or environ.get(name) or ""
    if not proxy or _is_direct(parts.hostname or "", environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_direct(host: str, exceptions: str) -> bool:
    """Return whether a host is reached without the environment's proxy."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(host, address, item.strip().lower()) for item in exceptions.split(","))


def _matches(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, item: str) -> bool:
    if item == "*":
        return True
    if address is not None:
        try:
            return address in ipaddress.ip_network(item, strict=False)
        except ValueError:
            return False
    return bool(item) and (host == item.removeprefix("*") or host.endswith("." + item.removeprefix("*").lstrip(".")))


def _headers(user: User) -> Headers:
    acting = user.acting_as
    texts = [("Impersonate-User", acting.user), ("Impersonate-Uid", acting.uid)]
    texts += [("Impersonate-Group", group) for group in acting.groups]
    for key, values in acting.extra.items():
        texts += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for value in values]
    if user.name:
        texts.append(("Authorization", "Basic " + base64.b64encode(f"{user.name}:{user.password}".encode()).decode()))
    elif user.token and user.token_file is None:
        texts.append(("Authorization", f"Bearer {user.token}"))
    return [(name.encode("ascii"), value.encode()) for name, value in texts if value]


def _connected(cluster: Cluster, certificate: Certificate | None, proxy: str) -> httpx2.AsyncHTTPTransport:
    context = trusting(cluster.ca)
    if cluster.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        _prove(context, certificate)
    return connections(context, httpx2.Proxy(proxy) if proxy else None)


def _prove(context: ssl.SSLContext, certificate: Certificate) -> None:
    """Let a connection prove itself; Python takes a key from a file only, so that it lies in one for a moment."""
    try:
        with _file_of(f"{certificate.certificate}\n{certificate.key}") as path:
            context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        said = error.reason if isinstance(error, ssl.SSLError) and error.reason else "the key has a password"
        raise AccessError(
            f"the client certificate and key cannot be used: {said}", "check them in the kubeconfig; both must be PEM"
        ) from None


def _no_password() -> str:
    raise ValueError("the key has a password")


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    """Yield the path of a file with `text` that nobody else can read: in memory, where the system has that."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("certificate")
        try:
            os.write(handle, text.encode())
            yield f"/proc/self/fd/{handle}"
        finally:
            os.close(handle)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        yield file.name
