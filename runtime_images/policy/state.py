"""What the policy remembers from one decision to the next.

`decide` answers with a new state and never changes the old one, so a recorded run can be replayed and a test can hold
any moment still. What changes a little at every decision is a `Record`, copied once and written on until it is handed
out; the rest are frozen values. Times are seconds on the caller's clock.
"""

from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple, Self

from runtime_images.policy.model import CPU, Backend
from runtime_images.policy.sampling import LATE_ALLOWED
from runtime_images.policy.settings import PolicySettings


class Record:
    """Fields that are written on only by who has just copied them: whatever was copied from stays as it was."""

    def copy(self) -> Self:
        """Return an equal record; taking all fields over at once takes a fifth of the time of naming them."""
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__.copy()
        return other


class Level(NamedTuple):
    """Service times of a backend lately, over `size` requests: the median, the p95 and the mean.

    From five requests on, neither p95 nor the mean of the service times sees the largest.
    """

    p50_s: float
    p95_s: float
    mean_s: float
    size: int


class BackendMemory(NamedTuple):
    """What is remembered of one backend.

    `seen` is how many finished requests were learned from, the last of them at `finished_at`; `served` how many of
    them since the backend last started, at `ready_at`. `ats`, `services_s` and `latencies_s` are the newest ones, cold
    starts left out, with the time at which each was seen; `level` is what they say, and `floor_s` the shortest
    typical service time so far, as of `floor_at`. `tail_s` is what requests take that are far slower than is usual, of
    which there were `tail_size`, the last at `tail_at`.
    """

    seen: int = 0
    served: int = 0
    ready_at: float | None = None
    finished_at: float = -inf
    ats: tuple[float, ...] = ()
    services_s: tuple[float, ...] = ()
    latencies_s: tuple[float, ...] = ()
    level: Level | None = None
    floor_s: float | None = None
    floor_at: float = 0.0
    tail_s: float = 0.0
    tail_size: int = 0
    tail_at: float = -inf

    @property
    def latency_s(self) -> float:
        """The mean latency lately; 0 without requests."""
        return sum(self.latencies_s) / len(self.latencies_s) if self.latencies_s else 0.0


class Point(NamedTuple):
    """Service times of the same load on both backends, learned around a switch at `at`."""

    gpu_s: float
    cpu_s: float
    at: float


class Rhythm(NamedTuple):
    """When the last few SLO breaches began, oldest first, and whether an expectation has been disappointed."""

    onsets: tuple[float, ...] = ()
    disappointed: bool = False


class Plan(NamedTuple):
    """One strategy on paper (plans.py): what it would hold now, and what it would have cost.

    `ready_at` is when its GPU is ready, None where it has none; `money_s` its cost beyond the CPU's, in seconds of GPU;
    `missed` the avoidable violations that it would have had.
    """

    ready_at: float | None = None
    money_s: float = 0.0
    missed: float = 0.0


@dataclass
class CostAccount(Record):
    """The costs of the strategies on paper, and of the requests that they are weighed by, as of `at`.

    `breach_at` is when the SLO was last breached. The pending ones have come in since `at`: requests, those for which
    the CPU is too slow (when they arrived, and how many), whether there was a breach, and whether its beginning was
    `foreseen`. Of the requests that were late on the CPU, `late` in all, `slow` ones were so by their own service time;
    the others had to wait for those.
    `served` and `missed` count all requests so far, and the avoidable violations; `left_served` and
    `left_missed` are what they were when the GPU was last left.
    """

    at: float | None = None
    requests: float = 0.0
    breach_at: float = -inf
    pending_requests: int = 0
    pending_needed: tuple[tuple[float, int], ...] = ()
    pending_breach: bool = False
    foreseen: bool = False
    late: float = 0.0
    slow: float = 0.0
    served: int = 0
    missed: int = 0
    left_served: int = 0
    left_missed: int = 0
    plans: tuple[Plan, ...] = ()


@dataclass
class PolicyState(Record):
    """Everything remembered between decisions.

    `moved_at` is when traffic came to the `active` backend. `alarm` is the evidence that it misses the SLO
    (estimators.py), `bad_since` and `bad_at` the first and the last bad request of the present breach, `episodes` when
    the last few breaches began. `calm_since` is since when the CPU would keep the SLO, `trial_due_since` since when a
    trial would pay; `needed` says whether the last load on the GPU needed it. `futile_s` is the CPU service time at
    which the GPU was no faster, found at `futile_at`. `ordered` is the rule that ordered the last switch, `demoted_by`
    and `promoted_by` the rules of the last demotion and promotion, `demotions` when the latest ones were. `dwell_s` and
    `trial_s` are the patience before the next demotion or trial. `gpu_failures` is how often in a row the GPU was left
    because of errors or lost, `gpu_failed_at` when last. `rate` is the arrival rate, smoothed, as of `rate_at`;
    `allowed` the share of requests that may be late. `clients` are the last counts of unanswered requests, `alone` the
    evidence that they come from one client that waits for its answers. `trend` are a few moments of the CPU's service
    time, the newest last.
    """

    active: Backend | None = None
    moved_at: float = 0.0
    cpu: BackendMemory = BackendMemory()
    gpu: BackendMemory = BackendMemory()
    alarm: float = 0.0
    bad_since: float | None = None
    bad_at: float = -inf
    episodes: tuple[float, ...] = ()
    overload_since: float | None = None
    calm_since: float | None = None
    trial_due_since: float | None = None
    needed: bool = False
    points: tuple[Point, ...] = ()
    futile_s: float | None = None
    futile_at: float = 0.0
    ordered: str = ""
    demotions: tuple[float, ...] = ()
    demoted_by: str = ""
    promoted_by: str = ""
    gpu_failures: int = 0
    gpu_failed_at: float = -inf
    dwell_s: float = 0.0
    trial_s: float = 0.0
    clients: tuple[int, ...] = ()
    rate: float = 0.0
    rate_at: float = -inf
    allowed: float = LATE_ALLOWED
    alone: float = 0.0
    cpu_share: float | None = None
    trend: tuple[tuple[float, float], ...] = ()
    rhythm: Rhythm = Rhythm()
    account: CostAccount = field(default_factory=CostAccount)

    def lane(self, backend: Backend) -> BackendMemory:
        """Return the memory of `backend`."""
        return self.cpu if backend is CPU else self.gpu


def initial_state(settings: PolicySettings) -> PolicyState:
    """Return the state before the first decision."""
    return PolicyState(dwell_s=settings.dwell_s, trial_s=settings.trial_s)
