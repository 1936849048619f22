"""A program that hands out credentials (client.authentication.k8s.io): what it is asked, and what it answers.

It runs before the first request and again when the server no longer takes what it gave, or when that has expired; never
more than twice in a short time, whatever it answers, since each run may ask a person to log in.
"""

import asyncio
import base64
import json
import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gaia_cli.targets.kubeconfig.entries import Certificate, Cluster
from gaia_cli.targets.kubeconfig.files import Entry, KubeconfigError, text_of
from runtime_images.cluster.errors import AccessError, MissingError

_GROUP = "client.authentication.k8s.io/"
_VERSIONS = (_GROUP + "v1", _GROUP + "v1beta1")
_KEYS = {
    "apiVersion", "command", "args", "env", "installHint", "provideClusterInfo", "interactiveMode", "stdinUnavailable",
    "stdinUnavailableMessage",
}  # fmt: skip
_BY_HAND = "run it by hand to see what it says"
_MODES = ("Never", "IfAvailable", "Always")
_MOST_BYTES = 1024 * 1024
_PLUGIN_S = 60.0
"""How long a plugin may take that asks nobody; one that asks a person waits for that person."""
_AFTERWARDS_S = 1.0
"""How long what a plugin has left behind may go on writing."""
_SECRETS = (
    (re.compile(r"eyJ[\w-]{5,}+(?:\.[\w-]*+)*+|k8s-aws-v1\.[\w-]++"), "..."),
    (re.compile(r"-----BEGIN [A-Z ]*+-----[^-]*+"), "..."),
    (re.compile(r"(?i)(bearer |(?:token|password|secret)[\"']?+ ?+[:=])([ \"']*+)[^\s\"',]++"), r"\1\2..."),
)
"""What may be a secret in the words of a plugin that failed, and what is shown in its place."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a kubeconfig says of a plugin. A `command` without a slash is looked for on the PATH."""

    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    gets_cluster: bool = False
    mode: str = "IfAvailable"
    user: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a plugin has answered; `expires_at` is in seconds since 1970, None for never."""

    token: str = ""
    certificate: Certificate | None = None
    expires_at: float | None = None


def plugin_of(entry: Entry) -> Plugin:
    """Return what the entry `exec` of a user says.

    Raises:
        KubeconfigError: it is incomplete, or says what is not understood.
    """
    values = entry.values
    if strange := sorted(str(key) for key in values if key not in _KEYS):
        raise KubeconfigError(f"the {entry.place} has {', '.join(strange)}, which Gaia does not understand")
    version = _text(entry, "apiVersion")
    if version not in _VERSIONS:
        raise KubeconfigError(
            f"the {entry.place} is of API version {version or '(none)'}", f"Gaia speaks {' and '.join(_VERSIONS)}"
        )
    if not (command := _text(entry, "command")):
        raise KubeconfigError(f"the {entry.place} names no command")
    mode = _text(entry, "interactiveMode") or ("" if version == _VERSIONS[0] else "IfAvailable")
    if mode not in _MODES:
        raise KubeconfigError(f"the {entry.place} needs an interactiveMode", f"one of {', '.join(_MODES)}")
    return Plugin(
        api_version=version,
        command=str(entry.folder / command) if "/" in command else command,
        args=tuple(text_of(value, "args", f"the {entry.place}") for value in values.get("args") or ()),
        env=tuple(_variable(item, entry) for item in values.get("env") or ()),
        install_hint=_text(entry, "installHint"),
        gets_cluster=values.get("provideClusterInfo") is True,
        mode=mode,
        user=entry.name,
    )


async def ask(plugin: Plugin, cluster: Cluster, environ: Mapping[str, str]) -> Credential:
    """Run the plugin and return what it answers.

    Raises:
        MissingError: it is not installed.
        AccessError: it failed, took too long, or its answer cannot be used.
    """
    interactive = _is_interactive(plugin)
    program = shutil.which(plugin.command, path=environ.get("PATH"))
    if program is None:
        hint = plugin.install_hint or f"install it, or mend the command of user {plugin.user} in the kubeconfig"
        raise MissingError(f"the plugin {plugin.command} of user {plugin.user} is not installed", hint)
    variables = {**environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": _question(plugin, cluster, interactive)}
    code, out, err = await _ended(plugin, program, variables, interactive=interactive)
    if code != 0:
        where = f"the plugin {plugin.command} of user {plugin.user}"
        raise AccessError(f"{where} ended with {code}: {_said(err)}", _BY_HAND)
    return _answer(plugin, out)


def _text(entry: Entry, key: str) -> str:
    value = entry.values.get(key)
    return "" if value is None else text_of(value, key, f"the {entry.place}")


def _variable(item: Any, entry: Entry) -> tuple[str, str]:  # noqa: ANN401 -- whatever stands in the file
    if not isinstance(item, dict) or not item.get("name"):
        raise KubeconfigError(f"env of the {entry.place} must be a list of name and value")
    place = f"env of the {entry.place}"
    return text_of(item["name"], "name", place), text_of(item.get("value") or "", "value", place)


def _is_interactive(plugin: Plugin) -> bool:
    has_person = sys.stdin is not None and sys.stdin.isatty()
    if plugin.mode == "Always" and not has_person:
        raise AccessError(
            f"the plugin {plugin.command} of user {plugin.user} must ask a person, and standard input is no terminal",
            "run this in a terminal, or use credentials that need nobody",
        )
    return plugin.mode != "Never" and has_person


def _question(plugin: Plugin, cluster: Cluster, interactive: bool) -> str:
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.gets_cluster:
        said = {
            "server": cluster.server,
            "tls-server-name": cluster.tls_name,
            "insecure-skip-tls-verify": cluster.is_insecure,
            "certificate-authority-data": base64.b64encode(cluster.ca.encode()).decode(),
            "proxy-url": cluster.proxy,
            "config": cluster.plugin_config,
        }
        spec["cluster"] = {key: value for key, value in said.items() if value}
    return json.dumps({"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec})


async def _ended(
    plugin: Plugin, program: str, variables: Mapping[str, str], *, interactive: bool
) -> tuple[int, bytes, bytes]:
    """Run the program to its end, and return its exit code and what it wrote; to a person it speaks itself."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            program, *plugin.args, env=variables, stdin=None if interactive else nothing, stdout=pipe,
            stderr=None if interactive else pipe,
        )  # fmt: skip
    except OSError as error:
        raise AccessError(f"the plugin {plugin.command} cannot be started: {error.strerror}", _BY_HAND) from None
    out, err = bytearray(), bytearray()
    streams = ((process.stdout, out), (process.stderr, err))
    readers = [asyncio.ensure_future(_read(stream, into)) for stream, into in streams]
    try:
        async with asyncio.timeout(None if interactive else _PLUGIN_S):
            code = await process.wait()
        await asyncio.wait(readers, timeout=_AFTERWARDS_S)  # a child of its own may hold the pipe open for ever
    except TimeoutError:
        raise AccessError(f"the plugin {plugin.command} gave no answer in {_PLUGIN_S:.0f} s", _BY_HAND) from None
    finally:
        for reader in readers:
            reader.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return code, bytes(out), bytes(err)


