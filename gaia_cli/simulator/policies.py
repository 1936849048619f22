"""The policies that a trace can be replayed under, by name; each is asked for the backend at its own beat."""

from collections.abc import Callable
from math import inf
from typing import Protocol

from gaia_cli.simulator.backends import Backends
from gaia_cli.simulator.observing import observe
from gaia_cli.simulator.reference import Reference
from gaia_cli.simulator.scenario import Scenario
from runtime_images.policy.decide import decide
from runtime_images.policy.model import Backend
from runtime_images.policy.state import PolicySettings, initial_state


class Policy(Protocol):
    """Who decides: asked every `beat_s`; `falls_back` says whether a lost GPU leads to the CPU."""

    initial: Backend
    beat_s: float
    falls_back: bool

    def choose(self, backends: Backends, now: float) -> Backend:
        """The backend that should serve from now on; the one that does means stay."""


class Gaia:
    """The policy of the runtime, unchanged, asked as often as there."""

    beat_s = 0.25
    falls_back = True

    def __init__(self, scenario: Scenario) -> None:
        self.initial = scenario.mode.initial_backend
        self._settings = PolicySettings(scenario.mode, scenario.slo, scenario.prices)
        self._state = initial_state(self._settings)

    def choose(self, backends: Backends, now: float) -> Backend:
        """What `decide` answers."""
        self._state, decision = decide(self._settings, self._state, observe(backends, now), now)
        return decision.chosen


class Static:
    """One backend for ever: what a developer chooses who chooses once."""

    beat_s = inf
    falls_back = False

    def __init__(self, backend: Backend) -> None:
        self.initial = backend

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
