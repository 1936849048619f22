"""`gaia lint --watch`: lint again whenever a Python file changes, comes or goes.

The files' times and sizes are looked at twice a second; that needs no library and works on every file system.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from analyzers.lean.records import replace
from gaia_cli.errors import ExitCode, GaiaError
from gaia_cli.linting.configuration import configure
from gaia_cli.linting.options import Options
from gaia_cli.linting.run import run
from gaia_cli.views import console

_PERIOD_S = 0.5

Snapshot = dict[str, tuple[int, int]]


def watch(options: Options) -> ExitCode:
    """Lint now and after every change, until Ctrl-C."""
    once = replace(options, watch=False)
    for _ in changes(options):
        try:
            run(once)
        except GaiaError as error:
            console.note(f"error: {error.message}")  # a configuration that is being edited may be wrong for a moment
        console.note("watching; Ctrl-C ends it")
    return ExitCode.OK


def changes(options: Options, period_s: float = _PERIOD_S) -> Iterator[None]:
    """Yield at once, and then after each change of a file that `options` cover."""
    before: Snapshot | None = None
    while True:
        now = snapshot(options)
        if now != before:
            yield
            before = now
        time.sleep(period_s)


def snapshot(options: Options) -> Snapshot:
    """When each file that `options` cover was last changed, and its size."""
    try:
        configuration = configure(options, str(Path.cwd()))
    except GaiaError:
        return {}
    found: Snapshot = {}
    for path in [*configuration.files, f"{configuration.base}/gaia.toml", f"{configuration.base}/pyproject.toml"]:
        try:
            status = Path(path).stat()
        except OSError:
            continue  # it has gone between being listed and being looked at
        found[path] = (status.st_mtime_ns, status.st_size)
    return found
