"""What would have paid? Strategies are played on paper against the load as it comes, and the cheapest is followed.

Each strategy differs in one number: how long it holds a GPU that is not needed, as a multiple of the break-even time.
0 never starts one, infinity never lets one go. Nobody can know beforehand which is right: bursts two minutes apart
are worth a release, bursts ten seconds apart are not, and a slow request an hour is not worth a start. What they
would have cost on this very load is known, and what paid lately is the best guess at what will pay (follow the
leader; Kalai and Vempala, "Efficient algorithms for online decision problems", 2005). A lean towards the ski-rental
break-even, which is never more than twice as dear as the optimum (Karlin et al., "Competitive snoopy caching", 1988),
is given up only for evidence.

Costs are in seconds of GPU beyond what the CPU costs alone. They fade with a half-life of twenty minutes.
"""

from math import exp, inf, log
from typing import NamedTuple

from runtime_images.policy.sampling import LATE_ALLOWED
from runtime_images.policy.state import CostAccount, Plan

MULTIPLES = (0.0, 1.0, 4.0, 16.0, inf)
"""How long each strategy holds a GPU that is not needed, in break-even times."""

LEANS = (2.0, 0.0, 0.5, 1.0, 2.0)
"""What each strategy must be better by, in round trips between the backends, to be followed."""

NEVER, RELEASE_SOON = 0, 1
SETTLE_EVERY_S = 1.0
HALF_LIFE_S = 1200.0
BLOCKED_MOST = 10.0
ALLOWED_MOST = 0.2
WORTH = 0.8
FREE_S = 5.0
"""What a late request costs at least, in seconds of GPU, also one that is allowed: nobody knows what comes next."""
SPENT_OVER_S = 1800.0
DETECTION_S = 3.0
"""How long a breach of the SLO lasts until it is noticed."""

CAREFUL = 4.0
"""How many break-even times the GPU is held where the allowance cannot pay for having to come back to it."""

_NONE = tuple(Plan() for _ in MULTIPLES)


class Terms(NamedTuple):
    """What moves and holding cost now, in seconds of GPU.

    `extra` is the GPU's cost a second beyond the CPU's; `detection_s` is how long a breach lasts until it is noticed.
    """

    start_gpu_s: float
    start_cpu_s: float
    extra: float
    break_even_s: float
    violation_s: float
    detection_s: float = 0.0


def is_due(account: CostAccount, now: float) -> bool:
    """Return whether it is time to settle."""
    return account.at is None or now - account.at >= SETTLE_EVERY_S


def settle(account: CostAccount, terms: Terms, now: float, *, available: bool) -> None:
    """Charge every strategy for the time since the last settlement; written on `account`."""
    began, account.at = account.at, now
    if began is None:
        account.plans = _NONE
        return
    spent_s, needed = now - began, account.pending_needed
    kept = exp(-spent_s * log(2) / HALF_LIFE_S)
    if account.pending_breach:
        account.breach_at = now
    plans = []
    for multiple, plan in zip(MULTIPLES, account.plans, strict=True):
        ready_at, money_s, missed = plan.ready_at, plan.money_s * kept, plan.missed * kept
        if needed:
            missed += sum([count for arrived, count in needed if ready_at is None or arrived < ready_at])
        if not available:
            ready_at = None
        elif ready_at is None:
            if account.pending_breach and multiple:
                ready_at = now + terms.detection_s + terms.start_gpu_s
                if account.foreseen:
                    ready_at, money_s = began, money_s + terms.start_gpu_s
        elif now < ready_at:
            money_s += min(spent_s, terms.start_gpu_s)
        else:
            money_s += spent_s * terms.extra
            if now - account.breach_at > multiple * terms.break_even_s:
                ready_at, money_s = None, money_s + terms.start_cpu_s
        plans.append(Plan(ready_at, money_s, missed))
    account.plans = tuple(plans)
    account.requests = account.requests * kept + account.pending_requests
    account.late, account.slow = account.late * kept, account.slow * kept
    account.pending_requests, account.pending_needed = 0, ()
    account.pending_breach = account.foreseen = False


