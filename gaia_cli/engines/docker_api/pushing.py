"""What an engine says while it pushes an image: how far it is, the digest in the end, what a failure means. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from gaia_cli.engines.docker_api.errors import short
from gaia_cli.errors import ClusterRefused, EngineError, GaiaError, MissingPartError
from gaia_cli.images.logins import docker_login
from gaia_cli.images.references import DIGEST, Reference

_TENTHS = 10
_DENIED = re.compile(r"denied|unauthorized|authentication required|no basic auth credentials", re.IGNORECASE)
_PLAIN = re.compile(r"server gave HTTP response to HTTPS client")
_UNTRUSTED = re.compile(r"x509|certificate")
_UNREACHABLE = re.compile(
    r"no such host|connection refused|i/o timeout|name resolution|timeout|handshake|unreachable|\bEOF\b", re.IGNORECASE
)


def follow_push(events: Iterator[Any], image: Reference, on_step: Callable[[str], None], user: str = "") -> str:
    """Follow a push to its end and return the digest that the registry gave; `on_step` gets a line for each tenth.

    `user` is who has logged in, for the messages.

    Raises:
        MissingPartError: there is no login, or a wrong one.
        EngineError: the engine is not set up for this registry.
        ClusterRefused: the registry cannot be reached, or says no.
    """
    layers: dict[str, tuple[int, int]] = {}
    digest, said = "", 0
    for event in events:
        if "error" in event:
            raise explain_push(str(event["error"]), image, user)
        digest = event.get("aux", {}).get("Digest", digest)
        amount = event.get("progressDetail") or {}
        if amount.get("total"):
            layers[str(event.get("id"))] = (int(amount.get("current", 0)), int(amount["total"]))
            done, total = (sum(parts) for parts in zip(*layers.values(), strict=True))
            if (tenths := min(done, total) * _TENTHS // total) > said:
                said = tenths
                on_step(f"  {done / 1e6:.1f} of {total / 1e6:.1f} MB")
    if not DIGEST.fullmatch(str(digest)):
        raise EngineError(f"the engine ended the push of {image} without a digest", "see the engine's own log")
    return str(digest)


def explain_push(text: str, image: Reference, user: str) -> GaiaError:
    """Return the error for a text in which an engine, or the registry behind it, says why it does not push."""
    host, login = image.host, docker_login(image.host)
    if _PLAIN.search(text):
        return EngineError(
            f"the registry {host} speaks without TLS, and the Docker engine is not allowed to",
            f'add "insecure-registries": ["{host}"] to /etc/docker/daemon.json there, and restart it',
        )
    if _DENIED.search(text):
        who = f"the login of {user}" if user else "a push without a login"
        hint = f"log in with an account that may push there: {login}" if user else login
        return MissingPartError(f"the registry {host} refuses {who} to {image.repository}: {short(text)}", hint)
    if _UNTRUSTED.search(text):
        hint = f"put its CA into /etc/docker/certs.d/{host}/ca.crt on the engine's machine"
        return EngineError(f"the Docker engine does not trust the registry {host}: {short(text)}", hint)
    if _UNREACHABLE.search(text):
        hint = "check the registry's name and port, and the network of the engine's machine"
        return ClusterRefused(f"the Docker engine does not reach the registry {host}: {short(text)}", hint)
    return ClusterRefused(f"the registry {host} does not take {image}: {short(text)}", "see the registry's own log")
