"""The words of Gaia as frozen values, shared by the analyzer, the runtime, the simulator and the command line.

Standard library only: this module ships in every image and is imported by every part. Times are seconds (`_s`),
except where a user-facing name says `_ms`; rates are per second; shares are between 0 and 1.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from runtime_images.policy.sampling import CPU_PER_HOUR, GPU_PER_HOUR


class Backend(StrEnum):
    """Where requests are served."""

    CPU = "cpu"
    GPU = "gpu"

    @property
    def other(self) -> "Backend":
        """The backend that this one is not."""
        return GPU if self is CPU else CPU


CPU, GPU = Backend.CPU, Backend.GPU
"""The same by a shorter way: before Python 3.12 every look at a member through its class runs Python code."""


class ExecutionMode(StrEnum):
    """What a function needs; the two `*_preferred` modes may switch while the function serves."""

    CPU = "cpu"
    CPU_PREFERRED = "cpu_preferred"
    GPU_PREFERRED = "gpu_preferred"
    GPU = "gpu"

    @property
    def is_fixed(self) -> bool:
        """Whether the function never switches."""
        return self in _FIXED

    @property
    def initial_backend(self) -> Backend:
        """The backend the function starts on where both are available."""
        return Backend.CPU if self in (ExecutionMode.CPU, ExecutionMode.CPU_PREFERRED) else Backend.GPU

    def on(self, backend: Backend) -> "ExecutionMode":
        """Return the mode after a switch to `backend`: a fixed mode stays, a dynamic one flips with the backend."""
        if self.is_fixed:
            return self
        return ExecutionMode.CPU_PREFERRED if backend is Backend.CPU else ExecutionMode.GPU_PREFERRED


_FIXED = (ExecutionMode.CPU, ExecutionMode.GPU)


class Accelerator(StrEnum):
    """What a GPU backend uses. `emulated` is a GPU lane for machines without one and is always labelled so."""

    NVIDIA = "nvidia"
    EMULATED = "emulated"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Slo:
    """What the user asks for; a target that is None is not asked for."""

    latency_p95_ms: float | None = None
    throughput_rps: float | None = None
    error_rate: float | None = None
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A request that each new worker answers before it takes traffic; `path` may have a query."""

    method: str = "POST"
    path: str = "/"
    body: str = ""


@dataclass(frozen=True, slots=True)
class Prices:
    """What an hour of each backend costs while it is held, from start ordered to released."""

    cpu_per_hour: float = CPU_PER_HOUR
    gpu_per_hour: float = GPU_PER_HOUR
    currency: str = "USD"

    def per_second(self, backend: Backend) -> float:
        """Return the price of one second of `backend`."""
        return (self.cpu_per_hour if backend is CPU else self.gpu_per_hour) / 3600.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a rule found. `weight` is positive towards the GPU and negative towards the CPU."""

    rule: str
    path: str
    line: int
    column: int
    message: str
    weight: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The analyzer's answer: `confidence` is the probability that the mode is right."""

    mode: ExecutionMode
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class LaneObservation:
    """What one backend did lately, as the policy sees it. Lists are oldest first.

    `recent_latencies_s` are arrival-to-answer times of requests finished within the SLO window, `recent_services_s` the
    same requests without the wait in the queue. `finished` counts every request that ever entered these two lists, so
    that each is learned from once; the lists may be cut to the newest few hundred. `in_flight_ages_s` are the times
    since the arrival of the requests being served. `cpu_share` is processor time over busy wall time with the wait for
    a processor taken out; None means not measured yet. Failed answers are no evidence of a latency and are left out of
    the lists; `error_rate` is their share of the last `answered` answers since the backend's worker became ready.

    The lists may hold no more than the requests finished since the caller's last decision; `p95_s` is for the record,
    and may be left out where the backend is not active. The next three are known only on some nodes of the continuum:
    seconds until a planned outage, what a second costs here and now in place of the settings' price, and what the
    backend draws. `slots` is how many requests it would serve at once, where that is not the observation's: a backend
    of many pods has as many of them as its load needs.
    """

    available: bool
    running: bool
    p95_s: float | None = None
    recent_latencies_s: tuple[float, ...] = ()
    recent_services_s: tuple[float, ...] = ()
    in_flight_ages_s: tuple[float, ...] = ()
    cpu_share: float | None = None
    error_rate: float = 0.0
    start_up_s: float | None = None
    finished: int = 0
    answered: int = 0
    available_for_s: float | None = None
    price_per_s: float | None = None
    watts: float = 0.0
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything a decision may depend on, at one moment.

    `queue_ages_s` are the ages of requests that wait in the front, oldest first; `arrival_rate` is requests a second
    over the last few seconds; `idle_s` the time since the last request arrived or finished. `power_budget_w` is what
    the node can give to a backend now, `energy_price_per_j` what a joule costs, where they are known.
    """

    active: Backend
    switching_to: Backend | None
    lanes: dict[Backend, LaneObservation]
    queue_ages_s: tuple[float, ...] = ()
    arrival_rate: float = 0.0
    idle_s: float = 0.0
    slots: int = 1
    power_budget_w: float | None = None
    energy_price_per_j: float = 0.0


class Rationale(Protocol):
    """What a decision rests on, put into words and numbers when somebody asks for them."""

    def reason(self, rule: str) -> str:
        """Say in one sentence why `rule` decided as it did."""

    def inputs(self) -> dict[str, float | str | None]:
        """Return the numbers behind the decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy answers: where requests should be served, and why.

    `chosen` equal to the active backend means stay, and while a switch is under way that it is given up; equal to
    `switching_to` that the switch goes on. `rule` names the rule that spoke (docs/policy.md): it stays the same while
    only the numbers move. `reason` and `inputs` are made when they are read, since most decisions change nothing and
    nobody reads theirs.
    """

    chosen: Backend
    rejected: Backend
    rule: str
    rationale: Rationale = field(compare=False, repr=False)

    @property
    def reason(self) -> str:
        """Why, in one sentence for a person."""
        return self.rationale.reason(self.rule)

    @property
    def inputs(self) -> dict[str, float | str | None]:
        """The numbers that the decision rests on."""
        return self.rationale.inputs()
