"""Images in a registry: which one a reference means now, how much of it a node downloads, and what its labels say."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gaia_cli.errors import ClusterRefused, MissingPartError
from gaia_cli.images.logins import login_for
from gaia_cli.images.references import DIGEST, Reference

if TYPE_CHECKING:
    from gaia_cli.images.registry import Answer, Registry

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
"""What the configuration of a container image is called; charts, signatures and models have other words there."""
_OWN_LABELS = "faas.gaia."
_PLATFORMS = (("linux", "amd64"), ("linux", "arm64"))
"""Of an image for several platforms, which one tells its size and labels: the first that it has."""


@dataclass(frozen=True, slots=True)
class PinnedImage:
    """An image that a cluster can be given.

    `reference` is host, path and one digest; in a dry run whose image is not in the registry yet, the tag that it would
    get. `size` is what a node downloads, in bytes, 0 if unknown. `labels` are the image's own, `faas.gaia.*` among
    them. `user` is whom it says to run as, empty for root; None where nobody could read it.
    """

    reference: str
    size: int
    labels: Mapping[str, str]
    user: str | None = None

    @property
    def is_gaias(self) -> bool:
        """Whether Gaia built it, as far as it says."""
        return any(label.startswith(_OWN_LABELS) for label in self.labels)


def look_up(image: Reference, environ: Mapping[str, str], *, for_push: bool = False) -> PinnedImage | None:
    """Return what `image` is in its registry now, None where it has no such image.

    Somebody who may push is not told by all registries that there is nothing yet, so with `for_push` a login that is
    refused counts as that: the push will tell.

    Raises:
        MissingPartError: a login is wanted, and there is none, or what would tell it is missing or broken.
        ClusterRefused: the registry cannot be reached, says no, or has something else under this name.
    """
    from gaia_cli.images.registry import Registry  # httpx2 comes with the extra `deploy`

    login = login_for(image.host, environ)
    with Registry(image, login, for_push=for_push) as registry:
        try:
            answer = registry.manifest(image.version, _MANIFESTS)
        except MissingPartError:
            if login is None or not for_push:
                raise
            answer = None
        if answer is None:
            return None
        digest = _checked_digest(answer.body, answer.digest or image.digest, image)
        manifest = _one_platform(registry, _object(answer.body, image), image)
        config = manifest.get("config")
        if not isinstance(config, dict) or config.get("mediaType") not in _CONFIGS:
            raise _no_image(image)
        labels, user = _settings(registry, config, image)
        return PinnedImage(image.pinned(digest), _size(manifest, image), labels, user)


def _one_platform(registry: "Registry", manifest: dict[str, Any], image: Reference) -> dict[str, Any]:
    """Return the manifest itself, or that of one platform where it lists several."""
    listed = manifest.get("manifests")
    if listed is None:
        return manifest
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    by_platform = {_platform(entry): entry.get("digest") for entry in reversed(entries)}
    chosen = next((by_platform[platform] for platform in _PLATFORMS if platform in by_platform), None)
    if not isinstance(chosen, str):
        raise ClusterRefused(f"{image} has no image for Linux on amd64 or arm64", "build it for the cluster's nodes")
    return _object(_fetched(registry.manifest(_digest_in(chosen, image), _MANIFESTS), chosen, image), image)


def _platform(entry: dict[str, Any]) -> tuple[str, str]:
    platform = entry.get("platform")
    return (str(platform.get("os")), str(platform.get("architecture"))) if isinstance(platform, dict) else ("", "")


def _size(manifest: dict[str, Any], image: Reference) -> int:
    layers = manifest.get("layers")
    sizes = [layer.get("size") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else [None]
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise _no_image(image)
    return sum(size for size in sizes if size)


def _settings(registry: "Registry", config: dict[str, Any], image: Reference) -> tuple[dict[str, str], str]:
    """Return the labels of an image, and whom it says to run as."""
    digest = _digest_in(config.get("digest"), image)
    read = _object(_fetched(registry.blob(digest), digest, image), image)
    inner = read.get("config")
    said = inner if isinstance(inner, dict) else {}
    labels, user = said.get("Labels"), said.get("User")
    named = {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}
    return named, user if isinstance(user, str) else ""


def _fetched(answer: "Answer | None", digest: str, image: Reference) -> bytes:
    """Return a part of the image, which must be what its digest says."""
    if answer is None:
        raise ClusterRefused(f"a part of {image} is not in its registry: {digest}", "push the image again")
    _checked_digest(answer.body, digest, image)
    return answer.body


def _checked_digest(body: bytes, expected: str, image: Reference) -> str:
    """Return the digest of what was sent.

    Raises:
        ClusterRefused: it is not the expected one: something on the way has changed it.
    """
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if expected.startswith("sha256:") and digest != expected:
        raise ClusterRefused(
            f"the registry {image.host} sends something else for {image} than its digest says",
            "ask who runs it, or what stands between: a proxy may change answers",
        )
    return digest


def _digest_in(value: object, image: Reference) -> str:
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise _no_image(image)
    return value


def _object(body: bytes, image: Reference) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise _no_image(image)
    return read


def _no_image(image: Reference) -> ClusterRefused:
    return ClusterRefused(f"what the registry has as {image} is no container image", "push one: `gaia build --push`")
