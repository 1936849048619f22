"""A registry, spoken to over HTTP (the Distribution API): what a name means there, without a Docker engine.

Only reads. Every answer is bounded in bytes and all of them together in time, since a registry may be anybody's.
"""

import base64
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx2

from analyzers.lean.printable import in_short
from gaia_cli.errors import ClusterRefused, GaiaError, MissingPartError, RegistryUnreachable
from gaia_cli.images.logins import Login, docker_login
from gaia_cli.images.references import DOCKER_HUB, Reference

TOTAL_S = 60.0
"""How long a look-up may take, all of its requests together."""
_STEP_S = 10.0
MOST_ANSWER_BYTES = 4 * 1024 * 1024
"""Of an answer: what registries themselves take as a manifest at most."""
_CERTIFICATES = Path("/etc/docker/certs.d")
"""Where Docker looks for the certificates that it trusts for one registry alone."""
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128")))
_PARAMETER = re.compile(r'\b([a-z]++)=(?:"([^"]*+)"|([^\s,"]++))', re.IGNORECASE)
_SHORT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry sent: the bytes, and the digest that it says they have, if it does."""

    body: bytes
    digest: str


class Registry:
    """The registry of one image, with the login that Docker has for it; use it in a `with`.

    Some give a token for a name that is not there yet only to who asks `for_push`.
    """

    def __init__(self, image: Reference, login: Login | None, *, for_push: bool = False) -> None:
        self._image = image
        self._rights = "pull,push" if for_push else "pull"
        self._login = login
        self._authorization = ""
        self._schemes = ["https", "http"] if may_be_plain(image.host) else ["https"]
        self._until = time.monotonic() + TOTAL_S
        self._client = httpx2.Client(
            verify=_trusted(image.host),
            timeout=_STEP_S,
            follow_redirects=True,
            max_redirects=5,
            trust_env=not _is_here(image.host),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def manifest(self, version: str, accept: tuple[str, ...]) -> Answer | None:
        """Return the manifest under a tag or a digest, None where there is none.

        Raises:
            MissingPartError: the registry wants a login, and there is none or a wrong one.
            ClusterRefused: it cannot be reached, or says no.
        """
        return self._get(f"manifests/{version}", ", ".join(accept))

    def blob(self, digest: str) -> Answer | None:
        """Return the blob of `digest`, None where there is none; it raises what `manifest` does."""
        return self._get(f"blobs/{digest}", "*/*")

    def _get(self, what: str, accept: str) -> Answer | None:
        path = f"/v2/{self._image.path}/{what}"
        status, headers, body = self._first_answer(path, accept)
        if status == HTTPStatus.UNAUTHORIZED:
            self._authorization = self._authorize(headers.get("www-authenticate", ""))
            status, headers, body = self._send("GET", self._url(path), accept=accept)
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise self._refusal(status, body)
        return Answer(body, headers.get("docker-content-digest", ""))

    def _first_answer(self, path: str, accept: str) -> tuple[int, httpx2.Headers, bytes]:
        """Ask over TLS, and where that cannot be had and may be left out, without."""
        try:
            return self._send("GET", self._url(path), accept=accept)
        except RegistryUnreachable:
            if len(self._schemes) == 1:
                raise
        self._schemes.pop(0)
        return self._send("GET", self._url(path), accept=accept)

    def _url(self, path: str) -> str:
        host = f"registry-1.{DOCKER_HUB}" if self._image.host == DOCKER_HUB else self._image.host
        return f"{self._schemes[0]}://{host}{path}"

    def _send(
        self, method: str, url: str, *, accept: str = "*/*", authorization: str = "", data: dict[str, str] | None = None
    ) -> tuple[int, httpx2.Headers, bytes]:
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if sent := authorization or (self._authorization if data is None else ""):
            headers["Authorization"] = sent
        with self._explained(), self._client.stream(method, url, headers=headers, data=data) as response:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MOST_ANSWER_BYTES:
                    raise ClusterRefused(
                        f"the registry {self._image.host} sends more than {MOST_ANSWER_BYTES >> 20} MiB"
                    )
                if time.monotonic() > self._until:
                    raise httpx2.ReadTimeout(f"no whole answer in {TOTAL_S:.0f} s")
            return response.status_code, response.headers, bytes(body)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.TransportError, httpx2.TooManyRedirects, httpx2.InvalidURL) as error:
            said = in_short(str(error) or type(error).__name__, _SHORT)
            raise RegistryUnreachable(
                f"the registry {self._image.host} cannot be reached for {self._image}: {said}", self._advice(error)
            ) from None

    def _advice(self, error: BaseException | None) -> str:
        """Return what to do about a failed connection, by what lies at the bottom of it."""
        while error is not None and not isinstance(error, ssl.SSLError):
            error = error.__cause__ or error.__context__
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"put its CA into {_CERTIFICATES / self._image.host}/ca.crt, or set SSL_CERT_FILE"
        if error is not None:
            return "it has no TLS that this machine takes, and only a registry at a private address may do without"
        return "check its name and port, and the network here"

    def _authorize(self, challenge: str) -> str:
        """Return the header that answers `challenge`: a token from where it says, else the login itself."""
        scheme, _, rest = challenge.partition(" ")
        parameters = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        if scheme.lower() == "bearer" and "realm" in parameters:
            return f"Bearer {self._token(parameters)}"
        if scheme.lower() == "basic" and self._login and self._login.username:
            return _basic(self._login)
        raise self._denied()

    def _token(self, challenge: dict[str, str]) -> str:
        realm = challenge["realm"]
        if urlsplit(realm).scheme not in self._schemes:
            raise ClusterRefused(
                f"the registry {self._image.host} sends its users to {in_short(realm, _SHORT)} for a token",
                "no login is sent there: it is no address with TLS",
            )
        asked = {"scope": f"repository:{self._image.path}:{self._rights}"}
        if service := challenge.get("service"):
            asked["service"] = service
        if self._login and self._login.identity_token:
            form = asked | {
                "grant_type": "refresh_token",
                "refresh_token": self._login.identity_token,
                "client_id": "gaia",
            }
            status, _, body = self._send("POST", realm, data=form)
        else:
            address = str(httpx2.URL(realm).copy_merge_params(asked))
            status, _, body = self._send("GET", address, authorization=_basic(self._login) if self._login else "")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise self._denied()
        token = _token_in(body) if status == HTTPStatus.OK else ""
        if not token:
            raise self._refusal(status, body)
        return token

    def _denied(self) -> GaiaError:
        login = docker_login(self._image.host)
        if self._login is None:
            return MissingPartError(
                f"the registry {self._image.host} wants a login for {self._image}, and there is none", login
            )
        who = f" of {self._login.username}" if self._login.username else ""
        return MissingPartError(
            f"the registry {self._image.host} does not take the login{who} for {self._image}", f"log in again: {login}"
        )

    def _refusal(self, status: int, body: bytes) -> GaiaError:
        if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and self._login is None):
            return self._denied()
        hint = (
            "check the name, or ask for the right to pull there"
            if status == HTTPStatus.FORBIDDEN
            else "try again later"
        )
        said = in_short(body.decode(errors="replace").strip(), _SHORT)
        return ClusterRefused(f"the registry {self._image.host} answers {status} for {self._image}: {said}", hint)


def may_be_plain(host: str) -> bool:
    """Return whether a registry may be spoken to without TLS, as Knative's resolver decides: local and private ones."""
    name = _without_port(host)
    address = _address(name)
    if address is None:
        return name == "localhost" or name.endswith((".local", ".localhost"))
    return any(address in network for network in _PRIVATE)


def _is_here(host: str) -> bool:
    """Return whether a registry is on this machine, where no proxy stands between, whatever the variables say."""
    name = _without_port(host)
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback


def _without_port(host: str) -> str:
    return re.sub(r":[0-9]+\Z", "", host)


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None


def _trusted(host: str) -> ssl.SSLContext:
    """Return the system's certificates, and those that Docker is given for `host`."""
    context = ssl.create_default_context()
    for file in sorted((_CERTIFICATES / host).glob("*.crt")):
        context.load_verify_locations(cafile=str(file))
    return context


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _token_in(body: bytes) -> str:
    import json

    try:
        answer = json.loads(body)
        return str(answer.get("token") or answer.get("access_token") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""
