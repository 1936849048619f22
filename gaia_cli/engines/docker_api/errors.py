"""What Docker engines say: a build's steps, and what went wrong, what it means, what to do about it.

Their texts name neither the cause nor the cure ("could not select device driver"). The table here has those that were
met with real engines (20.10 to 28); any other is passed on as it is.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gaia_cli.errors import EngineError, GaiaError, UsageError
from gaia_cli.images.logins import config_problem

_GET_DOCKER = "install Docker, or start it: sudo systemctl start docker; `gaia run --engine process` needs none"
_DENIED = ("you may not use the Docker engine", "sudo usermod -aG docker $USER, then log in again")

_ASKED = "Error while fetching server API version"
"""What docker-py says once it has tried to reach an engine."""

KNOWN = (
    (
        r"could not select device driver",
        "the Docker engine cannot pass an NVIDIA GPU through",
        "install the NVIDIA Container Toolkit there and restart Docker, or use --accelerator emulated",
    ),
    (
        r"nvidia-container-cli|error running hook|nvidia-container-runtime",
        "the NVIDIA Container Toolkit could not hand out a GPU",
        "check that `nvidia-smi` works on the engine's machine, or use --accelerator emulated",
    ),
    (
        r"no such host|connection refused|i/o timeout|temporary failure in name resolution|TLS handshake",
        "the image registry cannot be reached",
        "check the network, or name an image that the engine has: [build] base_image or --base-image",
    ),
    (
        r"manifest( for .{1,300})? (unknown|not found)|pull access denied|repository .{1,300} not found",
        "the registry has no such image, or denies you access",
        "check the name in [build] base_image or --base-image, or log in: docker login",
    ),
    (r"no space left on device", "the engine's disk is full", "free some space: docker system prune"),
    (
        r"Range of CPUs|[Mm]inimum memory limit|invalid (CPU|memory)",
        "the engine cannot give these limits",
        "lower [run] cpus or raise [run] memory in gaia.toml",
    ),
    (r"permission denied.{0,300}docker\.sock", *_DENIED),
)
"""What engines say, what it means, and what to do about it."""

_STEP = re.compile(r"Step \d+/\d+ : (.*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PORT_TAKEN = re.compile(
    r"Bind for \S+:(\d+) failed|listen tcp\d? \S+:(\d+): bind|ports are not available.{0,300}:(\d+)"
)


class BuildError(EngineError):
    """A build that failed: `message` is what the engine said, `step` the Dockerfile's instruction, `log` its output."""

    def __init__(self, cause: GaiaError, step: str, log: tuple[str, ...]) -> None:
        super().__init__(cause.message, cause.hint)
        self.step = step
        self.log = log


def explain(text: str) -> GaiaError:
    """Return the error for a text in which an engine says what went wrong."""
    if taken := _PORT_TAKEN.search(text):
        port = next(group for group in taken.groups() if group)
        return UsageError(f"port {port} is in use", "use another one: --port 0 takes any free port")
    for pattern, message, hint in KNOWN:
        if re.search(pattern, text, re.IGNORECASE):
            return EngineError(f"{message} ({short(text)})", hint)
    return EngineError(f"the Docker engine refused: {short(text)}", "see the engine's own log for more")


def no_engine(text: str) -> EngineError:
    """Return the error for the text of a connection that failed."""
    if "Permission denied" in text:
        return EngineError(*_DENIED)
    if "timed out" in text:
        return EngineError("the Docker engine does not answer in time", "check that `docker ps` works")
    if "FileNotFoundError" in text or "ConnectionRefusedError" in text or "Connection refused" in text:
        return EngineError("no Docker engine answers", _GET_DOCKER)
    return EngineError(f"no Docker engine answers ({short(text)})", _GET_DOCKER)


def not_connected(text: str, environ: Mapping[str, str] = os.environ) -> EngineError:
    """Return the error for a connection that was not made; a config.json that docker-py fails on ends it before."""
    problem = "" if _ASKED in text else config_problem(environ)
    if problem:
        hint = "mend it, or set DOCKER_CONFIG to the directory of another one"
        return EngineError(f"Docker's configuration cannot be used: {problem}", hint)
    return no_engine(text)


def short(text: object) -> str:
    """Return an engine's text on one line, its middle left out where it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= 300 else f"{line[:140]} ... {line[-150:]}"


def follow_build(steps: Iterator[Any], on_line: Callable[[str], None]) -> str:
    """Follow a build to its end and return the image's id; `on_line` gets each line of its output.

    Raises:
        BuildError: a step failed.
    """
    image, step = "", ""
    log: list[str] = []
    for entry in steps:
        if "error" in entry:
            raise BuildError(explain(str(entry["error"])), step, tuple(log))
        image = entry.get("aux", {}).get("ID", image)
        for line in _COLOUR.sub("", entry.get("stream", "")).splitlines():
            if instruction := _STEP.match(line):
                step, log = instruction[1], []
            elif line.strip():
                log.append(line.rstrip())
            on_line(line)
    if not image:
        raise BuildError(EngineError("the engine ended the build without an image"), step, tuple(log))
    return str(image)
