"""How to log in to a registry, as Docker has it written down: its config.json and the helpers that this names.

docker-py reads the same file, asks every helper that is named there for every registry, waits for ever and fails on
what it does not understand. Here one registry is looked up, and only when somebody asks for it. No secret is part of
a message or of a repr.
"""

import base64
import binascii
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzers.lean.files import TEXT_BYTES, open_regular, read_bounded
from gaia_cli.errors import MissingPartError, shell_word
from gaia_cli.images.references import DOCKER_HUB

_HUB_KEY = f"https://index.{DOCKER_HUB}/v1/"
"""What Docker calls its own registry in config.json and to helpers."""
_HELPER_S = 30.0
"""How long a helper may take: some ask a cloud for a new token."""
_TOKEN_USER = "<token>"  # noqa: S105 -- the word by which a helper says that its secret is a token
_NOT_FOUND = ("credentials not found", "no credentials", "not found in native keychain")
"""What helpers print where they have nothing for a registry; that is no failure."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a registry is shown: a user with a password, or a token that stands for both."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def login_for(host: str, environ: Mapping[str, str]) -> Login | None:
    """Return the login for the registry `host`, None where there is none.

    Raises:
        MissingPartError: Docker's configuration cannot be read, or its helper is missing or fails.
    """
    place = config_file(environ)
    config = _read(place)
    names = (_HUB_KEY, DOCKER_HUB, f"index.{DOCKER_HUB}") if host == DOCKER_HUB else (host, f"https://{host}")
    helpers = _table(config.get("credHelpers"))
    if helper := next((helpers[name] for name in names if helpers.get(name)), config.get("credsStore")):
        found = _ask(str(helper), names[0], environ)
        if found is not None:
            return found
    for key, entry in _table(config.get("auths")).items():
        if _host_of(key) in map(_host_of, names) and (found := _login_in(_table(entry), host, place)):
            return found
    return None


def auth_config(host: str, login: Login) -> dict[str, str]:
    """Return `login` as an engine is told it."""
    address = {"serveraddress": _HUB_KEY if host == DOCKER_HUB else host}
    if login.identity_token:
        return address | {"identitytoken": login.identity_token}
    return address | {"username": login.username, "password": login.password}


def config_file(environ: Mapping[str, str]) -> Path:
    """Return where Docker's configuration is, or would be."""
    own = environ.get("DOCKER_CONFIG")
    return (Path(own) if own else Path(environ.get("HOME") or "~").expanduser() / ".docker") / "config.json"


def config_problem(environ: Mapping[str, str]) -> str:
    """Return where Docker's configuration is not as Docker writes it, which docker-py fails on; empty for nowhere."""
    place = config_file(environ)
    try:
        config = _read(place)
        for key in ("auths", "proxies"):
            entries = config.get(key, {})
            others = [f"{key}.{name}" for name, entry in _table(entries).items() if not isinstance(entry, dict)]
            if wrong := [key] if not isinstance(entries, dict) else others:
                return f"{wrong[0]} in {place} must be a JSON object"
        for host, entry in _table(config.get("auths")).items():
            _login_in(entry, host, place)
    except MissingPartError as error:
        return error.message
    return ""


def _read(place: Path) -> dict[str, Any]:
    try:
        with open_regular(str(place)) as file:
            read = json.loads(read_bounded(file, str(place), TEXT_BYTES))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise MissingPartError(f"cannot read {place}: {error.strerror or error}", "make it a readable file") from None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise MissingPartError(
            f"{place} is no JSON object, so no login can be read there",
            "mend it, or set DOCKER_CONFIG to the directory of another one",
        )
    return read


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _host_of(key: str) -> str:
    """Return the host of a key of `auths`, which may be an address with a path, as old versions of Docker wrote."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _login_in(entry: dict[str, Any], host: str, place: Path) -> Login | None:
    """Return the login of an entry of `auths`; None for an empty one, which stands for a helper's."""
    if token := entry.get("identitytoken"):
        return Login(identity_token=str(token))
    encoded = entry.get("auth")
    if not encoded:
        plain = str(entry.get("username") or ""), str(entry.get("password") or "")
        return Login(*plain) if all(plain) else None
    try:
        user, colon, password = base64.b64decode(str(encoded), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise MissingPartError(f"the login for {host} in {place} cannot be read", f"log in again: {docker_login(host)}")
    return Login(user, password.strip("\0"))


def docker_login(host: str) -> str:
    """Return the command that makes a login for the registry `host`."""
    return "docker login" if host == DOCKER_HUB else f"docker login {shell_word(host)}"


def _ask(helper: str, name: str, environ: Mapping[str, str]) -> Login | None:
    """Ask the program docker-credential-`helper` for the login of the registry `name`; None where it has none."""
    program = f"docker-credential-{helper}"
    named = f"{program}, which {config_file(environ)} names for {_host_of(name)},"
    found = shutil.which(program, path=environ.get("PATH", os.defpath)) if "/" not in helper else None
    if found is None:
        raise MissingPartError(f"{named} is not installed", "install it, or take it out of that file and log in again")
    try:
        answer = subprocess.run(
            [found, "get"], input=name.encode(), capture_output=True, env=dict(environ), timeout=_HELPER_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise MissingPartError(f"{named} did not answer in {_HELPER_S:.0f} s", "see what it waits for") from None
    except OSError as error:
        raise MissingPartError(f"{named} cannot be run: {error.strerror}", "install it anew") from None
    if answer.returncode == 0:
        return _said(answer.stdout, named)
    said = f"{answer.stdout[:TEXT_BYTES]!r} {answer.stderr[:TEXT_BYTES]!r}".lower()
    if any(words in said for words in _NOT_FOUND):
        return None
    last = answer.stderr.decode(errors="replace").strip().splitlines()[-1:]
    raise MissingPartError(f"{named} failed with {answer.returncode}", "log in again", last)


def _said(output: bytes, named: str) -> Login | None:
    """Read the answer of a helper; an empty one stands for no login."""
    try:
        answer = json.loads(output)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise MissingPartError(f"{named} answers what is no login", "check that it is a credential helper") from None
    if not user and not secret:
        return None
    return Login(identity_token=secret) if user == _TOKEN_USER else Login(user, secret)
