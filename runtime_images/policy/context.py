"""Everything a rule may look at, worked out once for each decision."""

from dataclasses import dataclass
from functools import cached_property
from math import exp

from runtime_images.policy import learning
from runtime_images.policy.estimators import (
    alarm_step,
    alarm_threshold,
    closed_loop_clients,
    hopeful_cpu_s,
    predict_cpu_s,
    queue_wait_p95_s,
)
from runtime_images.policy.model import Backend, Decision, LaneObservation, Observation
from runtime_images.policy.state import Level, PolicySettings, PolicyState

RETURNING_MOST = 10


@dataclass(frozen=True)
class Context:
    """The settings, the state after learning, the observation and the time, with what follows from them."""

    settings: PolicySettings
    state: PolicyState
    seen: Observation
    now: float

    @property
    def cpu(self) -> LaneObservation:
        """The CPU as observed."""
        return self.seen.lanes[Backend.CPU]

    @property
    def gpu(self) -> LaneObservation:
        """The GPU as observed."""
        return self.seen.lanes[Backend.GPU]

    @property
    def slo_s(self) -> float | None:
        """The latency asked for."""
        return self.settings.latency_slo_s

    @cached_property
    def levels(self) -> dict[Backend, Level | None]:
        """The service times of each backend lately; for the inactive one, when it last served."""
        return {backend: self.state.lane(backend).level for backend in Backend}

    @cached_property
    def utilization(self) -> float:
        """How many of the active backend's slots the arriving work needs, as a share."""
        return learning.utilization(self.state, self.seen)

    @cached_property
    def overdue_s(self) -> tuple[float, ...]:
        """The ages of requests without an answer that are over the SLO already, cold starts left out."""
        slo_s = self.slo_s
        if slo_s is None:
            return ()
        ages = (*self._warm_ages_s, *self.seen.queue_ages_s)
        longest = learning.answerable_s(self.state, self.now)
        return tuple(age for age in ages if slo_s < age <= longest)

    @property
    def serving_s(self) -> float:
        """How long the oldest request has at least been served; a cold start does not count.

        Its age has the wait in the queue in it, which ended no earlier than the last request finished.
        """
        finished_at = self.state.lane(self.seen.active).finished_at
        return min(max(self._warm_ages_s, default=0.0), self.now - finished_at)

    @property
    def _warm_ages_s(self) -> tuple[float, ...]:
        cold = max(self.seen.slots - self.state.lane(self.seen.active).served, 0)
        return self.seen.lanes[self.seen.active].in_flight_ages_s[cold:]

    @cached_property
    def alarm(self) -> float:
        """The evidence that the SLO is missed, with the requests that are late but not finished."""
        if self.slo_s is None:
            return 0.0
        return self.state.alarm + sum(alarm_step(age, self.slo_s) for age in self.overdue_s)

    @property
    def threshold(self) -> float:
        """The alarm at which there is trouble; just after an idle release or a trial one bad request is enough."""
        returning = self.state.demoted_by in ("idle", "trial") and self.state.cpu.served <= RETURNING_MOST
        if returning and self.state.points:
            return 1.0
        return alarm_threshold(self.seen.arrival_rate)

    @cached_property
    def idle_limit_s(self) -> float:
        """How long the GPU is held without requests: until holding it has cost as much as starting it again."""
        return max(self.settings.idle_s, self.state.dwell_s, self.break_even_s)

    @cached_property
    def break_even_s(self) -> float:
        """How long a demotion must last to pay for itself."""
        return self.settings.break_even_s(self.cpu, self.gpu)

    @property
    def certainty(self) -> float:
        """How much old knowledge of the CPU still counts; it fades while the CPU would do, seen hopefully."""
        since = self.state.calm_since
        return 1.0 if since is None else exp((since - self.now) / self.state.dwell_s)

    def predicted_cpu_p95_s(self, certainty: float) -> float | None:
        """The p95 latency that the CPU would show now; None while nothing is known.

        `certainty` blends the pessimistic relation (1) with the hopeful one (0), geometrically.
        """
        typical, slow = self.cpu_service_s(certainty, "p50_s"), self.cpu_service_s(certainty, "p95_s")
        if typical is None or slow is None:
            return None
        slots = self.seen.slots
        level, rate = self.levels[Backend.GPU], self.seen.arrival_rate
        clients = closed_loop_clients(self.state.clients, rate, level.latency_s if level else 0.0)
        if clients is not None:
            return slow * max(1.0, clients / slots)
        return slow + queue_wait_p95_s(rate, typical, slots)

    def cpu_service_s(self, certainty: float, quantile: str) -> float | None:
        """The service time that the CPU would show at a quantile (`p50_s`, `p95_s`) of the present load."""
        level = self.levels[Backend.GPU]
        if level is None:
            return None
        gpu_s = level.p50_s if quantile == "p50_s" else level.p95_s
        points, gpu_floor, cpu_floor = self.state.points, self.state.gpu.floor_s, self.state.cpu.floor_s
        sure = predict_cpu_s(points, gpu_s)
        hoped = hopeful_cpu_s(points, gpu_s, gpu_floor, cpu_floor)
        if sure is None or hoped is None:
            return None
        return float(sure**certainty * hoped ** (1 - certainty))

    def stay(self, rule: str, reason: str) -> Decision:
        """Keep the active backend."""
        return Decision(self.seen.active, self.seen.active.other, reason, self.inputs(), rule)

    def move(self, rule: str, reason: str) -> Decision:
        """Go to the other backend."""
        return Decision(self.seen.active.other, self.seen.active, reason, self.inputs(), rule)

    def inputs(self) -> dict[str, float | str | None]:
        """The numbers behind the decision, for the record."""
        cpu, gpu = self.levels[Backend.CPU], self.levels[Backend.GPU]
        on_gpu = self.seen.active is Backend.GPU
        return {
            "slo_ms": _ms(self.slo_s),
            "p95_ms": _ms(self.seen.lanes[self.seen.active].p95_s),
            "cpu_service_p95_ms": _ms(cpu.p95_s if cpu else None),
            "gpu_service_p95_ms": _ms(gpu.p95_s if gpu else None),
            "predicted_cpu_p95_ms": _ms(self.predicted_cpu_p95_s(self.certainty) if on_gpu else None),
            "certainty": round(self.certainty, 3) if on_gpu else None,
            "alarm": round(self.alarm, 3),
            "alarm_threshold": round(self.threshold, 3),
            "overdue": float(len(self.overdue_s)),
            "queue": float(len(self.seen.queue_ages_s)),
            "arrival_rate": round(self.seen.arrival_rate, 3),
            "utilization": round(self.utilization, 3),
            "cpu_share": self.cpu.cpu_share,
            "idle_s": round(self.seen.idle_s, 3),
            "dwell_s": self.state.dwell_s,
            "break_even_s": round(self.break_even_s, 3) if self.break_even_s < 1e9 else None,
        }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None or seconds > 1e9 else round(1000 * seconds, 3)
