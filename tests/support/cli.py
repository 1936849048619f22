"""`gaia` as a user starts it, in a process of its own, and the same without the price of an interpreter."""

import gc
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from gaia_cli.__main__ import main

_CACHE = "GAIA_CACHE_DIR"
"""The tests' own, which tests/conftest.py sets."""

GAIA = str(Path(sys.executable).with_name("gaia"))


def run_gaia(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `gaia` with `arguments` to its end; `env` comes on top of the environment, without its other GAIA_* names."""
    return subprocess.run(
        [GAIA, *arguments],
        cwd=cwd,
        env=_environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=110,  # a busy machine is no failure
        check=False,
    )


def call_gaia(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Do in this process what `run_gaia` does; for what starts no other process and asks nothing of a terminal."""
    output, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    around = patch.dict(os.environ, _environment(env), clear=True)
    with around, chdir(cwd or "."), _unchanged(), redirect_stdout(output), redirect_stderr(errors):
        try:
            code: object = main(arguments)
        except SystemExit as left:
            code = left.code or 0
    told = []
    for stream in (output, errors):
        stream.seek(0)
        told.append(stream.read())
    return subprocess.CompletedProcess(arguments, code if isinstance(code, int) else 1, *told)


@contextmanager
def _unchanged() -> Iterator[None]:
    """Put back what a program may change in its process and a test must not."""
    threshold, handlers = gc.get_threshold(), {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_") or name == _CACHE}
    return kept | (more or {})
