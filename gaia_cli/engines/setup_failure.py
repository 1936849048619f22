"""Why a function could not be loaded: the `setup_failed` event as a value, and as the error that a user reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from gaia_cli.errors import EngineError, FunctionError, GaiaError, UsageError

_HINTS = {
    "import": "the function's file must be importable: correct the error, or add what is missing to requirements.txt",
    "signature": "define `def handler(payload)`, an ASGI `handle(scope, receive, send)`, or `new()`",
    "wsgi": "a WSGI application has to be wrapped for ASGI, such as by asgiref: `application = WsgiToAsgi(app)`",
    "start_hook": "correct the function's start hook",
    "warmup": "correct the function, or the warm-up request in gaia.toml: [run] warmup",
    "exit": "importing the function must not end the process",
    "timeout": "importing the function takes too long; do heavy work in the first request or in start",
}
_TOLD_LINES = 10
_MACHINERY = ("<frozen importlib", "/importlib/__init__.py", "/runtime_images/dynamic_runtime/")
"""What leads to a function's code in every traceback and says nothing about it."""


@dataclass(frozen=True, slots=True)
class SetupFailure:
    """Why a worker could not load the function; `log` holds its last lines."""

    kind: str
    message: str
    path: str
    line: int
    log: tuple[str, ...]

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """The failure that a `setup_failed` event tells of."""
        return cls(
            kind=str(event["kind"]),
            message=str(event["message"]),
            path=str(event.get("path") or ""),
            line=int(event.get("line") or 0),
            log=_lines(event.get("log")),
        )

    def as_error(self) -> GaiaError:
        """What a user is told: what, where, and the last lines that the function wrote."""
        place = f"{self.path}:{self.line}" if self.path and self.line else ""
        told = self.message if place in self.message else f"{place}: {self.message}"
        text = told + tail(self.log)
        if self.kind == "port":
            return UsageError(text, "use another --port; 0 takes a free one")
        if self.kind == "no_gpu":
            return EngineError(text, "pin another mode, or let `gaia run --accelerator emulated` model a GPU")
        return FunctionError(text, _HINTS.get(self.kind, "docs/functions.md tells what a function looks like"))


def tail(log: Sequence[str]) -> str:
    """The last lines, without those of a traceback that lead to the function's code."""
    told = list(_without_machinery(log))
    return "".join(f"\n    {line}" for line in told[-_TOLD_LINES:])


def _without_machinery(log: Sequence[str]) -> Iterator[str]:
    skipping = False
    for line in log:
        if line.startswith('  File "'):
            skipping = any(part in line for part in _MACHINERY)
        elif not line.startswith("    "):
            skipping = False
        if not skipping and set(line.strip()) != {"^"}:
            yield line


def _lines(log: object) -> tuple[str, ...]:
    if isinstance(log, str):
        return tuple(log.splitlines())
    return tuple(str(line) for line in log) if isinstance(log, list) else ()