def blocked(account: CostAccount) -> float:
    """Return how many requests were late on the CPU for each one that was slow itself."""
    return min(max((account.late + 1) / (account.slow + 1), 1.0), BLOCKED_MOST)


def late_share(account: CostAccount) -> float:
    """Return the share of requests that would have been late lately without a GPU."""
    return account.plans[NEVER].missed / account.requests if account.requests else 0.0


def spare(account: CostAccount) -> float:
    """Return how many more requests may be late within the allowance of all so far; negative if overdrawn."""
    return LATE_ALLOWED * account.served - account.missed


def allowed_share(account: CostAccount, terms: Terms, rate: float) -> float:
    """Return the share of requests that may be late on the CPU, until a GPU that ends it costs less than they do.

    The SLO's own share, what is spare of those so far, and as many as cost less than the GPU's price: few requests an
    hour are not worth one.
    """
    if rate <= 0:
        return ALLOWED_MOST
    affordable = WORTH * max(terms.extra, 0.0) / (terms.violation_s * rate)
    saved = max(spare(account), 0.0) / (rate * SPENT_OVER_S)
    return min(LATE_ALLOWED + affordable + saved, ALLOWED_MOST)


def _allowance(account: CostAccount) -> float:
    """Return how many of the requests lately may be late for free, less what is overdrawn of all so far."""
    return LATE_ALLOWED * account.requests + min(spare(account), 0.0)


def note_leaving(account: CostAccount) -> CostAccount:
    """Note that the GPU is left: what comes from now on is part of the next return."""
    left = account.copy()
    left.left_served, left.left_missed = left.served, left.missed
    return left


def return_s(account: CostAccount, terms: Terms, rate: float) -> float:
    """Return how long to hold the GPU, so that a return makes no more requests late than the allowance pays for.

    Nobody knows whether this load will come back at all; only once it has done so, what that cost is weighed: as many
    late requests as last time, less the share of its load that may be late, and no fewer than arrive at the present
    rate while a GPU starts.
    """
    coming = rate * (terms.start_gpu_s + DETECTION_S)
    left = max(spare(account), 0.0)
    if not account.left_served:
        return CAREFUL * terms.break_even_s if spare(account) < coming else 0.0
    last = account.missed - account.left_missed - LATE_ALLOWED * (account.served - account.left_served)
    beyond = max(1 + coming - left, last - left, 0.0)
    return terms.break_even_s + terms.violation_s * beyond / terms.extra if terms.extra > 0 else inf


def costs_s(account: CostAccount, terms: Terms) -> tuple[float, ...]:
    """Return the recent cost of each strategy; one that misses few requests makes up for an overdrawn allowance."""
    allowed, violation_s = _allowance(account), terms.violation_s
    return tuple(
        [plan.money_s + FREE_S * plan.missed + violation_s * max(plan.missed - allowed, 0.0) for plan in account.plans]
    )


def would_rather_hold(account: CostAccount, violation_s: float) -> bool:
    """Return whether never to let the GPU go would have cost less than never to have one; a quick look before `best`.

    Both must be better by as much to be followed (`LEANS`), so that the price of moving does not matter. It saves
    3 of 29 us of a decision on the GPU with one new request (`benchmarks.policy`).
    """
    if not account.plans:
        return True
    allowed = _allowance(account)
    without, always = account.plans[NEVER], account.plans[-1]
    saved = max(without.missed - allowed, 0.0) - max(always.missed - allowed, 0.0) + 1
    free = without.missed - always.missed
    return without.money_s + violation_s * saved + FREE_S * free > always.money_s


def best(account: CostAccount, terms: Terms) -> int:
    """Return the strategy to follow, as an index of `MULTIPLES`."""
    if not account.plans:
        return RELEASE_SOON
    trip_s = terms.start_gpu_s + terms.start_cpu_s
    leaning = [cost_s + lean * trip_s for cost_s, lean in zip(costs_s(account, terms), LEANS, strict=True)]
    leaning[NEVER] += terms.violation_s  # what one request says is not yet a habit
    return leaning.index(min(leaning))