async def _read(stream: asyncio.StreamReader | None, kept: bytearray) -> None:
    """Keep the beginning of what comes, and throw the rest away."""
    while stream is not None and (piece := await stream.read(65536)):
        kept += piece[: _MOST_BYTES - len(kept)]


def _said(err: bytes) -> str:
    text = err[-4000:].decode("utf-8", "replace")
    for secret, shown in _SECRETS:
        text = secret.sub(shown, text)
    return " ".join(text.split()) or "it said nothing"


def _answer(plugin: Plugin, out: bytes) -> Credential:
    """Read an answer, of which nothing is ever quoted: it holds the secret."""
    where = f"the plugin {plugin.command} of user {plugin.user}"
    try:
        answer = json.loads(out)
        version, status = answer.get("apiVersion"), answer.get("status") or {}
        token, certificate, key = (
            status.get(name) or "" for name in ("token", "clientCertificateData", "clientKeyData")
        )
        expires_at = _time(status.get("expirationTimestamp"))
    except (ValueError, AttributeError, TypeError):
        raise AccessError(f"{where} answered no ExecCredential", _BY_HAND) from None
    if version != plugin.api_version:
        raise AccessError(
            f"{where} answered in API version {str(version)[:100]}, where the kubeconfig says {plugin.api_version}",
            "update the plugin, or its apiVersion in the kubeconfig",
        )
    if not all(isinstance(text, str) for text in (token, certificate, key)) or bool(certificate) != bool(key):
        raise AccessError(f"{where} answered with half a certificate", _BY_HAND)
    if not token and not certificate:
        raise AccessError(f"{where} answered with neither a token nor a certificate", _BY_HAND)
    if not token.isprintable() or not token.isascii():
        raise AccessError(f"{where} answered with a token that cannot be sent", _BY_HAND)
    return Credential(token, Certificate(certificate, key) if certificate else None, expires_at)


def _time(text: str | None) -> float | None:
    if not text:
        return None
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
