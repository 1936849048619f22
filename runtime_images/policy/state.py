"""What the policy is told once (`PolicySettings`) and what it remembers from one decision to the next (`PolicyState`).

Both are frozen values: `decide` answers with a new state and never changes the old one, so a recorded run can be
replayed and a test can hold any moment still. Times are seconds on the caller's clock.
"""

from dataclasses import dataclass
from math import inf

from runtime_images.policy.model import Backend, ExecutionMode, LaneObservation, Prices, Slo


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What the policy is told once. The defaults are meant to be left alone.

    `margin` is the share of the SLO that a predicted p95 may use before the function is moved to the CPU;
    `waiting_share` the CPU share under which a function waits instead of computing; `gain` the share of the CPU's
    time under which the GPU counts as faster; `violation_cost_s` what one request over the SLO is worth, in seconds
    of GPU; `start_up_s` a backend's start-up time until it is known.
    """

    mode: ExecutionMode
    slo: Slo = Slo()
    prices: Prices = Prices()
    margin: float = 0.8
    waiting_share: float = 0.2
    gain: float = 0.8
    violation_cost_s: float = 30.0
    start_up_s: float = 3.0
    overload_s: float = 2.0
    dwell_s: float = 4.0
    dwell_max_s: float = 1800.0
    idle_s: float = 5.0
    trial_s: float = 60.0
    forget_s: float = 1800.0

    @property
    def latency_slo_s(self) -> float | None:
        """The latency asked for at p95, in seconds."""
        target = self.slo.latency_p95_ms
        return None if target is None else target / 1000.0

    def start_up_of(self, lane: LaneObservation) -> float:
        """How long the backend of `lane` takes to start, as far as is known."""
        return self.start_up_s if lane.start_up_s is None else lane.start_up_s

    def break_even_s(self, cpu: LaneObservation, gpu: LaneObservation) -> float:
        """How long the GPU must stay released to save what releasing and starting it again costs."""
        cpu_price, gpu_price = (self.prices.per_second(backend) for backend in Backend)
        if gpu_price <= cpu_price:
            return inf
        cost = self.start_up_of(cpu) * cpu_price + self.start_up_of(gpu) * gpu_price
        return cost / (gpu_price - cpu_price)


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished request: when it was seen, and its times with and without the wait in the queue."""

    at: float
    service_s: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Level:
    """Times of a backend lately, over `count` requests: service at the median, p95 and mean, and mean latency.

    From five requests on, neither p95 nor the mean of the service times sees the largest.
    """

    p50_s: float
    p95_s: float
    mean_s: float
    latency_s: float
    count: int


@dataclass(frozen=True, slots=True)
class LaneMemory:
    """What is remembered of one backend.

    `seen` is how many finished requests were learned from, the last of them at `finished_at`; `served` how many of
    them since the backend last started, at `ready_at`. `samples` are the newest ones, cold starts left out, `level`
    is what they say, and `floor_s` the shortest typical service time so far, as of `floor_at`.
    """

    seen: int = 0
    served: int = 0
    ready_at: float | None = None
    finished_at: float = -inf
    samples: tuple[Sample, ...] = ()
    level: Level | None = None
    floor_s: float | None = None
    floor_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """Service times of the same load on both backends, learned around a switch at `at`."""

    gpu_s: float
    cpu_s: float
    at: float


@dataclass(frozen=True, slots=True)
class PolicyState:
    """Everything remembered between decisions.

    `moved_at` is when traffic came to the `active` backend. `alarm` is the evidence that it misses the SLO
    (estimators.py), `bad_since` and `bad_at` the first and the last bad request of the present trouble.
    `calm_since` is since when the CPU would do, `trial_due_since` since when a trial would pay. `futile_s` is the
    CPU service time at which the GPU was no faster, found at `futile_at`. `ordered` is the rule that ordered the
    last switch, `demoted_by` and `demoted_at` the last demotion, `dwell_s` and `trial_s` the patience before the
    next demotion or trial. `gpu_failures` is how often in a row the GPU was left because of errors, `gpu_failed_at`
    when last. `clients` are the last counts of unanswered requests, `requests` and `violations` the totals against
    the SLO.
    """

    active: Backend | None = None
    moved_at: float = 0.0
    cpu: LaneMemory = LaneMemory()
    gpu: LaneMemory = LaneMemory()
    alarm: float = 0.0
    bad_since: float | None = None
    bad_at: float = -inf
    overload_since: float | None = None
    calm_since: float | None = None
    trial_due_since: float | None = None
    points: tuple[Point, ...] = ()
    futile_s: float | None = None
    futile_at: float = 0.0
    ordered: str = ""
    demoted_at: float = -inf
    demoted_by: str = ""
    gpu_failures: int = 0
    gpu_failed_at: float = -inf
    dwell_s: float = 0.0
    trial_s: float = 0.0
    clients: tuple[int, ...] = ()
    requests: int = 0
    violations: int = 0

    def lane(self, backend: Backend) -> LaneMemory:
        """The memory of `backend`."""
        return self.cpu if backend is Backend.CPU else self.gpu


def initial_state(settings: PolicySettings) -> PolicyState:
    """The state before the first decision."""
    return PolicyState(dwell_s=settings.dwell_s, trial_s=settings.trial_s)
