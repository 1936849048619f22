"""The policies that a trace can be replayed under, by name; each is asked for the backend at its own beat."""

from collections.abc import Callable
from math import inf
from typing import Protocol

from gaia_cli.simulator.policies.reference import Reference
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.observing import observe
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.decide import decide
from runtime_images.policy.model import Backend
from runtime_images.policy.state import PolicySettings, initial_state

BEAT_S = 0.25
"""How often the runtime decides."""


class Policy(Protocol):
    """Who decides. `falls_back` says whether a GPU that is lost leads to the CPU at once."""

    initial: Backend
    falls_back: bool

    def next_beat(self, now: float) -> float:
        """When it wants to be asked next, after `now`; inf for never."""

    def choose(self, backends: Backends, now: float) -> Backend:
        """The backend that should serve from now on; the one that does means stay."""


class Gaia:
    """The policy of the runtime, unchanged, asked as often as there."""

    def __init__(self, scenario: Scenario) -> None:
        self.initial = scenario.mode.initial_backend
        self.falls_back = not scenario.mode.is_fixed
        self._settings = PolicySettings(scenario.mode, scenario.slo, scenario.prices)
        self._state = initial_state(self._settings)

    def next_beat(self, now: float) -> float:
        """Four times a second."""
        return now + BEAT_S

    def choose(self, backends: Backends, now: float) -> Backend:
        """What `decide` answers."""
        seen = observe(backends, now, for_record=False)
        self._state, decision = decide(self._settings, self._state, seen, now)
        return decision.chosen


class Static:
    """One backend for ever: what a developer chooses who chooses once."""

    falls_back = False

    def __init__(self, backend: Backend) -> None:
        self.initial = backend

    def next_beat(self, now: float) -> float:  # noqa: ARG002 -- the protocol's signature
        """Never."""
        return inf

    def choose(self, backends: Backends, now: float) -> Backend:  # noqa: ARG002 -- the protocol's signature
        """The same as ever."""
        return self.initial


POLICIES: dict[str, Callable[[Scenario], Policy]] = {
    "gaia": Gaia,
    "reference": Reference,
    "static-cpu": lambda _: Static(Backend.CPU),
    "static-gpu": lambda _: Static(Backend.GPU),
}
"""The policies that see only the past; the oracle, which sees the future, is a schedule of its own."""
