"""Starts a worker, or a zygote that forks workers, inside the function's own environment.

The interpreter here belongs to the function and has none of Gaia's packages on its path, and must not get any: a
function that imports `rich` shall find its own, or none. So this file is run by its path, puts the one package
`runtime_images` into sys.modules straight from its directory, and leaves sys.path alone.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Container
from pathlib import Path


def close_inherited(own: Container[int]) -> None:
    """Close what this process has inherited besides `own` and the standard streams: it is none of the function's.

    What was opened here already, as by a sitecustomize, is not inheritable (PEP 446), and stays.
    """
    names: list[str] = []
    with contextlib.suppress(OSError):  # a sandbox without /proc
        names = os.listdir("/proc/self/fd")  # noqa: PTH208 -- names only, no objects
    for fd in map(int, names):
        if fd > 2 and fd not in own:
            with contextlib.suppress(OSError):  # that of the listing itself
                if os.get_inheritable(fd):
                    os.close(fd)


def load_runtime_images() -> None:
    """Make `runtime_images` importable without adding its parent directory to sys.path."""
    package = Path(__file__).resolve().parents[2]
    spec = importlib.util.spec_from_file_location(
        "runtime_images", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{package} is no package")
    module = importlib.util.module_from_spec(spec)
    sys.modules["runtime_images"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    del sys.argv[1:]  # what is left is the function's: it may parse its arguments, and finds none
    close_inherited([int(descriptor) for descriptor in arguments])
    load_runtime_images()
    from runtime_images.dynamic_runtime.wire import log_lines

    log_lines.install()
    importlib.import_module(f"runtime_images.dynamic_runtime.worker.{role}").main(arguments)
