"""A small deterministic world that drives the policy: one queue, one slot a backend, start-up and service times."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Backend, Decision, LaneObservation, Observation

WINDOW_S = 10.0
RATE_OVER_S = 5.0


@dataclass(frozen=True)
class Request:
    """One request; `arrival_s` None means closed loop: sent `think_s` after the previous answer."""

    cpu_s: float
    gpu_s: float
    arrival_s: float | None = None
    think_s: float = 0.0

    def service_s(self, backend: Backend) -> float:
        return self.cpu_s if backend is Backend.CPU else self.gpu_s


@dataclass
class Lane:
    """A backend of the world."""

    ready_at: float = inf
    ordered_at: float = inf
    held_s: float = 0.0
    finished: int = 0
    recent: deque[tuple[float, float, float]] = field(default_factory=deque)
    serving: tuple[float, float, Request] | None = None


@dataclass
class Result:
    """What happened: `moves` are the switches (time, to), `decisions` all changes of rule."""

    latencies: list[tuple[float, float]]
    moves: list[tuple[float, Backend]]
    decisions: list[tuple[float, Decision]]
    held_s: dict[Backend, float]
    observations: list[tuple[float, Observation, Decision]]

    @property
    def promotions(self) -> list[float]:
        return [at for at, to in self.moves if to is Backend.GPU]

    @property
    def demotions(self) -> list[float]:
        return [at for at, to in self.moves if to is Backend.CPU]

    def late_share(self, slo_s: float) -> float:
        return sum(latency > slo_s for _, latency in self.latencies) / len(self.latencies)

    @property
    def rules(self) -> list[str]:
        return [decision.rule for _, decision in self.decisions]


@dataclass
class World:
    """Runs requests against the policy; `run` may be called once."""

    settings: PolicySettings
    requests: Iterable[Request]
    start_up_s: dict[Backend, float] = field(default_factory=lambda: {Backend.CPU: 0.5, Backend.GPU: 1.0})
    cpu_share: float | None = 1.0
    gpu_available: Callable[[float], bool] = lambda _: True
    cold_s: float = 0.0
    step_s: float = 0.25
    until_s: float = 0.0

    def __post_init__(self) -> None:
        self._state = initial_state(self.settings)
        self._active = self.settings.mode.initial_backend
        self._target: Backend | None = None
        self._lanes = {backend: Lane() for backend in Backend}
        self._queue: deque[tuple[float, Request]] = deque()
        self._arrived: deque[float] = deque()
        self._last_activity = 0.0
        self._coming = iter(self.requests)
        self._next: tuple[float, Request] | None = None
        self._result = Result([], [], [], dict.fromkeys(Backend, 0.0), [])

    def run(self) -> Result:
        lane = self._lanes[self._active]
        lane.ordered_at, lane.ready_at = 0.0, self.start_up_s[self._active]
        self._take_next(0.0)
        now = 0.0
        while now < self.until_s or self._next or self._queue or any(lane.serving for lane in self._lanes.values()):
            tick = now + self.step_s
            self._advance(now, tick)
            now = tick
            self._decide(now)
        for backend, lane in self._lanes.items():
            self._result.held_s[backend] = lane.held_s + (now - lane.ordered_at if lane.ordered_at < inf else 0.0)
        return self._result

    def _take_next(self, now: float) -> None:
        request = next(self._coming, None)
        if request is None:
            self._next = None
        elif request.arrival_s is None:
            self._next = (now + request.think_s, request)
        else:
            self._next = (request.arrival_s, request)

    def _advance(self, now: float, until: float) -> None:
        """Let everything happen that happens up to `until`."""
        while True:
            self._dispatch(now)
            events: list[tuple[float, str, Backend | None]] = []
            if self._next:
                events.append((self._next[0], "arrival", None))
            for backend, lane in self._lanes.items():
                if lane.serving:
                    events.append((lane.serving[0], "finish", backend))
            if self._target is not None:
                events.append((max(self._lanes[self._target].ready_at, now), "moved", None))
            if now < self._lanes[self._active].ready_at < inf:
                events.append((self._lanes[self._active].ready_at, "ready", None))
            if not events or min(event[0] for event in events) > until:
                return
            now, kind, of = min(events, key=lambda event: event[:2])
            self._happen(now, kind, of)

    def _happen(self, now: float, kind: str, backend: Backend | None) -> None:
        if kind == "arrival":
            assert self._next is not None
            arrived, request = self._next
            self._queue.append((arrived, request))
            self._arrived.append(arrived)
            self._last_activity = now
            self._next = None
            if request.arrival_s is not None:
                self._take_next(now)
        elif kind == "finish":
            assert backend is not None
            self._finish(now, backend)
        elif kind == "moved":
            assert self._target is not None
            self._active, self._target = self._target, None
            self._result.moves.append((now, self._active))
            if not self._lanes[self._active.other].serving:
                self._release(now, self._active.other)

    def _finish(self, now: float, backend: Backend) -> None:
        lane = self._lanes[backend]
        assert lane.serving is not None
        _, begun, request = lane.serving
        arrived = lane.recent.pop()[0]
        lane.recent.append((now, now - begun, now - arrived))
        lane.serving = None
        lane.finished += 1
        self._last_activity = now
        self._result.latencies.append((arrived, now - arrived))
        if request.arrival_s is None:
            self._take_next(now)
        if backend is not self._active:
            self._release(now, backend)

    def _release(self, now: float, backend: Backend) -> None:
        lane = self._lanes[backend]
        lane.held_s += now - lane.ordered_at
        lane.ready_at = lane.ordered_at = inf

    def _dispatch(self, now: float) -> None:
        lane = self._lanes[self._active]
        if not self._queue or lane.serving or lane.ready_at > now:
            return
        arrived, request = self._queue.popleft()
        cold = self.cold_s if not any(entry[0] >= lane.ready_at for entry in lane.recent) else 0.0
        lane.recent.append((arrived, 0.0, 0.0))
        lane.serving = (now + request.service_s(self._active) + cold, now, request)

    def _decide(self, now: float) -> None:
        if self._active is Backend.GPU and not self.gpu_available(now):
            lane = self._lanes[Backend.GPU]
            if lane.serving:  # the front gets the request back and serves it on the other backend
                self._queue.appendleft((lane.recent.pop()[0], lane.serving[2]))
                lane.serving = None
        observation = self._observe(now)
        self._state, decision = decide(self.settings, self._state, observation, now)
        self._result.observations.append((now, observation, decision))
        seen = self._result.decisions
        if not seen or (seen[-1][1].rule, seen[-1][1].chosen) != (decision.rule, decision.chosen):
            seen.append((now, decision))
        if decision.chosen is not self._active and self._target is None:
            self._target = decision.chosen
            lane = self._lanes[self._target]
            if lane.ordered_at == inf:
                lane.ordered_at, lane.ready_at = now, now + self.start_up_s[self._target]

    def _observe(self, now: float) -> Observation:
        while self._arrived and self._arrived[0] < now - RATE_OVER_S:
            self._arrived.popleft()
        busy = self._queue or any(lane.serving for lane in self._lanes.values())
        return Observation(
            active=self._active,
            switching_to=self._target,
            lanes={backend: self._observe_lane(backend, now) for backend in Backend},
            queue_ages_s=tuple(now - arrived for arrived, _ in self._queue),
            arrival_rate=len(self._arrived) / RATE_OVER_S,
            idle_s=0.0 if busy else now - self._last_activity,
        )

    def _observe_lane(self, backend: Backend, now: float) -> LaneObservation:
        lane = self._lanes[backend]
        done = list(lane.recent)[: len(lane.recent) - bool(lane.serving)]
        kept = [entry for entry in done[-500:] if entry[0] >= now - WINDOW_S]
        latencies = tuple(latency for _, _, latency in kept)
        ordered = sorted(latencies)
        return LaneObservation(
            available=backend is Backend.CPU or self.gpu_available(now),
            running=lane.ready_at <= now,
            p95_s=ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)] if ordered else None,
            recent_latencies_s=latencies,
            recent_services_s=tuple(service for _, service, _ in kept),
            in_flight_ages_s=(now - lane.recent[-1][0],) if lane.serving else (),
            cpu_share=self.cpu_share if backend is Backend.CPU and lane.finished else None,
            start_up_s=self.start_up_s[backend] if lane.finished else None,
            finished=lane.finished,
        )


def steady(rate: float, seconds: float, cpu_s: float, gpu_s: float, start_s: float = 0.0) -> list[Request]:
    """Equal requests at a steady rate."""
    return [Request(cpu_s, gpu_s, start_s + i / rate) for i in range(int(rate * seconds))]


def sized(rate: float, sizes: Sequence[float], gpu_s: Callable[[float], float]) -> list[Request]:
    """Requests at a steady rate, one for each CPU time in `sizes`."""
    return [Request(cpu_s, gpu_s(cpu_s), i / rate) for i, cpu_s in enumerate(sizes)]
