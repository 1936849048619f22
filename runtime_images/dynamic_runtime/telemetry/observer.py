"""Looks at the running parts and writes down what the policy, and a person, should see of them. It changes nothing."""

from collections import deque
from typing import TYPE_CHECKING, Any

from runtime_images.dynamic_runtime.telemetry.lane import Lane, milliseconds
from runtime_images.policy.model import Accelerator, Backend, LaneObservation, Observation
from runtime_images.policy.sampling import LATE_ALLOWED, RATE_SPAN_S

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.runtime import Runtime


class ArrivalRate:
    """How many requests come in a second, from the running total as it was seen at each look."""

    def __init__(self, now_s: float) -> None:
        self._seen: deque[tuple[float, int]] = deque([(now_s, 0)])

    def rate(self, now_s: float, total: int) -> float:
        """Requests a second over the last `RATE_SPAN_S`; `total` is how many there have been by now."""
        self._seen.append((now_s, total))
        while len(self._seen) > 1 and self._seen[1][0] <= now_s - RATE_SPAN_S:
            self._seen.popleft()
        return (total - self._seen[0][1]) / RATE_SPAN_S


def observe(runtime: "Runtime", now_s: float) -> Observation:
    """The observation that the policy decides on, at `now_s` of the monotonic clock.

    It lists the answers that the policy has not learned from yet, since it would look at no others.
    """
    front, supervisor = runtime.front, runtime.supervisor
    has_work = front.queue or any(link.jobs for link in supervisor.workers.links())
    return Observation(
        active=supervisor.target,
        switching_to=supervisor.switching_to,
        lanes={backend: _lane_observation(runtime, backend, now_s) for backend in Backend},
        queue_ages_s=tuple(now_s - exchange.arrived_s for exchange in front.queue),
        arrival_rate=runtime.arrivals.rate(now_s, front.counters.requests),
        idle_s=0.0 if has_work else now_s - front.last_activity_s,
        slots=front.active.slots if front.active is not None else 1,
    )


def _lane_observation(runtime: "Runtime", backend: Backend, now_s: float) -> LaneObservation:
    lane = runtime.lanes[backend]
    worker = runtime.supervisor.workers.on(backend)
    finished = lane.requests - lane.errors
    recent = lane.newest(finished - runtime.policy_state.lane(backend).seen, now_s)
    error_rate, answered = lane.error_share(now_s)
    in_flight = worker.link.jobs.values() if worker is not None else ()
    return LaneObservation(
        available=runtime.supervisor.usable(backend),
        running=worker is not None and worker.state == "ready",
        p95_s=lane.latencies.quantiles(now_s, (0.95,))[0] if backend is runtime.supervisor.target else None,
        recent_latencies_s=tuple([answer.latency_s for answer in recent]),
        recent_services_s=tuple([answer.service_s for answer in recent]),
        in_flight_ages_s=tuple(sorted((now_s - exchange.arrived_s for exchange in in_flight), reverse=True)),
        cpu_share=lane.cpu_share,
        error_rate=error_rate,
        answered=answered,
        start_up_s=lane.start_up_s,
        held_s=runtime.supervisor.workers.held(backend),
        finished=finished,
    )


def window_fields(runtime: "Runtime", now_s: float) -> dict[str, Any]:
    """The fields of the window event (docs/events.md)."""
    supervisor = runtime.supervisor
    monitor = runtime.monitor
    use = monitor.state().use if monitor is not None else None
    return {
        "mode": runtime.settings.mode.on(supervisor.target),
        "active": supervisor.target,
        "switching_to": supervisor.switching_to,
        "slo_state": _slo_state(runtime, now_s),
        "queue": len(runtime.front.queue),
        "reason": runtime.decision.reason if runtime.decision is not None else "",
        "lanes": {backend: _lane_fields(runtime, lane, now_s) for backend, lane in runtime.lanes.items()},
        "last_second": {backend: lane.take_last_second() for backend, lane in runtime.lanes.items()},
        "gpu": use.describe() if use is not None else None,
        "totals": runtime.totals(),
    }


def _lane_fields(runtime: "Runtime", lane: Lane, now_s: float) -> dict[str, Any]:
    worker = runtime.supervisor.workers.on(lane.backend)
    p50, p95, p99 = lane.latencies.quantiles(now_s)
    shares = runtime.settings.accelerator is not Accelerator.NVIDIA or lane.backend is Backend.CPU
    return {
        "state": runtime.supervisor.workers.lane_state(lane.backend),
        "rate": round(lane.last_second.count / runtime.settings.window_s, 3),
        "p50_ms": milliseconds(p50),
        "p95_ms": milliseconds(p95),
        "p99_ms": milliseconds(p99),
        "in_flight": len(worker.link.jobs) if worker is not None else 0,
        "cpu_share": lane.cpu_share if shares else None,
        "requests": lane.requests,
        "errors": lane.errors,
        "pid": worker.pid if worker is not None else None,
    }


def _slo_state(runtime: "Runtime", now_s: float) -> str:
    """Whether the active backend keeps the SLO within its window: `met`, `missed`, or `unknown` without requests."""
    slo = runtime.settings.slo
    lane = runtime.lanes[runtime.supervisor.target]
    if slo.latency_p95_ms is None and slo.error_rate is None:
        return "unknown"
    oldest_s = max((now_s - exchange.arrived_s for exchange in runtime.front.queue), default=0.0)
    p95 = milliseconds(lane.latencies.quantiles(now_s, (0.95,))[0])
    error_rate, answered = lane.error_share(now_s)
    late = slo.latency_p95_ms is not None and max(p95 or 0.0, 1000 * oldest_s) > slo.latency_p95_ms
    if late or error_rate > (LATE_ALLOWED if slo.error_rate is None else slo.error_rate):
        return "missed"
    return "met" if answered else "unknown"
