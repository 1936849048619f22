"""Labels of the oracle's dynamic program: ways to have served the requests so far, of which few are kept.

Of the labels of one backend, those are kept that no other one dominates in cost, backlog and readiness to switch, at
most KEPT: O(requests * KEPT squared) for each of the few prices tried.
"""

from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from gaia_cli.simulator.world.node import Supply
from runtime_images.policy.model import Backend

KEPT = 12
KEPT_WITHOUT_PRICE = 60
"""Labels of a backend that are kept: more of them where the number of violations is part of what they differ in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The backend to begin with, and the moments at which starts of the other one are ordered, in their order."""

    initial: Backend
    orders: tuple[float, ...] = ()


class Label(NamedTuple):
    """One way to have served the requests so far.

    `cost` is what has been paid up to `at`, when the last request began. `free` are the moments at which the active
    backend's slots are free, in their order; `other_at` is the earliest moment at which the other backend can take
    over. `coming` is for each client when its next request arrives, and its row, in the order of time. `switches` is
    the chain of moments at which traffic moved. The last answer of all is given at `ended`.
    """

    cost: float
    late: int
    backend: Backend
    at: float
    ended: float
    free: tuple[float, ...]
    other_at: float
    coming: tuple[tuple[float, int], ...]
    switches: "Chain | None"


class Chain(NamedTuple):
    """A moment at which traffic moved `to` a backend, and the ones before it."""

    before: "Chain | None"
    to: Backend
    at: float


class Pruner:
    """Drops labels that another one dominates. In `absolute` time, labels stand at the moments of a common clock."""

    def __init__(self, supply: Supply, penalty: float, *, absolute: bool) -> None:
        self._supply = supply
        self._penalty = penalty
        self._absolute = absolute

    def prune(self, labels: list[Label], price: float | None) -> list[Label]:
        """Return the labels that no other one dominates, the cheapest first, at most KEPT of a backend."""
        kept: list[Label] = []
        for backend in Backend:
            mine = [label for label in labels if label.backend is backend]
            if len(mine) > 1:
                costs = [(self._cost_at_once(label) + (price or 0.0) * label.late, label) for label in mine]
                costs.sort(key=itemgetter(0))
                mine = self._undominated(costs, price)
            kept += mine
        return kept

    def _cost_at_once(self, label: Label) -> float:
        """Return the cost to compare labels by, as if all held on until the same moment, but for a closed loop."""
        return label.cost - (self._supply.spent(label.backend, label.at) if self._absolute else 0.0)

    def _undominated(self, ordered: list[tuple[float, Label]], price: float | None) -> list[Label]:
        kept: list[tuple[float, Label]] = []
        for cost, label in ordered:
            for less, better in kept:
                fewer = price is not None or less + self._penalty * max(0, better.late - label.late) <= cost
                if fewer and self._dominates(better, label):
                    break
            else:
                kept.append((cost, label))
        undominated = [label for _, label in kept]
        return _spread(undominated, KEPT_WITHOUT_PRICE if price is None else KEPT)

    def _dominates(self, one: Label, other: Label) -> bool:
        """Return whether the dearer label has nothing that the cheaper one lacks; a closed loop's time is its own.

        Which clients wait, and for how long, is not compared: of several clients it is a guess that the cheaper is
        better.
        """
        if not self._absolute:
            return one.other_at - one.at <= max(other.other_at - other.at, 0.0)
        if one.other_at > max(other.other_at, other.at):
            return False
        return all(mine <= theirs for mine, theirs in zip(one.free, other.free, strict=True))


def _spread(ordered: list[Label], most: int) -> list[Label]:
    """Return at most so many labels, evenly spread from the cheapest to the one with the least backlog."""
    if len(ordered) <= most:
        return ordered
    step = (len(ordered) - 1) / (most - 1)
    return [ordered[round(index * step)] for index in range(most)]
