"""A cluster in a few lines, for the pure machine: backends with pods, a Route that confirms, orders that may fail."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.traffic import Holder, Split
from runtime_images.cluster.words import TRAFFIC_MANAGER
from runtime_images.controller.deciding.actions import Action, FunctionState, Moment, Move, Release, Retry, Tell, Warm
from runtime_images.controller.deciding.machine import step
from runtime_images.controller.deciding.memory import remember
from runtime_images.controller.deciding.sight import Seen, Side
from runtime_images.controller.observing import Measurement
from runtime_images.policy.model import CPU, GPU, Backend, ExecutionMode, LaneObservation, Slo

SETTINGS = FunctionSettings("hello", ExecutionMode.CPU_PREFERRED, slo=Slo(latency_p95_ms=100.0))
OURS = Holder(TRAFFIC_MANAGER, "")


@dataclass
class Load:
    """What requests there are, and how long each backend takes for one, in seconds."""

    rate: float = 0.0
    takes_s: dict[Backend, float] = field(default_factory=lambda: {CPU: 0.02, GPU: 0.01})
    errors: dict[Backend, float] = field(default_factory=dict)


@dataclass
class World:
    """One function. `schedulable` are the backends with room; a pod is ready a step after it is asked for.

    `made` counts the revisions of a backend that have been ready, `tried` are those of which a new one waits for room.
    """

    settings: FunctionSettings = SETTINGS
    asked: Split = field(default_factory=lambda: {CPU: 100, GPU: 0})
    confirmed: Split | None = None
    holder: Holder = OURS
    unclaimed: bool = False
    ready: set[Backend] = field(default_factory=lambda: {CPU, GPU})
    running: set[Backend] = field(default_factory=lambda: {CPU})
    floored: set[Backend] = field(default_factory=set)
    schedulable: set[Backend] = field(default_factory=lambda: {CPU, GPU})
    dead: set[Backend] = field(default_factory=set)
    made: dict[Backend, int] = field(default_factory=lambda: {CPU: 1, GPU: 1})
    tried: set[Backend] = field(default_factory=set)
    load: Load = field(default_factory=Load)
    lost: dict[Backend, str] = field(default_factory=dict)
    pin: Backend | None = None
    paused: bool = False
    known: bool = True
    confirms: bool = True
    now: float = 1000.0
    state: FunctionState | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    done: list[Action] = field(default_factory=list)
    answered: dict[Backend, int] = field(default_factory=lambda: {CPU: 0, GPU: 0})

    def seen(self) -> Seen:
        """Return the function as it is now."""
        sides = {
            backend: Side(
                revision=f"hello-{backend}-{self.made[backend]:05}",
                latest=f"hello-{backend}-{self.made[backend] + (backend in self.tried):05}",
                ready=backend in self.ready,
                running=backend in self.running and backend in self.ready,
                kept=backend in self.floored,
                floored=backend in self.floored,
                asleep=backend in self.ready and backend not in self.running,
                pods=int(backend in self.running and backend in self.ready),
                dead=backend in self.dead,
                problem="" if backend in self.ready else "Unschedulable: Insufficient nvidia.com/gpu",
            )
            for backend in Backend
        }
        confirmed = self.asked if self.confirmed is None else self.confirmed
        measured = self._measured() if self.known else None
        return Seen(
            key=("default", "hello"), uid="1", settings=self.settings, sides=sides, asked=dict(self.asked),
            is_confirmed=confirmed == self.asked, holder=self.holder, written=dict(self.annotations), pin=self.pin,
            paused=self.paused, measurement=measured, unclaimed=self.unclaimed,
        )  # fmt: skip

    def _measured(self) -> Measurement:
        lanes = {}
        for backend in Backend:
            share = self.asked.get(backend, 0) / 100
            count = min(round(self.load.rate * share), 50)
            self.answered[backend] += count
            times_s = (self.load.takes_s[backend],) * count
            lanes[backend] = LaneObservation(
                available=True, running=True, recent_latencies_s=times_s, recent_services_s=times_s, cpu_share=1.0,
                error_rate=self.load.errors.get(backend, 0.0), answered=count, finished=self.answered[backend],
            )  # fmt: skip
        idle_s = 0.0 if self.load.rate else 100.0
        return Measurement(self.now, lanes, arrival_rate=self.load.rate, idle_s=idle_s, lost=self.lost)

    def step(self, after_s: float = 1.0, fails: Callable[[Action], bool] = lambda _: False) -> tuple[Action, ...]:
        """Make one pass, carry out its orders but those that fail, and let the cluster follow."""
        self.now += after_s
        at, seen = Moment(self.now, self.now + 1e9), self.seen()
        self.state, actions = step(self.state or remember(seen, at), seen, at)
        for action in actions:
            if fails(action):
                break
            self._carry_out(action)
        self._follow()
        return actions

    def steps(self, count: int, after_s: float = 1.0) -> list[Action]:
        """Make several passes; return everything that was ordered."""
        return [action for _ in range(count) for action in self.step(after_s)]

    def restart(self) -> None:
        """Forget everything, as a new leader does."""
        self.state = None

    def _carry_out(self, action: Action) -> None:
        self.done.append(action)
        match action:
            case Move(split, annotations):
                if self.confirmed is None and not self.confirms:
                    self.confirmed = dict(self.asked)
                self.asked, self.unclaimed = dict(split), False
                self.annotations |= annotations
            case Warm(backend):
                self.floored.add(backend)
            case Release(backend):
                self.floored.discard(backend)
            case Retry(backend):
                self.dead.discard(backend)
                self.tried.add(backend)
            case Tell():
                pass

    def _follow(self) -> None:
        """Let pods start where they are kept or have traffic, and a backend without room for its pod be not ready."""
        if self.confirms:
            self.confirmed = None
        for backend in Backend:
            wants_pod = backend in self.floored or self.asked.get(backend, 0) > 0
            if backend in self.dead:
                self.ready.discard(backend)
            elif backend not in self.schedulable:
                self.running.discard(backend)
                self.ready = self.ready - {backend} if wants_pod else self.ready | {backend}
            else:
                self.ready.add(backend)
                if backend in self.tried:
                    self.tried.discard(backend)
                    self.made[backend] += 1
                if wants_pod:
                    self.running.add(backend)


def moves(actions: Iterable[Action]) -> list[Split]:
    """Return the splits among orders."""
    return [action.split for action in actions if isinstance(action, Move)]


def slow(world: World) -> World:
    """Put more on the CPU than it can do."""
    world.load = Load(20.0, {CPU: 0.5, GPU: 0.01})
    return world
