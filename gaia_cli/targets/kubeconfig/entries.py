"""What the entries of a kubeconfig say, checked: every key is understood, or the entry is refused.

A key that one client heeds and another does not know is how somebody comes to act with rights that the file does not
grant, or on a cluster that it does not mean.
"""

import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from analyzers.lean.files import read_bounded
from gaia_cli.targets.kubeconfig.files import MOST_BYTES, Entry, KubeconfigError, text_of
from runtime_images.cluster.access import trusting

_CLUSTER_KEYS = {
    "server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name",
    "proxy-url", "disable-compression", "extensions",
}  # fmt: skip
_USER_KEYS = {
    "token", "tokenFile", "username", "password", "client-certificate", "client-certificate-data", "client-key",
    "client-key-data", "as", "as-uid", "as-groups", "as-user-extra", "exec", "extensions",
}  # fmt: skip
_PROXIES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: its address, and how it proves that it is the one. `ca` is PEM, empty for the system's own."""

    server: str
    ca: str = ""
    is_insecure: bool = False
    tls_name: str = ""
    proxy: str = ""
    plugin_config: Any = None
    """What the file has for an exec plugin: any JSON."""


@dataclass(frozen=True, slots=True)
class Impersonated:
    """Whom to act as; the server refuses who may not."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate with its key, in PEM."""

    certificate: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """A user: any of the ways to prove who that is, none for nobody in particular."""

    token: str = field(default="", repr=False)
    token_file: Path | None = None
    name: str = ""
    password: str = field(default="", repr=False)
    certificate: Certificate | None = None
    plugin: Entry | None = None
    """The entry `exec`, as it stands."""
    acting_as: Impersonated = field(default_factory=Impersonated)


def cluster_of(entry: Entry) -> Cluster:
    """Return what an entry says of a cluster.

    Raises:
        KubeconfigError: it cannot be used.
    """
    _check_keys(entry, _CLUSTER_KEYS)
    ca, insecure = _pem(entry, "certificate-authority"), _flag(entry, "insecure-skip-tls-verify")
    if ca and insecure:
        raise KubeconfigError(
            f"{entry.place} has both certificate-authority and insecure-skip-tls-verify", "take one of the two out"
        )
    if ca:
        _check_ca(ca, entry)
    return Cluster(
        server=_server(entry),
        ca=ca,
        is_insecure=insecure,
        tls_name=_text(entry, "tls-server-name"),
        proxy=_proxy(entry),
        plugin_config=_plugin_config(entry),
    )


def user_of(entry: Entry) -> User:
    """Return what an entry says of a user.

    Raises:
        KubeconfigError: it cannot be used.
    """
    if entry.values.get("auth-provider"):
        raise KubeconfigError(
            f"{entry.place} uses an auth-provider, which Kubernetes has given up",
            "use an exec plugin instead; the cluster's own tool writes one, such as `gcloud container clusters "
            "get-credentials` or `kubelogin convert-kubeconfig`",
        )
    _check_keys(entry, _USER_KEYS | {"auth-provider"})
    token, name = _text(entry, "token"), _text(entry, "username")
    token_file = _path(entry, "tokenFile")
    if token_file is not None and not token_file.exists():
        raise KubeconfigError(f"tokenFile of {entry.place} does not exist: {token_file}")
    if (token or token_file) and name:
        raise KubeconfigError(f"{entry.place} has both a token and a username", "take one of the two out")
    return User(
        token=token,
        token_file=token_file,
        name=name,
        password=_text(entry, "password"),
        certificate=_certificate(entry),
        plugin=_plugin(entry),
        acting_as=_acting_as(entry),
    )


def path_in(entry: Entry, path: str) -> Path:
    """Return a path of an entry: a relative one counts from the file that it stands in."""
    return entry.folder / path


def _check_keys(entry: Entry, known: set[str]) -> None:
    if strange := sorted(str(key) for key in entry.values if key not in known):
        raise KubeconfigError(
            f"{entry.place} has {', '.join(strange)}, which Gaia does not understand",
            "take it out if it is a mistake; Gaia does not guess what a credential means",
        )


def _text(entry: Entry, key: str) -> str:
    value = entry.values.get(key)
    return "" if value is None else text_of(value, key, entry.place)


