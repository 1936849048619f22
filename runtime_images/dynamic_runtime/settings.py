"""The runtime's settings: read from the environment, because that is what images, clusters and shells can all set.

`Settings.from_environ` and `Settings.to_environ` are inverse to each other, so the command line and the image recipes
write exactly what the runtime reads. The command line resolves flags and gaia.toml; nothing here reads a file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo, WarmUp
from runtime_images.policy.sampling import SHARE_EVERY_S


class SettingsError(ValueError):
    """An environment variable holds something the runtime cannot use; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one function is served. Addresses: `unix:///path` or `host:port`; an empty `admin` means no admin port.

    `function_python` is the interpreter of the function's own environment, `entrypoint` a path inside
    `function_dir` with an optional `:attribute`, empty to search. `concurrency` 0 means adaptive. `lifeline` asks the
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
    admin: str = ""
    admin_token: str = ""
    slo: Slo = Slo()
    prices: Prices = Prices()
    concurrency: int = 0
    idempotent: bool = False
    warmup: WarmUp | None = None
    max_body_bytes: int = 16 * 1024 * 1024
    queue_size: int = 1024
    request_timeout_s: float = 300.0
    drain_timeout_s: float = 30.0
    window_s: float = SHARE_EVERY_S
    lifeline: bool = False
    record_requests: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from `environ`.

        Raises:
            SettingsError: a variable is missing or holds an unusable value.
        """
        read = _Reader(environ)
        defaults = cls(function_dir=Path())
        return cls(
            function_dir=Path(read.text("GAIA_FUNCTION_DIR", ".")),
            function_name=read.text("GAIA_FUNCTION_NAME", defaults.function_name),
            function_python=read.text("GAIA_FUNCTION_PYTHON", ""),
            entrypoint=read.text("GAIA_ENTRYPOINT", ""),
            mode=ExecutionMode(read.choice("GAIA_MODE", defaults.mode, tuple(ExecutionMode))),
            pinned=read.flag("GAIA_PINNED", default=False),
            accelerator=Accelerator(read.choice("GAIA_ACCELERATOR", defaults.accelerator, tuple(Accelerator))),
            listen_address=read.text("LISTEN_ADDRESS", defaults.listen_address),
            port=int(read.number("PORT", defaults.port, low=0, high=65535)),
            admin=read.text("GAIA_ADMIN", ""),
            admin_token=read.text("GAIA_ADMIN_TOKEN", ""),
            slo=Slo(
                latency_p95_ms=read.optional("GAIA_SLO_LATENCY_P95_MS"),
                throughput_rps=read.optional("GAIA_SLO_THROUGHPUT_RPS"),
                error_rate=read.optional("GAIA_SLO_ERROR_RATE"),
                window_s=read.number("GAIA_SLO_WINDOW_S", defaults.slo.window_s, low=1),
            ),
            prices=Prices(
                cpu_per_hour=read.number("GAIA_CPU_PER_HOUR", defaults.prices.cpu_per_hour),
                gpu_per_hour=read.number("GAIA_GPU_PER_HOUR", defaults.prices.gpu_per_hour),
                currency=read.text("GAIA_CURRENCY", defaults.prices.currency),
            ),
            concurrency=int(read.number("GAIA_CONCURRENCY", defaults.concurrency, high=4096)),
            idempotent=read.flag("GAIA_IDEMPOTENT", default=False),
            warmup=read.warmup("GAIA_WARMUP"),
            max_body_bytes=int(read.number("GAIA_MAX_BODY_BYTES", defaults.max_body_bytes)),
            queue_size=int(read.number("GAIA_QUEUE_SIZE", defaults.queue_size)),
            request_timeout_s=read.number("GAIA_REQUEST_TIMEOUT_S", defaults.request_timeout_s),
            drain_timeout_s=read.number("GAIA_DRAIN_TIMEOUT_S", defaults.drain_timeout_s),
            window_s=read.number("GAIA_WINDOW_S", defaults.window_s),
            lifeline=read.flag("GAIA_LIFELINE", default=False),
            record_requests=read.flag("GAIA_RECORD_REQUESTS", default=False),
        )

    def check_admin(self) -> None:
        """Check the admin address; for the runtime alone, since workers are not given the token.

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

    def to_environ(self) -> dict[str, str]:
        """The environment from which `from_environ` reads these settings back; defaults are left out."""
        flat: dict[str, object] = {name: getattr(self, field) for name, field in _PLAIN.items()}
        flat |= {
            "GAIA_SLO_LATENCY_P95_MS": self.slo.latency_p95_ms,
            "GAIA_SLO_THROUGHPUT_RPS": self.slo.throughput_rps,
            "GAIA_SLO_ERROR_RATE": self.slo.error_rate,
            "GAIA_SLO_WINDOW_S": self.slo.window_s,
            "GAIA_CPU_PER_HOUR": self.prices.cpu_per_hour,
            "GAIA_GPU_PER_HOUR": self.prices.gpu_per_hour,
            "GAIA_CURRENCY": self.prices.currency,
            "GAIA_WARMUP": json.dumps(asdict(self.warmup)) if self.warmup is not None else None,
        }
        return {name: _text(value) for name, value in flat.items() if value is not None and value != ""}


