"""What the engines' running functions share: the event stream, the reason of an end, and stopping only once."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator

from gaia_cli.errors import RuntimeDiedError
from runtime_images.events.codec import decode
from runtime_images.events.lifecycle import SetupFailed, Stopped
from runtime_images.events.model import Event

GRACE_S = 5.0
"""Time that a runtime has beyond its own limit for draining, before it is killed."""
_LAST_LINES_KEPT = 20
"""Last lines of a runtime that are shown when it ends unasked."""


class StartedRuntime(ABC):
    """A `RunningFunction` but for the way to its output and to its end."""

    admin_token = ""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES_KEPT)

    def events(self) -> Iterator[Event]:
        """Yield the events from the start until the runtime has exited.

        Raises:
            RuntimeDiedError: the runtime died without an event that says why.
        """
        explained = False
        for line in self._event_lines():
            if (event := decode(line)) is not None:
                explained = explained or isinstance(event, Stopped | SetupFailed)
                yield self._seen_from_here(event)
        if not explained and not self._stopping.is_set():
            end, hint = self._end()
            raise RuntimeDiedError(end, hint, self._last_lines)

    def stop(self) -> None:
        """Ask the runtime to drain and exit; asking again changes nothing."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._terminate()

    @abstractmethod
    def _event_lines(self) -> Iterator[bytes]:
        """Yield the lines of standard output until the runtime has exited."""

    @abstractmethod
    def _terminate(self) -> None:
        """Send SIGTERM."""

    @abstractmethod
    def _end(self) -> tuple[str, str]:
        """Return how the runtime ended, and a hint."""

    def _seen_from_here(self, event: Event) -> Event:
        return event

    def _keep(self, line: bytes) -> None:
        self._last_lines.append(line.decode(errors="replace").rstrip())


def unexpected(how: str) -> tuple[str, str]:
    """Return the sentence and the hint for a runtime that ended by itself."""
    return f"the runtime ended unexpectedly ({how})", "please report this, with the lines above"
