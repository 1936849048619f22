"""One loop from a started function to its end: events, signals, the player's end and the passing of time.

Everything that happens reaches the loop through one queue, so nothing is shared between threads and each
thing is dealt with in the order in which it came. The queue is a SimpleQueue because signal handlers put into
it, and its `put` is the one that may interrupt itself.
"""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from gaia_cli.engines import RunningFunction
from gaia_cli.errors import EngineError, ExitCode, FunctionError, GaiaError, UsageError
from gaia_cli.running.history import Event, RunHistory, SetupFailure
from gaia_cli.running.player import Player
from gaia_cli.running.requests_file import PlannedRequest
from gaia_cli.running.screen import Screen
from gaia_cli.running.trace import TraceRecorder

TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class _Signal:
    """A person, or a program, wants the run to end."""

    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class _PlayEnded:
    """The last answer of the played load is in."""


@dataclass(frozen=True, slots=True)
class _StreamEnded:
    """The runtime has exited, or its stream cannot be read any more."""

    error: Exception | None


class Session:
    """Follows a run until the runtime has exited, or until a second signal asks not to wait for that."""

    def __init__(
        self, screen: Screen, load: Sequence[PlannedRequest] = (), recorder: TraceRecorder | None = None
    ) -> None:
        self.history = RunHistory()
        self.ended_by = ExitCode.OK
        self.hurried = False
        self.player = Player(load, lambda: self._inbox.put(_PlayEnded())) if load else None
        self._screen = screen
        self._recorder = recorder
        self._inbox: queue.SimpleQueue[Event | _Signal | _PlayEnded | _StreamEnded] = queue.SimpleQueue()

    def interrupt(self, exit_code: ExitCode) -> None:
        """Ask for the end; asked twice, do not wait for it. May be called from a signal handler."""
        self._inbox.put(_Signal(exit_code))

    def follow(self, running: RunningFunction) -> None:
        """Show `running` until it has ended; the caller closes it.

        Raises:
            FunctionError: the function could not be loaded.
            GaiaError: the runtime ended on its own.
        """
        threading.Thread(target=self._read, args=(running,), name="gaia-events", daemon=True).start()
        while True:
            try:
                item = self._inbox.get(timeout=TICK_S)
            except queue.Empty:
                self._screen.tick(self.history)
                continue
            match item:
                case _Signal():
                    if self.ended_by:
                        self.hurried = True
                        return
                    self.ended_by = item.exit_code
                    self._stop(running)
                case _PlayEnded():
                    running.stop()
                case _StreamEnded():
                    self._check_end(item.error)
                    return
                case _:
                    self._take(item, running)

    def _take(self, event: Event, running: RunningFunction) -> None:
        self.history.apply(event)
        if self._recorder is not None:
            self._recorder.apply(event)
        self._screen.event(event, self.history)
        if event.get("event") == "setup_failed" and self.history.ready is None:
            running.stop()  # the runtime would wait for a better day; a person at a screen should not
        elif event.get("event") == "ready" and self.player is not None and not self.ended_by:
            self.player.start(self.history.url)

    def _stop(self, running: RunningFunction) -> None:
        if self.player is not None:
            self.player.stop()
        running.stop()

    def _read(self, running: RunningFunction) -> None:
        error: Exception | None = None
        try:
            for event in running.events():
                self._inbox.put(event)
        except Exception as caught:  # noqa: BLE001 -- carried to the loop, which raises it
            error = caught
        self._inbox.put(_StreamEnded(error))

    def _check_end(self, error: Exception | None) -> None:
        if self.player is not None:
            self.player.stop()
        if error is not None:
            raise error
        if self.history.ready is None and self.history.setup_failure is not None:
            raise setup_error(self.history.setup_failure)
        if self.history.stopped is None and not self.ended_by:
            raise GaiaError(
                "the runtime ended unexpectedly" + _tail(self.history.log), "this is a bug in Gaia; please report it"
            )


def setup_error(failure: SetupFailure) -> GaiaError:
    """What a user is told when the function could not be loaded: what, where, and the last lines that it wrote."""
    place = f"{failure.path}:{failure.line}" if failure.path and failure.line else ""
    told = failure.message if place in failure.message else f"{place}: {failure.message}"
    text = told + _tail(failure.log)
    if failure.kind == "port":
        return UsageError(text, "use another --port; 0 takes a free one")
    if failure.kind == "no_gpu":
        return EngineError(text, "use --accelerator emulated, or pin another mode")
    return FunctionError(text, _HINTS.get(failure.kind, "docs/functions.md tells what a function looks like"))


_HINTS = {
    "import": "the function's file must be importable: correct the error, or add what is missing to requirements.txt",
    "signature": "define `def handler(payload)`, an ASGI `handle(scope, receive, send)`, or `new()`",
    "start_hook": "correct the function's start hook",
    "exit": "importing the function must not end the process",
    "timeout": "importing the function takes too long; do heavy work in the first request or in start",
}


def _tail(log: Sequence[str]) -> str:
    """The last lines, without those of a traceback that lead through the import system."""
    told = [line for line in log if "<frozen importlib" not in line and set(line.strip()) != {"^"}]
    return "".join(f"\n    {line}" for line in told[-10:])
