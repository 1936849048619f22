"""The offline optimum: the best choice with every request known in advance.

**The allowance.** The objective forgives the first 5 % of violations, which no sum over requests can say. So a
price is put on every violation, and the price is searched at which the allowance is just used up: the lower convex hull
of all pairs of cost and violations, edge by edge (Everett, "Generalized Lagrange Multiplier Method", 1963). Between
two corners of the hull a better plan may exist; `Optimum.bound` says how much better at most. For a short trace it is
looked for there, too. The result is a plan that is replayed like any policy (`search` has the model and the
complexity).
"""

from bisect import bisect_right
from dataclasses import dataclass
from math import inf

from gaia_cli.simulator.policies.labels import Plan
from gaia_cli.simulator.policies.search import Found, Search
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Replay, replay
from runtime_images.policy.model import Backend

SHORT = 400
"""Up to so many requests labels are also kept for every number of violations."""

PRICES_MOST = 6
NEAR_ENOUGH = 1.005
"""How far above the bound a plan may be for the search to end."""


class Planned:
    """The policy that knows the future: it switches at the moments of a plan."""

    falls_back = False

    def __init__(self, plan: Plan) -> None:
        self.initial = plan.initial
        self._orders = plan.orders

    def next_tick(self, now: float) -> float:
        """Return the moment of the next start."""
        coming = bisect_right(self._orders, now)
        return self._orders[coming] if coming < len(self._orders) else inf

    def choose(self, backends: Backends, now: float) -> Backend:  # noqa: ARG002 -- the protocol's signature
        """Return the other backend: the plan asks only to switch."""
        return backends.target.other


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best plan found, replayed; no plan in the model has an objective below `bound`."""

    plan: Plan
    replay: Replay
    bound: float


def optimum(trace: Trace, scenario: Scenario) -> Optimum:
    """Find the offline optimum of `trace`."""
    search = Search(trace, scenario)
    best, bound = _by_price(search)
    if len(trace) <= SHORT:
        best = min(best, search.best(None), key=search.objective)
    return Optimum(best.plan, replay(trace, scenario, Planned(best.plan)), bound)


def _by_price(search: Search) -> tuple[Found, float]:
    """Return the best plan on the hull of cost and violations, and the bound."""
    dear = search.best(search.scenario.violation_price)
    if dear.late >= search.allowed:
        return dear, search.objective(dear)
    cheap = search.best(0.0)
    return (cheap, cheap.cost) if cheap.late <= search.allowed else _between(search, dear, cheap)


def _between(search: Search, few: Found, many: Found) -> tuple[Found, float]:
    """Return the best plan on the hull between one with too few late requests and one with too many, and the bound."""
    best, bound = min(few, many, key=search.objective), 0.0
    for _ in range(PRICES_MOST):
        price = (few.cost - many.cost) / (many.late - few.late)
        found = search.best(price)
        bound = max(bound, found.cost + price * (found.late - search.allowed))
        best = min(best, found, key=search.objective)
        if search.objective(best) <= bound * NEAR_ENOUGH or found.late in (few.late, many.late):
            break
        few, many = (found, many) if found.late <= search.allowed else (few, found)
    return best, bound
