"""Why a function could not be loaded: the `setup_failed` event as the error that a user reads."""

from collections.abc import Iterator, Sequence

from gaia_cli.errors import EngineError, FunctionError, GaiaError, UsageError
from runtime_images.events.lifecycle import SetupFailed

_HINTS = {
    "import": "the function's file must be importable: correct the error, or add what is missing to requirements.txt",
    "signature": "define `def handler(payload)`, an ASGI `handle(scope, receive, send)`, or one of docs/functions.md",
    "wsgi": "define it without async: `def application(environ, start_response)`",
    "start_hook": "correct the function's start hook",
    "warmup": "correct the function, or the warm-up request in gaia.toml: [run] warmup",
    "exit": "importing the function must not end the process",
    "timeout": "importing the function takes too long; do heavy work in the first request or in start",
}
_SHOWN_LINES = 10
_MACHINERY = ("<frozen importlib", "/importlib/__init__.py", "/runtime_images/dynamic_runtime/")
"""What leads to a function's code in every traceback and says nothing about it."""


def setup_error(failure: SetupFailed) -> GaiaError:
    """Return the error that a user reads: what and where, as the message says, and the function's last lines."""
    text, log = failure.message, tail(failure.log)
    if failure.kind == "port":
        return UsageError(text, "use another --port; 0 takes a free one", log)
    if failure.kind == "no_gpu":
        return EngineError(text, "pin another mode, or let `gaia run --accelerator emulated` model a GPU", log)
    return FunctionError(text, _HINTS.get(failure.kind, "docs/functions.md shows what a function looks like"), log)


def tail(log: Sequence[str]) -> list[str]:
    """Return the last lines, indented, without those of a traceback that lead to the function's code."""
    return [f"  {line}" for line in _without_machinery(log)][-_SHOWN_LINES:]


def _without_machinery(log: Sequence[str]) -> Iterator[str]:
    skipping = False
    for line in log:
        if line.startswith('  File "'):
            skipping = any(part in line for part in _MACHINERY)
        elif not line.startswith("    "):
            skipping = False
        if not skipping and set(line.strip()) != {"^"}:
            yield line
