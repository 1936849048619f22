"""A function started for a moment: up, asked, and gone again with everything that belongs to it."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from gaia_cli.engines import Engine, Launch, Progress, RunningFunction
from gaia_cli.engines.setup_failure import setup_error
from gaia_cli.errors import GaiaError, RuntimeDiedError
from runtime_images.events.lifecycle import Ready, SetupFailed
from runtime_images.events.traffic import LogLine

_Item = Ready | SetupFailed | GaiaError | None


@contextmanager
def started_once(engine: Engine, launch: Launch, progress: Progress, on_log: Callable[[str], None]) -> Iterator[str]:
    """Start the function and yield its URL once it serves; stop it at the end. `on_log` gets each line that it writes.

    Raises:
        FunctionError: the function cannot be loaded.
        EngineError: the engine cannot run it.
        RuntimeDiedError: the runtime ended before the function served.
        RequirementsError: its requirements cannot be installed.
    """
    running = engine.start(launch, progress)
    try:
        yield _url(running, on_log)
    except BaseException:
        running.close(at_once=True)  # nobody waits any more for what it is still doing
        raise
    running.close()


def _url(running: RunningFunction, on_log: Callable[[str], None]) -> str:
    """Wait until the function serves; its events are read on until it ends, so that it never waits for us."""
    first: queue.SimpleQueue[_Item] = queue.SimpleQueue()

    def read() -> None:
        end: _Item = None
        try:
            for event in running.events():
                if isinstance(event, LogLine):
                    on_log(event.line.expandtabs())
                elif isinstance(event, (Ready, SetupFailed)):
                    first.put(event)
        except GaiaError as error:
            end = error
        first.put(end)

    threading.Thread(target=read, name="gaia-events", daemon=True).start()
    item = first.get()
    if isinstance(item, GaiaError):
        raise item
    if item is None:
        raise RuntimeDiedError("the runtime ended before the function was ready", "see what it wrote above")
    if isinstance(item, SetupFailed):
        raise setup_error(replace(item, log=()))  # `on_log` has had the lines
    return item.url
