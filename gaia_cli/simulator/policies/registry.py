"""The policies that a trace can be replayed under, by name; each is asked at its own ticks."""

from collections.abc import Callable
from math import inf

from gaia_cli.simulator.policies.reference import Reference
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.observing import observe
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Policy
from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import TICK_S


class Gaia:
    """The policy of the runtime, unchanged, asked as often as there."""

    def __init__(self, scenario: Scenario) -> None:
        self.initial = scenario.mode.initial_backend
        self.falls_back = not scenario.mode.is_fixed
        self._settings = PolicySettings(scenario.mode, scenario.slo, scenario.prices)
        self._state = initial_state(self._settings)

    def next_tick(self, now: float) -> float:
        """As often as in the runtime."""
        return now + TICK_S

    def choose(self, backends: Backends, now: float) -> Backend:
        """What `decide` answers."""
        self._state, decision = decide(self._settings, self._state, observe(backends, now), now)
        return decision.chosen


class Static:
    """One backend throughout: what a developer chooses who chooses once."""

    falls_back = False

    def __init__(self, backend: Backend) -> None:
        self.initial = backend

    def next_tick(self, now: float) -> float:  # noqa: ARG002 -- the protocol's signature
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