def _flag(entry: Entry, key: str) -> bool:
    value = entry.values.get(key) or False
    if not isinstance(value, bool):
        raise KubeconfigError(f"{key} of {entry.place} must be true or false")
    return value


def _texts(entry: Entry, key: str) -> tuple[str, ...]:
    value = entry.values.get(key) or []
    if not isinstance(value, list):
        raise KubeconfigError(f"{key} of {entry.place} must be a list of texts")
    return tuple(text_of(item, key, entry.place) for item in value)


def _path(entry: Entry, key: str) -> Path | None:
    written = _text(entry, key)
    return path_in(entry, written) if written else None


def _pem(entry: Entry, key: str) -> str:
    """Return the PEM of a key: what stands in the file itself goes before a file that it names."""
    if data := _text(entry, f"{key}-data"):
        try:
            return base64.b64decode("".join(data.split()), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            raise KubeconfigError(f"{key}-data of {entry.place} is not base64 of a PEM") from None
    path = _path(entry, key)
    if path is None:
        return ""
    try:
        with path.open("rb") as opened:
            return read_bounded(opened, str(path), MOST_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise KubeconfigError(f"{key} of {entry.place} cannot be read: {path}: {error.strerror}") from None


def _check_ca(ca: str, entry: Entry) -> None:
    try:
        trusting(ca)
    except ssl.SSLError:
        raise KubeconfigError(f"certificate-authority of {entry.place} holds no PEM certificate") from None


def _certificate(entry: Entry) -> Certificate | None:
    certificate, key = _pem(entry, "client-certificate"), _pem(entry, "client-key")
    if bool(certificate) != bool(key):
        there, missing = ("client-certificate", "client-key")[:: 1 if certificate else -1]
        raise KubeconfigError(f"{entry.place} has a {there} and no {missing}", f"name the {missing}, too")
    return Certificate(certificate, key) if certificate else None


def _server(entry: Entry) -> str:
    server = _text(entry, "server")
    try:
        parts = urlsplit(server)
        is_good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.query or parts.fragment:
        raise KubeconfigError(
            f"server of {entry.place} is no address of an API server: {server!r}", "write https://HOST:PORT"
        )
    return server.rstrip("/")


def _proxy(entry: Entry) -> str:
    proxy = _text(entry, "proxy-url")
    if proxy and (urlsplit(proxy).scheme not in _PROXIES or not urlsplit(proxy).hostname):
        raise KubeconfigError(f"proxy-url of {entry.place} is no address of a proxy", "write http://HOST:PORT")
    return proxy


def _plugin_config(entry: Entry) -> Any:  # noqa: ANN401 -- any JSON
    for extension in entry.values.get("extensions") or ():
        if isinstance(extension, dict) and extension.get("name") == "client.authentication.k8s.io/exec":
            return extension.get("extension")
    return None


def _plugin(entry: Entry) -> Entry | None:
    plugin = entry.values.get("exec")
    if plugin is None:
        return None
    if not isinstance(plugin, dict):
        raise KubeconfigError(f"exec of {entry.place} must be a table")
    return Entry("exec plugin of user", entry.name, plugin, entry.file)


def _acting_as(entry: Entry) -> Impersonated:
    extra = entry.values.get("as-user-extra") or {}
    if not isinstance(extra, dict):
        raise KubeconfigError(f"as-user-extra of {entry.place} must be a table of lists")
    whole = Entry(entry.kind, entry.name, extra, entry.file)
    acting = Impersonated(
        user=_text(entry, "as"),
        uid=_text(entry, "as-uid"),
        groups=_texts(entry, "as-groups"),
        extra={str(key): _texts(whole, key) for key in extra},
    )
    texts = (acting.user, acting.uid, *acting.groups, *chain.from_iterable(acting.extra.values()))
    if not all(text.isprintable() for text in texts):
        raise KubeconfigError(f"{entry.place} acts as a name with invisible characters", "mend `as` there")
    if not acting.user and (acting.uid or acting.groups or acting.extra):
        raise KubeconfigError(f"{entry.place} says as-uid, as-groups or as-user-extra, and not as whom", "add `as`")
    return acting
