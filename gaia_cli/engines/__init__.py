"""Where `gaia run` starts a function: one small protocol, and one module an engine.

An engine prepares what the function needs (a virtual environment, an image), starts the Dynamic Function Runtime there
and hands back a `RunningFunction`. Everything else that is known about the function while it runs comes from its event
stream (docs/events.md), the same for every engine.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gaia_cli.project.project import FunctionProject
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.model import Event
from runtime_images.policy.model import Accelerator

Progress = Callable[[str], None]
"""Called with one short line for each step of a preparation that takes time."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start: the function, the accelerator, the settings without the places that an engine chooses.

    `handed_over` are variables that the user gives to the function and to the installation of what it requires.
    """

    project: FunctionProject
    settings: Settings
    accelerator: Accelerator
    handed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The function's variables: its own, with those handed over on top; of all others it sees few or none."""
        return {**self.project.env, **self.handed_over}

    def settings_with(self, **places: Any) -> Settings:  # noqa: ANN401 -- the fields of Settings, any of them
        """Return the settings with the places (directories, addresses, interpreter) that an engine has chosen."""
        return replace(self.settings, accelerator=self.accelerator, **places)


class RunningFunction(Protocol):
    """A started runtime. `close` must be called; it leaves no process, container or socket file behind.

    `admin_token` is what the admin address asks for, empty where only this user can open it.
    """

    @property
    def admin_token(self) -> str: ...  # noqa: D102 -- said above

    def events(self) -> Iterator[Event]:
        """Yield the events from the start until the runtime has exited.

        Raises:
            RuntimeDiedError: the runtime died without an event that says why.
        """

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
        """Say in one line what this engine is, for the screen."""

    def accelerators(self) -> tuple[Accelerator, ...]:
        """Return the accelerators that this engine has for a GPU backend now, best first, `emulated` last.

        Raises:
            EngineError: the engine does not answer.
        """

    def start(self, launch: Launch, progress: Progress) -> RunningFunction:
        """Prepare and start; return once the runtime's process or container exists.

        Raises:
            EngineError: the engine cannot run the function.
            RequirementsError: the function's requirements cannot be installed.
            UsageError: the port is taken.
        """
