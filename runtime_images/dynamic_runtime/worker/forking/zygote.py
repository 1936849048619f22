"""The zygote: a process that has imported a function's libraries and forks workers, each ready in milliseconds.

It has no event loop, no thread of ours, nothing of the function's own code. Once the libraries are imported, it checks
whether a fork would break one of them:

- a child has only the thread that forked: its first parallel operation would wait for ever for OpenMP's pool;
- a child cannot use the parent's CUDA context. Libraries initialise CUDA behind each other's backs, so the driver
  itself is asked (CUDA driver API: CUDA_ERROR_NOT_INITIALIZED).

A zygote that may not fork becomes the worker itself, and later workers are spawned. Front and zygote speak JSON in
packets; descriptors travel with them.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import signal
import socket
from functools import partial
from pathlib import Path

from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import lifeline, log_lines
from runtime_images.dynamic_runtime.wire.frames import MAX_PACKET_BYTES
from runtime_images.dynamic_runtime.worker import main as worker
from runtime_images.dynamic_runtime.worker.forking import preloading
from runtime_images.dynamic_runtime.worker.forking.dice import Dice
from runtime_images.dynamic_runtime.worker.forking.forks import Command, Forks, receive_command, send
from runtime_images.entrypoint import find_entry

CUDA_LIBRARY = "libcuda.so.1"
_CUDA_ERROR_NOT_INITIALIZED = 3


def main(arguments: list[str]) -> None:
    """Run a zygote on the inherited descriptors `control` and `lifeline` until the front lets it go.

    The front's first packet holds the settings: the environment is the function's.
    """
    held = lifeline.hold(int(arguments[1]))
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the front's to handle
    settings = Settings.from_json(control.recv(MAX_PACKET_BYTES))
    gc.disable()
    with Dice() as dice:
        before = _do_ahead(preloading.steps(settings.function_dir, settings.entrypoint))
    unfit = why_unfit()
    gc.freeze()  # children share these pages only as long as no collector writes to them
    send(control, {"event": "prepared", "unfit": unfit})
    rehearse = partial(find_entry, settings.function_dir, settings.entrypoint)
    command = receive_command(control) if unfit else Forks(control, rehearse).serve()
    if command is not None:
        control.close()
        if held is not None:
            os.close(held)  # the worker holds a lifeline of its own
        _become_worker(command, dice, before)


Environment = dict[str, str | None]
"""Variables and their values, None for those that there were not."""


def _do_ahead(steps: list[preloading.Step]) -> Environment:
    """Import what can be imported; the rest is left to the worker, where its failure is the function's own.

    Return what the variables were that this has set: each worker's function sets them again, when it comes to that.
    """
    before: Environment = {}
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: F401 -- for the worker's event loop, if the function's environment has it
    for step in steps:
        with contextlib.suppress(BaseException):
            if isinstance(step, preloading.Import):
                _import(step)
            elif not (step.gives_way and step.name in os.environ):
                before.setdefault(step.name, os.environ.get(step.name))
                os.environ[step.name] = step.value
    return before


def _import(step: preloading.Import) -> None:
    """Import as a statement would: a name that a module does not have may be one of its modules."""
    module = importlib.import_module(step.module)
    if step.name and not hasattr(module, step.name):
        importlib.import_module(f"{step.module}.{step.name}")


def why_unfit() -> str:
    """Return why this process must not fork workers; empty if it may."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return f"this kernel cannot watch processes: {error.strerror}"
    pid = os.fork()  # libraries that end their threads before a fork, as OpenBLAS does, end them here
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 -- names only, no objects
    if threads > 1:
        return f"its libraries run {threads - 1} threads of their own, which a forked process would not have"
    if cuda_is_initialised():
        return "its libraries have initialised CUDA, which a forked process could not use"
    return ""


def cuda_is_initialised(library: str = CUDA_LIBRARY) -> bool:
    """Return whether the CUDA driver is in use in this process; asked without loading or initialising it."""
    if library not in Path("/proc/self/maps").read_text("utf-8", "replace"):
        return False
    count = ctypes.c_int()
    answer: int = ctypes.CDLL(library).cuDeviceGetCount(ctypes.byref(count))
    return answer != _CUDA_ERROR_NOT_INITIALIZED


def _become_worker(command: Command, dice: Dice, before: Environment) -> None:
    """Turn this process into a worker; it does not return. `before` is what variables were that were set ahead."""
    gc.enable()
    with contextlib.suppress(PermissionError):  # a zygote that was not forked leads a session already
        os.setsid()
    output, errors, *descriptors = command.descriptors
    for source, target in ((output, 1), (errors, 2)):
        os.dup2(source, target)
        os.close(source)
    for name, value in (before | command.environ).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value  # also putenv: CUDA reads its own variables there, when it is initialised
    log_lines.adopt()
    dice.throw()
    worker.main([str(descriptor) for descriptor in descriptors])
