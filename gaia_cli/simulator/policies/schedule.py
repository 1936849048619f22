"""A policy that was told the future: it switches at the moments of a plan. The oracle's plans are replayed with it."""

from bisect import bisect_right
from dataclasses import dataclass
from math import inf

from gaia_cli.simulator.world.backends import Backends
from runtime_images.policy.model import Backend


@dataclass(frozen=True, slots=True)
class Plan:
    """The backend to begin with, and the moments at which starts of the other one are ordered, in their order."""

    initial: Backend
    orders: tuple[float, ...] = ()


class Planned:
    """Follows a plan."""

    falls_back = False

    def __init__(self, plan: Plan) -> None:
        self.initial = plan.initial
        self._orders = plan.orders

    def next_beat(self, now: float) -> float:
        """The moment of the next order."""
        coming = bisect_right(self._orders, now)
        return self._orders[coming] if coming < len(self._orders) else inf

    def choose(self, backends: Backends, now: float) -> Backend:  # noqa: ARG002 -- the protocol's signature
        """The other backend: it is asked only when there is an order."""
        return backends.target.other
