"""A worker: one process that serves the function on one backend, in the function's own environment.

What is `async` runs on an event loop (`event_loop.py`); a plain blocking handler has none (`threads.py`). It ends when
the front asks, or is gone. Standard library only, and uvloop where the function's environment has it.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import frames, lifeline, log_lines, sources
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker.answers import ENDING, Bodies
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, SetupError
from runtime_images.dynamic_runtime.worker.event_loop import EventLoopWorker
from runtime_images.dynamic_runtime.worker.forms import own_code
from runtime_images.dynamic_runtime.worker.forms.loading import load_function
from runtime_images.dynamic_runtime.worker.life import ending
from runtime_images.dynamic_runtime.worker.life.hooks import HEALTH_HOOKS
from runtime_images.dynamic_runtime.worker.life.warmup import warm_up, warm_up_blocking
from runtime_images.dynamic_runtime.worker.threads import HandlerThreads

_WARMING = frames.encode(Kind.WARMING, body=b"{}")


def main(arguments: list[str]) -> None:
    """Run a worker until the front lets it go.

    The inherited descriptors are those of the lifeline, the socket, the function's files and the journal, and the
    arenas of requests and answers, if any.
    Memory is used without them, and they must not reach what the function starts.
    """
    alive, connected, files, *memory = map(int, arguments)
    lifeline.hold(alive)
    channel = socket.socket(fileno=connected)
    channel.set_inheritable(False)
    journal = InFlightJournal(memory[0])
    bodies = Bodies(memory[1:])
    own_code.keep(sources.unpack(files))
    for descriptor in (files, *memory):
        os.close(descriptor)
    ending.ignore_interrupts()
    settings = _receive_settings(channel)
    try:
        function = load_function(settings.function_dir, settings.entrypoint)
        if function.blocking:
            _serve_blocking(channel, journal, bodies, function, settings)
        else:
            _run(_serve(channel, journal, bodies, function, settings))
    except SetupError as error:
        channel.setblocking(True)
        channel.sendall(frames.encode(Kind.FAILED, body=json.dumps(error.describe()).encode()))
        _leave(1)
    except BaseException:  # noqa: BLE001 -- an interpreter that ends by itself waits for the function's threads
        with contextlib.suppress(Exception):
            traceback.print_exc()
        _leave(1)
    ending.finish()
    _leave(0)


def _receive_settings(channel: socket.socket) -> Settings:
    """Return the settings, which the front sends first: the environment is the function's. End if it is gone."""
    header = channel.recv(frames.HEADER.size, socket.MSG_WAITALL)
    if len(header) < frames.HEADER.size:
        _leave(1)
    length, *_ = frames.HEADER.unpack(header)
    return Settings.from_json(channel.recv(length, socket.MSG_WAITALL))


def _run(main_coroutine: Any) -> None:  # noqa: ANN401 -- a coroutine of nothing
    """Run until the end of this coroutine: a task of the function's own that exits, or stops the loop, is no end."""
    new_loop: Any = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as new_loop  # the function's own, if it has one
    with asyncio.Runner(loop_factory=new_loop) as runner:
        loop = runner.get_loop()
        main_task = loop.create_task(main_coroutine)
        while not main_task.done():
            try:
                loop.run_until_complete(main_task)
            except BaseException:
                if main_task.done():
                    raise
                traceback.print_exc()


def _leave(code: int) -> None:
    """Exit at once: nobody waits any more."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the function may have closed it, or put something else in its place
            stream.flush()
    with contextlib.suppress(OSError):
        log_lines.finish()
    os._exit(code)


def _serve_blocking(
    channel: socket.socket, journal: InFlightJournal, bodies: Bodies, function: LoadedFunction, settings: Settings
) -> None:
    """Serve what blocks: it has no hooks, and no need of an event loop."""
    threads = HandlerThreads(channel, journal, bodies, function, settings, lambda: _leave(1))
    signal.signal(signal.SIGTERM, lambda _number, _frame: threads.stop())
    ending.keep_from_children()
    if settings.warmup is not None:
        threads.send(_WARMING)
        warm_up_blocking(function, settings.warmup)
    threads.send(_ready(function))
    threads.serve()
    threads.send(ENDING)


async def _serve(
    channel: socket.socket, journal: InFlightJournal, bodies: Bodies, function: LoadedFunction, settings: Settings
) -> None:
    """Serve what is `async`."""
    worker = EventLoopWorker(journal, bodies, function, settings, lambda: _leave(1))
    await worker.start()
    if settings.warmup is not None:
        channel.sendall(_WARMING)
        await warm_up(function, settings.warmup, worker.state)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stopping.set)
    ending.keep_from_children()
    worker.watch()
    await worker.serve(channel, _ready(function))


def _ready(function: LoadedFunction) -> bytes:
    """Return the frame that reports to the front that requests may come."""
    entry = function.entry
    facts = {
        "entry": f"{entry.path}:{entry.attribute}",
        "form": entry.form.value,
        "blocking": function.blocking,
        "threads": function.threads,
        "hooks": [name for name in HEALTH_HOOKS if getattr(function, name) is not None],
    }
    return frames.encode(Kind.READY, body=json.dumps(facts).encode())