_PLAIN = {
    "GAIA_FUNCTION_DIR": "function_dir",
    "GAIA_FUNCTION_NAME": "function_name",
    "GAIA_FUNCTION_PYTHON": "function_python",
    "GAIA_ENTRYPOINT": "entrypoint",
    "GAIA_MODE": "mode",
    "GAIA_PINNED": "pinned",
    "GAIA_ACCELERATOR": "accelerator",
    "LISTEN_ADDRESS": "listen_address",
    "PORT": "port",
    "GAIA_ADMIN": "admin",
    "GAIA_ADMIN_TOKEN": "admin_token",
    "GAIA_CONCURRENCY": "concurrency",
    "GAIA_IDEMPOTENT": "idempotent",
    "GAIA_MAX_BODY_BYTES": "max_body_bytes",
    "GAIA_QUEUE_SIZE": "queue_size",
    "GAIA_REQUEST_TIMEOUT_S": "request_timeout_s",
    "GAIA_DRAIN_TIMEOUT_S": "drain_timeout_s",
    "GAIA_WINDOW_S": "window_s",
    "GAIA_LIFELINE": "lifeline",
    "GAIA_RECORD_REQUESTS": "record_requests",
}
assert set(_PLAIN.values()) | {"slo", "prices", "warmup"} == {field.name for field in fields(Settings)}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


class _Reader:
    """Typed look-ups in an environment, each error naming the variable."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, default)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self._environ.get(name, default)
        if value not in allowed:
            raise SettingsError(f"{name}={value!r} is not one of {', '.join(allowed)}")
        return value

    def number(self, name: str, default: float, low: float = 0, high: float = float("inf")) -> float:
        raw = self._environ.get(name)
        if raw is None:
            return default
        try:
            value = float(raw)
        except ValueError:
            raise SettingsError(f"{name}={raw!r} is not a number") from None
        if not low <= value <= high:
            raise SettingsError(f"{name}={raw!r} is not between {low:g} and {high:g}")
        return value

    def optional(self, name: str) -> float | None:
        return self.number(name, 0.0) if name in self._environ else None

    def warmup(self, name: str) -> WarmUp | None:
        raw = self._environ.get(name)
        if not raw:
            return None
        try:
            values = json.loads(raw)
            if not all(isinstance(value, str) for value in values.values()):
                raise ValueError
            return WarmUp(**values)
        except (AttributeError, TypeError, ValueError):
            raise SettingsError(f"{name}={raw!r} is not a JSON object of method, path and body") from None

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self._environ.get(name)
        if raw is None:
            return default
        if raw.lower() in ("1", "true", "yes", "on"):
            return True
        if raw.lower() in ("0", "false", "no", "off", ""):
            return False
        raise SettingsError(f"{name}={raw!r} is neither true nor false")
