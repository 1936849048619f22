"""One loop from a started function to its end: events, signals, the player's end and the passing of time.

Everything reaches the loop through queues, so threads share nothing and each item is handled in the order in which
it came; but signals go before events, of which many may wait. The queues are SimpleQueues because signal handlers put
into one, and only their `put` is reentrant.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gaia_cli.engines import RunningFunction
from gaia_cli.engines.setup_failure import setup_error, tail
from gaia_cli.errors import ExitCode, GaiaError, RuntimeDiedError
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.playing.load import Load, PlannedRequest
from gaia_cli.running.playing.player import Player
from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.running.summary import RunSummary
from runtime_images.events.lifecycle import Ready, SetupFailed
from runtime_images.events.model import Event

TICK_S = 0.1

More = Callable[[RunHistory], PlannedRequest | None]
"""Says which request follows the load, if any, as the run has gone so far."""


class Screen(Protocol):
    """What shows a run: a live view, lines, or JSON; always called from one thread."""

    def address(self, url: str) -> None:
        """Show where the function will be served, before anything else."""

    def step(self, text: str) -> None:
        """Show one step of the preparation."""

    def plan(self, plan: RunPlan) -> None:
        """Show what will run, where and why."""

    def event(self, event: Event, history: RunHistory) -> None:
        """Show an event that `history` has already taken."""

    def tick(self, history: RunHistory) -> None:
        """Show the passing of time; called a few times a second."""

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Show what the run came to."""

    def close(self) -> None:
        """Give the terminal back; called in every case."""


@dataclass(frozen=True, slots=True)
class _PlayEnded:
    """The last answer of the played load is in."""


@dataclass(frozen=True, slots=True)
class _StreamEnded:
    """The runtime has exited, or its stream is unreadable."""

    error: Exception | None


class Session:
    """Follows a run until the runtime has exited, or until a second signal says not to wait.

    `more` says what is played after the load, from what has happened so far; it is called on the player's thread.
    `failure` is why a runtime that had served ended unasked: what it has served by then is summed up all the same.
    """

    def __init__(
        self, screen: Screen, load: Load | None = None, recorder: TraceRecorder | None = None, more: More | None = None
    ) -> None:
        self.history = RunHistory()
        if load is not None and more is not None:
            load = replace(load, more=lambda: more(self.history))
        self.ended_by = ExitCode.OK
        self.hurried = False
        self.failure: GaiaError | None = None
        self.player = Player(load, lambda: self._inbox.put(_PlayEnded())) if load is not None else None
        self._screen = screen
        self._recorder = recorder
        self._inbox: queue.SimpleQueue[Event | _PlayEnded | _StreamEnded] = queue.SimpleQueue()
        self._signals: queue.SimpleQueue[ExitCode] = queue.SimpleQueue()

    def interrupt(self, exit_code: ExitCode) -> None:
        """Ask for the end, also from a signal handler.

        Before the function serves, there is nothing to wait for. Later a second Ctrl-C does not wait; a second SIGTERM
        does, since programs such as timeout(1) send two.
        """
        self._signals.put(exit_code)

    def follow(self, running: RunningFunction, on_ready: Callable[[Ready], None] = lambda _ready: None) -> None:
        """Show `running` until it has ended; the caller closes it. `on_ready` is called when it serves.

        Raises:
            FunctionError: the function could not be loaded.
            GaiaError: the runtime ended on its own before the function served.
        """
        threading.Thread(target=self._read, args=(running,), name="gaia-events", daemon=True).start()
        while not self._hurries(running):
            try:
                item = self._inbox.get(timeout=TICK_S)
            except queue.Empty:
                self._screen.tick(self.history)
                continue
            match item:
                case _PlayEnded():
                    running.stop()
                case _StreamEnded():
                    self._check_end(item.error)
                    return
                case Event():
                    self._take(item, running)
                    if isinstance(item, Ready):
                        on_ready(item)

    def _hurries(self, running: RunningFunction) -> bool:
        """Do what the signals ask for, before all that waits in the inbox; return whether to wait no longer."""
        while not (self._signals.empty() or self.hurried):
            code = self._signals.get()
            if self.ended_by:
                self.hurried = code is ExitCode.INTERRUPTED
                continue
            self.ended_by = code
            self._stop_player()
            if self.history.ready is None:
                self.hurried = True
            else:
                running.stop()
        return self.hurried

    def _take(self, event: Event, running: RunningFunction) -> None:
        self.history.apply(event)
        if self._recorder is not None:
            self._recorder.apply(event)
        self._screen.event(event, self.history)
        if isinstance(event, SetupFailed) and self.history.ready is None:
            running.stop()  # the runtime would wait and try again; a person at a screen should not
        elif isinstance(event, Ready) and self.player is not None and not self.ended_by:
            self.player.start(self.history.url)

    def _stop_player(self) -> None:
        if self.player is not None:
            self.player.stop()

    def _read(self, running: RunningFunction) -> None:
        error: Exception | None = None
        try:
            for event in running.events():
                self._inbox.put(event)
        except Exception as caught:  # noqa: BLE001 -- carried to the loop, which raises it
            error = caught
        self._inbox.put(_StreamEnded(error))

    def _check_end(self, error: Exception | None) -> None:
        self._stop_player()
        if isinstance(error, GaiaError) and self.history.ready is not None:
            self.failure = error
            return
        if error is not None:
            raise error
        if self.history.ready is None and self.history.setup_failure is not None:
            raise setup_error(self.history.setup_failure)
        if self.history.stopped is None and not self.ended_by:
            log = tail(self.history.log)
            raise RuntimeDiedError("the runtime ended unexpectedly", "this is a bug in Gaia; please report it", log)
