"""The runtime's settings: read from the environment, because images, clusters and shells can all set that.

`Settings.from_environ` and `Settings.to_environ` are inverse to each other, so the command line and the image recipes
write exactly what the runtime reads. The command line resolves flags and gaia.toml; nothing here reads a file. Workers
get what they need of it as JSON, and not in their environment, which is the function's.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo, WarmUp
from runtime_images.policy.sampling import SHARE_EVERY_S


class SettingsError(ValueError):
    """An environment variable holds something the runtime cannot use; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one function is served. Addresses: `unix:///path` or `host:port`; an empty `admin` means no admin port.

    `cost_source` is a file, in `function_dir` if it is relative, or an address: how the node is, now and later.
    `metrics_port` is a second port of `listen_address` that shows metrics, 0 for none.
    `function_python` is the interpreter of the function's own environment, `entrypoint` a path inside
    `function_dir` with an optional `:attribute`, empty to search. `concurrency` 0 means adaptive. `memory_bytes` is
    what the shares of clients are shares of, 0 for the container's limit. `lifeline` asks the
    runtime to drain and exit when its standard input closes. `record_requests` adds `requests` events to the stream.
    """

    function_dir: Path
    function_name: str = "function"
    function_python: str = ""
    entrypoint: str = ""
    mode: ExecutionMode = ExecutionMode.CPU_PREFERRED
    pinned: bool = False
    accelerator: Accelerator = Accelerator.NONE
    listen_address: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int = 0
    admin: str = ""
    admin_token: str = ""
    slo: Slo = Slo()
    prices: Prices = Prices()
    cost_source: str = ""
    concurrency: int = 0
    idempotent: bool = False
    warmup: WarmUp | None = None
    max_body_bytes: int = 16 * 1024 * 1024
    queue_size: int = 1024
    memory_bytes: int = 0
    request_timeout_s: float = 300.0
    drain_timeout_s: float = 30.0
    window_s: float = SHARE_EVERY_S
    lifeline: bool = False
    record_requests: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from `environ`.

        Raises:
            SettingsError: a variable holds an unusable value.
        """
        read: dict[str, dict[str, Any]] = {"": {"function_dir": Path()}, "slo": {}, "prices": {}}
        for name, (field, parse) in _VARIABLES.items():
            if name in environ:
                group, _, attribute = field.rpartition(".")
                try:
                    read[group][attribute] = parse(environ[name])
                except ValueError as error:
                    raise SettingsError(f"{name}={environ[name]!r} {error}") from None
        return cls(**read[""], slo=Slo(**read["slo"]), prices=Prices(**read["prices"]))

    def to_environ(self) -> dict[str, str]:
        """Return the environment from which `from_environ` reads these settings back, without empty values."""
        values = {name: attrgetter(field)(self) for name, (field, _) in _VARIABLES.items()}
        return {name: _text(value) for name, value in values.items() if value is not None and value != ""}

    def for_workers(self) -> bytes:
        """Return as JSON what a worker needs; `from_json` reads it."""
        values = self.to_environ()
        return json.dumps({name: values[name] for name in _FOR_WORKERS if name in values}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Settings":
        """Return the settings of a worker."""
        return cls.from_environ(json.loads(text))

    def check_admin(self) -> None:
        """Check the admin address; only for the runtime, since workers do not get the token.

        Raises:
            SettingsError: it is malformed, or open to everybody who can reach it.
        """
        host, _, port = self.admin.rpartition(":")
        if not self.admin or self.admin.startswith("unix:///"):
            return
        if not host or not port.isdecimal() or int(port) > 65535:
            raise SettingsError(f"GAIA_ADMIN={self.admin!r} is neither unix:///path nor host:port")
        if not self.admin_token:
            raise SettingsError(f"GAIA_ADMIN={self.admin!r} needs a GAIA_ADMIN_TOKEN: others can reach it, too")


# Each parser says in a ValueError what is wrong with a value.


def _choice(allowed: type[StrEnum], raw: str) -> StrEnum:
    if raw not in tuple(allowed):
        raise ValueError(f"is not one of {', '.join(allowed)}")
    return allowed(raw)


def _number(raw: str, low: float = 0, high: float = sys.float_info.max) -> float:
    try:
        value = float(raw)
    except ValueError:
        raise ValueError("is not a number") from None
    if not low <= value <= high:
        bounds = f"a finite number from {low:g} on" if high == sys.float_info.max else f"between {low:g} and {high:g}"
        raise ValueError(f"is not {bounds}")
    return value


def _whole(raw: str, high: float = 2**53) -> int:
    return int(_number(raw, high=high))


def _flag(raw: str) -> bool:
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("is neither true nor false")


def _warmup(raw: str) -> WarmUp | None:
    try:
        values = json.loads(raw) if raw else {}
        if not all(isinstance(value, str) for value in values.values()):
            raise ValueError
        return WarmUp(**values) if raw else None
    except (AttributeError, TypeError, ValueError):
        raise ValueError("is not a JSON object of method, path and body") from None


_VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "GAIA_FUNCTION_DIR": ("function_dir", Path),
    "GAIA_FUNCTION_NAME": ("function_name", str),
    "GAIA_FUNCTION_PYTHON": ("function_python", str),
    "GAIA_ENTRYPOINT": ("entrypoint", str),
    "GAIA_MODE": ("mode", partial(_choice, ExecutionMode)),
    "GAIA_PINNED": ("pinned", _flag),
    "GAIA_ACCELERATOR": ("accelerator", partial(_choice, Accelerator)),
    "LISTEN_ADDRESS": ("listen_address", str),
    "PORT": ("port", partial(_whole, high=65535)),
    "GAIA_METRICS_PORT": ("metrics_port", partial(_whole, high=65535)),
    "GAIA_ADMIN": ("admin", str),
    "GAIA_ADMIN_TOKEN": ("admin_token", str),
    "GAIA_SLO_LATENCY_P95_MS": ("slo.latency_p95_ms", _number),
    "GAIA_SLO_THROUGHPUT_RPS": ("slo.throughput_rps", _number),
    "GAIA_SLO_ERROR_RATE": ("slo.error_rate", _number),
    "GAIA_SLO_WINDOW_S": ("slo.window_s", partial(_number, low=1)),
    "GAIA_CPU_PER_HOUR": ("prices.cpu_per_hour", _number),
    "GAIA_GPU_PER_HOUR": ("prices.gpu_per_hour", _number),
    "GAIA_CURRENCY": ("prices.currency", str),
    "GAIA_COST_SOURCE": ("cost_source", str),
    "GAIA_CONCURRENCY": ("concurrency", partial(_whole, high=4096)),
    "GAIA_IDEMPOTENT": ("idempotent", _flag),
    "GAIA_WARMUP": ("warmup", _warmup),
    "GAIA_MAX_BODY_BYTES": ("max_body_bytes", _whole),
    "GAIA_QUEUE_SIZE": ("queue_size", _whole),
    "GAIA_MEMORY_BYTES": ("memory_bytes", _whole),
    "GAIA_REQUEST_TIMEOUT_S": ("request_timeout_s", _number),
    "GAIA_DRAIN_TIMEOUT_S": ("drain_timeout_s", _number),
    "GAIA_WINDOW_S": ("window_s", _number),
    "GAIA_LIFELINE": ("lifeline", _flag),
    "GAIA_RECORD_REQUESTS": ("record_requests", _flag),
}
"""Each variable, the field that it sets, and how its text is read."""

_FOR_WORKERS = (
    "GAIA_FUNCTION_DIR", "GAIA_ENTRYPOINT", "GAIA_CONCURRENCY", "GAIA_WARMUP", "GAIA_MAX_BODY_BYTES",
    "GAIA_RECORD_REQUESTS", "GAIA_DRAIN_TIMEOUT_S",
)  # fmt: skip

assert {field.name for field in fields(Settings)} == {field.partition(".")[0] for field, _ in _VARIABLES.values()}


def _text(value: object) -> str:
    if isinstance(value, WarmUp):
        return json.dumps(asdict(value))
    return str(int(value)) if isinstance(value, bool) else str(value)
