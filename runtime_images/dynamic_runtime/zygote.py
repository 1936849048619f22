"""The zygote: a process that has imported a function's libraries and forks workers, each ready in milliseconds.

It is kept clean: no event loop, no thread of ours, nothing of the function's own code. Two rules say when a fork
would break a library, and both are checked here, once the libraries are imported:

- never with threads: a child has only the thread that forked, so the first parallel operation of a child waits for
  ever for the threads of OpenMP's pool. Libraries that end their threads before a fork, as OpenBLAS does, may;
- never after CUDA was initialised: a child cannot use the parent's context. Libraries initialise it behind each
  other's backs, so the driver itself is asked (CUDA driver API: CUDA_ERROR_NOT_INITIALIZED).

A zygote that may not fork becomes the worker itself: nothing was imported in vain, and later workers are spawned.
Front and zygote speak JSON in packets; descriptors travel with them. Standard library only: it runs in the
function's own environment.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime import lifeline, preloading, worker
from runtime_images.dynamic_runtime.settings import Settings

MAX_PACKET_BYTES = 64 * 1024
MAX_DESCRIPTORS = 16
CUDA_LIBRARY = "libcuda.so.1"
_CUDA_ERROR_NOT_INITIALIZED = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What the front wants started: changes to the environment, and the descriptors of the new worker.

    The first two descriptors become its output and its error output, the others are the worker's own arguments.
    """

    environ: dict[str, str | None]
    descriptors: list[int]


def main(arguments: list[str]) -> None:
    """Run a zygote on the inherited descriptors `control` and `lifeline` until the front lets it go."""
    lifeline.hold(int(arguments[1]))
    control = socket.socket(fileno=int(arguments[0]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the front's to handle
    settings = Settings.from_environ(os.environ)
    gc.disable()
    _import_ahead(preloading.libraries(settings.function_dir, settings.entrypoint))
    unfit = why_unfit()
    gc.freeze()  # children share these pages only as long as no collector writes to them
    _send(control, {"event": "prepared", "unfit": unfit})
    order = _take_order(control) if unfit else Forks(control).serve()
    if order is not None:
        _become_worker(order)


def _import_ahead(names: list[str]) -> None:
    """Import what can be imported; the rest is left to the worker, where its failure is the function's own."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: F401 -- for the worker's event loop, if the function's environment has it
    for name in names:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)


def why_unfit() -> str:
    """Why this process must not fork workers; empty if it may."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return f"this kernel cannot watch processes: {error.strerror}"
    _fork_once()
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 -- names only, no objects
    if threads > 1:
        return f"its libraries run {threads - 1} threads of their own, which a forked process would not have"
    if cuda_is_initialised():
        return "its libraries have initialised CUDA, which a forked process could not use"
    return ""


def _fork_once() -> None:
    """Fork a child that ends at once: libraries that end their threads before a fork do so here, and can be told."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def cuda_is_initialised(library: str = CUDA_LIBRARY) -> bool:
    """Whether the CUDA driver is in use in this process; asked without loading or initialising it."""
    if library not in Path("/proc/self/maps").read_text("utf-8", "replace"):
        return False
    count = ctypes.c_int()
    answer: int = ctypes.CDLL(library).cuDeviceGetCount(ctypes.byref(count))
    return answer != _CUDA_ERROR_NOT_INITIALIZED


class Forks:
    """Forks a worker for each order, and tells the front when one has ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> Order | None:
        """Work until the front is gone: None then. In each child this returns its order, and the child is clean."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._reap(key.fd)
                elif (order := _take_order(self._control)) is None:
                    return None
                elif self._fork(order):
                    return order

    def _fork(self, order: Order) -> bool:
        """Fork; True in the child."""
        try:
            pid = os.fork()
        except OSError as error:  # no memory, too many processes
            _send(self._control, {"event": "failed", "message": str(error)})
            pid = -1
        if not pid:
            self._leave_to_parent()
            return True
        for descriptor in order.descriptors:
            os.close(descriptor)
        if pid > 0:
            watch = os.pidfd_open(pid)
            self._children[watch] = pid
            self._selector.register(watch, selectors.EVENT_READ)
            _send(self._control, {"event": "forked", "pid": pid}, [watch])
        return False

    def _leave_to_parent(self) -> None:
        self._selector.close()
        self._control.close()
        for watch in self._children:
            os.close(watch)

    def _reap(self, watch: int) -> None:
        pid = self._children.pop(watch)
        self._selector.unregister(watch)
        os.close(watch)
        _, status = os.waitpid(pid, 0)
        _send(self._control, {"event": "exited", "pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _become_worker(order: Order) -> None:
    """Turn this process into a worker; it does not return."""
    gc.enable()
    with contextlib.suppress(PermissionError):  # a zygote that was not forked leads a session already
        os.setsid()
    output, errors, *descriptors = order.descriptors
    for source, target in ((output, 1), (errors, 2)):
        os.dup2(source, target)
        os.close(source)
    for name, value in order.environ.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value  # also putenv: CUDA reads its own variables there, when it is initialised
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()  # else all workers would draw the same numbers
    worker.main([str(descriptor) for descriptor in descriptors])


def _send(control: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    with contextlib.suppress(OSError):  # the front is gone: the next read says so, too
        socket.send_fds(control, [json.dumps(message).encode()], descriptors or [])


def _take_order(control: socket.socket) -> Order | None:
    """The next order; None once the front is gone."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(control, MAX_PACKET_BYTES, MAX_DESCRIPTORS)
    except OSError:
        return None
    return Order(json.loads(packet)["environ"], list(descriptors)) if packet else None
