"""Observes what serves, for the policy.

It reads Sources: in a runtime its own front and workers; a cluster's controller could use a gateway and many pods.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from runtime_images.dynamic_runtime.telemetry.backend_stats import BackendStats, Counters
from runtime_images.events.traffic import LaneState
from runtime_images.node.stretch import AS_EVER
from runtime_images.node.watch import Now
from runtime_images.policy.model import Backend, LaneObservation, Observation
from runtime_images.policy.sampling import RATE_SPAN_S
from runtime_images.policy.state import PolicyState

NOTHING_KNOWN = Now(AS_EVER)


class BackendView(NamedTuple):
    """A backend at one moment: the worker that serves or will serve on it, as far as there is one.

    `usable` says whether a start is worth a try now, `held_s` for how long the backend has been held so far, `sockets`
    how many WebSockets it has, which are none of the requests in flight.
    """

    usable: bool
    state: LaneState
    pid: int | None
    in_flight_ages_s: tuple[float, ...]
    held_s: float
    sockets: int = 0


class RequestSource(Protocol):
    """Where requests come in and wait."""

    @property
    def counters(self) -> Counters:
        """The counts since the start."""

    @property
    def last_activity_s(self) -> float:
        """The time at which a request last came in or was answered."""

    @property
    def slots(self) -> int:
        """The number of requests that are served at once."""

    def queue_ages_s(self, now_s: float) -> tuple[float, ...]:
        """Return the ages of the requests that wait, oldest first."""


class BackendSource(Protocol):
    """Where requests are served: on `target`, once it can; `switching_to` is the target of a switch under way."""

    target: Backend
    switching_to: Backend | None

    @property
    def busy(self) -> bool:
        """Whether any worker has a request."""

    def view(self, backend: Backend, now_s: float) -> BackendView:
        """Return how a backend is now."""


class ArrivalRate:
    """The requests that come in each second, from the running total at each observation."""

    def __init__(self, now_s: float) -> None:
        self._seen: deque[tuple[float, int]] = deque([(now_s, 0)])

    def rate(self, now_s: float, total: int) -> float:
        """Return requests a second over the last `RATE_SPAN_S`; `total` counts all of them so far."""
        self._seen.append((now_s, total))
        while len(self._seen) > 1 and self._seen[1][0] <= now_s - RATE_SPAN_S:
            self._seen.popleft()
        return (total - self._seen[0][1]) / RATE_SPAN_S


@dataclass(frozen=True, slots=True)
class Sources:
    """What an observation is made of; where backends are `alike`, each starts as the other does."""

    requests: RequestSource
    backends: BackendSource
    stats: Mapping[Backend, BackendStats]
    arrivals: ArrivalRate
    alike: bool = False
    node: Callable[[], Now] = lambda: NOTHING_KNOWN

    def start_up_s(self, backend: Backend) -> float | None:
        """Return how long the next start of a backend takes as far as is known."""
        known_s = self.stats[backend].start_up_s
        return self.stats[backend.other].start_up_s if known_s is None and self.alike else known_s


def observe(sources: Sources, state: PolicyState, now_s: float) -> Observation:
    """Return what the policy decides on, at `now_s` of the monotonic clock.

    It lists only the answers that the policy, in this `state`, has not learned from yet.
    """
    requests, backends = sources.requests, sources.backends
    queue_ages_s, node = requests.queue_ages_s(now_s), sources.node()
    return Observation(
        active=backends.target,
        switching_to=backends.switching_to,
        lanes={backend: _lane(sources, state, node, backend, now_s) for backend in Backend},
        queue_ages_s=queue_ages_s,
        arrival_rate=sources.arrivals.rate(now_s, requests.counters.requests),
        idle_s=0.0 if queue_ages_s or backends.busy else now_s - requests.last_activity_s,
        slots=requests.slots,
        power_budget_w=node.stretch.power_w,
        energy_price_per_j=node.stretch.joule_price,
    )


def _lane(sources: Sources, state: PolicyState, node: Now, backend: Backend, now_s: float) -> LaneObservation:
    view, stats = sources.backends.view(backend, now_s), sources.stats[backend]
    recent = stats.newest(stats.finished - state.lane(backend).seen, now_s)
    error_rate, answered = stats.error_share(now_s)
    return LaneObservation(
        available=view.usable and (node.stretch.gpu or backend is Backend.CPU),
        running=view.state is LaneState.READY,
        p95_s=stats.p95_s(now_s) if backend is sources.backends.target else None,
        recent_latencies_s=tuple([answer.latency_s for answer in recent]),
        recent_services_s=tuple([answer.service_s for answer in recent]),
        in_flight_ages_s=view.in_flight_ages_s,
        cpu_share=stats.cpu_share,
        error_rate=error_rate,
        answered=answered,
        start_up_s=sources.start_up_s(backend),
        finished=stats.finished,
        available_for_s=node.gpu_for_s if backend is Backend.GPU else None,
        price_per_s=node.stretch.price(backend),
        watts=node.stretch.watts(backend),
    )
