"""Where `gaia run` starts a function: one small protocol, and one module an engine.

An engine prepares what the function needs (a virtual environment, an image), starts the Dynamic Function
Runtime there and hands back a `RunningFunction`. Everything else that is known about the function while it
runs comes from its event stream (docs/events.md), the same for every engine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gaia_cli.project.project import FunctionProject
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.lifecycle import SetupFailed, Stopped
from runtime_images.events.model import Event
from runtime_images.policy.model import Accelerator

EXPLAINS_THE_END = (Stopped, SetupFailed)
"""After one of these events the end of a runtime needs no other reason."""

LAST_LINES_KEPT = 20
"""Last lines of a runtime that are shown when it ends unasked."""
GRACE_S = 5.0
"""Time that a runtime has beyond its own limit for draining, before it is killed."""

Progress = Callable[[str], None]
"""Called with one short line for each step of a preparation that takes time."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start: the function, the accelerator, the settings without the places that an engine chooses."""

    project: FunctionProject
    settings: Settings
    accelerator: Accelerator

    def settings_with(self, **places: Any) -> Settings:  # noqa: ANN401 -- the fields of Settings, any of them
        """The settings with the places (directories, addresses, interpreter) that an engine has chosen."""
        return replace(self.settings, accelerator=self.accelerator, **places)


class RunningFunction(Protocol):
    """A started runtime. `close` must be called; it leaves no process, container or socket file behind."""

    def events(self) -> Iterator[Event]:
        """The event stream from the start, ending when the runtime has exited."""

    def stop(self) -> None:
        """Ask the runtime to drain and exit; `events` then ends with `stopped`. May be called from any thread."""

    def close(self, *, at_once: bool = False) -> int:
        """End whatever is left, release everything and return the runtime's exit code.

        A runtime that is still draining gets the time it needs, unless `at_once` asks not to wait.
        """


class Engine(Protocol):
    """A way of running a function on this machine."""

    name: str

    def describe(self) -> str:
        """One line that says what this engine is, for the screen."""

    def accelerators(self) -> tuple[Accelerator, ...]:
        """The GPU accelerators this engine can offer now, best first; `emulated` is always the last."""

    def start(self, launch: Launch, progress: Progress) -> RunningFunction:
        """Prepare and start; returns once the runtime process or container exists.

        Raises:
            EngineError: the engine cannot run the function.
            RequirementsError: the function's requirements cannot be installed.
        """
