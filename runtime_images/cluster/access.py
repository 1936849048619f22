"""How to reach a cluster: its server, and a transport that authenticates.

In the cluster the pod's own account says it; on a laptop the kubeconfig does, which the command line reads.
"""

import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from runtime_images.cluster.errors import AccessError, MissingError

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IDLE_S, _PROBE_S, _PROBES = 30, 10, 3
"""When a quiet connection is asked whether its other end still lives: a minute after that died, it is known."""


@dataclass(frozen=True, slots=True)
class Access:
    """A cluster and who asks. `transport` makes a connection; `context`, `user` and `proxy` are for people."""

    server: str
    namespace: str
    context: str
    user: str
    transport: Callable[[], httpx2.AsyncBaseTransport]
    proxy: str = ""


class Authenticated(httpx2.AsyncBaseTransport):
    """A transport whose every request passes through `auth`."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, auth: httpx2.Auth) -> None:
        self._inner = inner
        self._auth = auth

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and again where `auth` has something better after the answer."""
        flow: AsyncGenerator[httpx2.Request, httpx2.Response] = self._auth.async_auth_flow(request)
        try:
            authenticated = await anext(flow)
            while True:
                response = await self._inner.handle_async_request(authenticated)
                response.request = authenticated
                try:
                    following = await flow.asend(response)
                except StopAsyncIteration:
                    return response
                except BaseException:
                    await response.aclose()
                    raise
                await response.aclose()
                authenticated = following
        finally:
            await flow.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class TokenFile(httpx2.Auth):
    """A bearer token in a file, which is read anew when the server no longer takes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send the token; once more with a newly read one after 401, if that is another."""
        sent = self._token = self._token or self._read()
        request.headers["Authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code == 401:
            self._token = self._read()
            if self._token != sent:
                request.headers["Authorization"] = f"Bearer {self._token}"
                yield request

    def _read(self) -> str:
        try:
            token = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is no token"
            raise AccessError(f"the token file {self._path} cannot be read: {said}") from None
        if not token or not token.isprintable() or " " in token:
            raise AccessError(f"the token file {self._path} holds no token")
        return token


def trusting(ca: str = "") -> ssl.SSLContext:
    """Return the TLS settings for a server whose certificate `ca` has signed, in PEM; empty for the system's own.

    Python 3.13 asks more of a certificate than the authorities of many clusters put into theirs, and than kubectl asks.

    Raises:
        ssl.SSLError: `ca` holds no certificate.
    """
    context = ssl.create_default_context(cadata=ca or None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def connections(context: ssl.SSLContext, proxy: httpx2.Proxy | None = None) -> httpx2.AsyncHTTPTransport:
    """Return a transport that notices when the other end of a quiet connection has died."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", _IDLE_S), ("TCP_KEEPINTVL", _PROBE_S), ("TCP_KEEPCNT", _PROBES)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return httpx2.AsyncHTTPTransport(verify=context, proxy=proxy, trust_env=False, socket_options=options)


def from_pod(environ: Mapping[str, str], account: Path = _ACCOUNT) -> Access:
    """Return the access of the pod that this process runs in.

    Raises:
        MissingError: this is no pod, or it has no account.
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = account / "token"
    if not host or not token.exists():
        raise MissingError("this process runs in no pod with an account", "give a kubeconfig: --kubeconfig FILE")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    namespace = (account / "namespace").read_text().strip()

    def transport() -> httpx2.AsyncBaseTransport:
        return Authenticated(connections(trusting((account / "ca.crt").read_text("ascii"))), TokenFile(token))

    return Access(server, namespace, "in-cluster", "the pod's account", transport)
