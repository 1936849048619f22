"""References to images, such as `registry.example:5000/team/hello:1@sha256:...`, read as Docker reads them. Pure.

A cluster is only ever given what `pinned` returns: a registry, a whole path and one digest. So what runs is what was
built, whatever becomes of the tag, and nothing in the cluster has to ask the registry what a tag means today.
"""

import re
from dataclasses import dataclass, replace

from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.project.targets import TargetSettings

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
"""Where Docker Hub keeps the images that have no owner in their name."""
_LONGEST = 255
"""Characters of a name, by the rule of Docker's own parser."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]++(?:(?:\.|_|__|-++)[a-z0-9]++)*+"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*+")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")
_EXAMPLE = "write it as registry.example/team/hello, with :TAG or @sha256:DIGEST"
_PASSWORD = re.compile(r"[^/]*://|[^/@]*@[^/]*/")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by name: a registry's host with its port, a path there, and a tag, a digest, both or none of them."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and path."""
        return f"{self.host}/{self.path}"

    @property
    def repository(self) -> str:
        """The name as people write it: without Docker Hub's host."""
        if self.host != DOCKER_HUB:
            return self.name
        owned = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in owned else owned

    @property
    def version(self) -> str:
        """What is asked of the registry: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or DEFAULT_TAG

    def pinned(self, digest: str) -> str:
        """Return the reference to exactly the image of `digest`: host, path and one digest, no tag."""
        return f"{self.name}@{digest}"

    def tagged(self, tag: str = "") -> "Reference":
        """Return the reference with a tag and no digest: `tag`, else its own, else `latest`."""
        return replace(self, tag=tag or self.tag or DEFAULT_TAG, digest="")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str, given_as: str = "") -> Reference:
    """Read a reference to an image; `given_as` is the option that it was given with, for the message.

    Raises:
        UsageError: it is none; the message shows it, unless it holds a password.
    """
    if _PASSWORD.match(text):
        raise UsageError(
            f"{given_as or 'an image'} is a name that begins with a host; it holds no scheme and no password",
            "write registry.example/team/hello:1; for a password: docker login registry.example",
        )
    why, reference = _read(text)
    if reference is None:
        raise UsageError(f"{given_as} {text} cannot be the name of an image: {why}".lstrip(), _EXAMPLE)
    return reference


def in_registry(target: TargetSettings, name: str, version: str) -> Reference:
    """Return what the image of the function `name` is called in the registry of `target`.

    Raises:
        ConfigurationError: the target has no registry.
    """
    if not target.registry:
        raise ConfigurationError(
            f"the target {target.name} has no registry to push the image of {name} to",
            f'write [targets.{target.name}] registry = "registry.example/team", or deploy what is pushed: --image',
        )
    return parse_reference(f"{target.registry}/{name}:{version}", f"[targets.{target.name}] registry:")


def _read(text: str) -> tuple[str, Reference | None]:
    """Return the reference, or why there is none."""
    named, at, digest = text.partition("@")
    before, slash, last = named.rpartition("/")
    last, colon, tag = last.partition(":")
    host, path = _host_and_path(before + slash + last)
    if len(f"{host}/{path}") > _LONGEST:
        return f"a name has at most {_LONGEST} characters", None
    if at and not DIGEST.fullmatch(digest):
        return _wrong_digest(digest), None
    if not _HOST.fullmatch(host):
        return f"{host!r} is not the host of a registry", None
    if len(path) == 1:
        return "Knative takes no path of one letter", None
    if not _PATH.fullmatch(path):
        return _wrong_path(path), None
    if _IDENTIFIER.fullmatch(path.removeprefix(_OFFICIAL)):
        return "64 hexadecimal digits are an image's identifier on one engine, not a name", None
    if colon and not _TAG.fullmatch(tag):
        return "a tag is 1 to 128 letters, digits, '_', '.' and '-', and does not begin with '.' or '-'", None
    return "", Reference(host, path, tag, digest)


def _host_and_path(name: str) -> tuple[str, str]:
    """Tell the registry from the path as Docker and Knative do: a host has a dot or a port, or is `localhost`.

    A capital alone makes none: new engines take `Team/hello` for an image in the registry Team, old ones and Knative
    refuse it, and who writes it means neither.
    """
    first, slash, rest = name.partition("/")
    is_host = slash and (first == "localhost" or any(mark in first for mark in ".:["))
    host, path = (first, rest) if is_host else (DOCKER_HUB, name)
    if host == f"index.{DOCKER_HUB}":
        host = DOCKER_HUB
    return host, f"{_OFFICIAL}{path}" if host == DOCKER_HUB and path and "/" not in path else path


def _wrong_digest(digest: str) -> str:
    if "@" in digest:
        return "it has two digests"
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256":
        return "a digest begins with sha256:"
    if re.fullmatch(r"[0-9a-f]*", value):
        return f"a digest of sha256 has 64 digits, not {len(value)}"
    return "a digest of sha256 has 64 digits, each of 0-9 and a-f"


def _wrong_path(path: str) -> str:
    if _PATH.fullmatch(path.lower()):
        return "names of images are in lower case"
    return "a name is lower-case letters and digits, with single '.', '_' and '/', or '-', between them"
