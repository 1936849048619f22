"""The policy in the world of `gaia simulate`: small loads, and a record of every decision and of what it rested on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gaia_cli.simulator.policies.registry import Gaia, observe
from gaia_cli.simulator.traces.trace import Outage, Row, Trace, trace_of
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Backend, Decision

START_UP_S = {Backend.CPU: 0.5, Backend.GPU: 1.0}


@dataclass(frozen=True)
class Request:
    """One request; `arrival_s` None means closed loop: sent `think_s` after the previous answer."""

    cpu_s: float
    gpu_s: float
    arrival_s: float | None = None
    think_s: float = 0.0


class Watched(Gaia):
    """The policy with settings of its own; keeps every decision at which the rule or the choice changed."""

    def __init__(self, settings: PolicySettings, scenario: Scenario) -> None:
        super().__init__(scenario)
        self._settings, self._state = settings, initial_state(settings)
        self.decisions: list[tuple[float, Decision]] = []

    def choose(self, backends: Backends, now: float) -> Backend:
        self._state, decision = decide(self._settings, self._state, observe(backends, now), now)
        known = self.decisions[-1][1] if self.decisions else None
        if known is None or (known.rule, known.chosen) != (decision.rule, decision.chosen):
            self.decisions.append((now, decision))
        return decision.chosen


@dataclass(frozen=True)
class Result:
    """What happened: `latencies` by arrival, `moves` are the switches (time, to), `decisions` all changes of rule."""

    latencies: list[tuple[float, float]]
    moves: list[tuple[float, Backend]]
    decisions: list[tuple[float, Decision]]
    held_s: dict[Backend, float]

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


@dataclass(frozen=True)
class World:
    """A load and its conditions.

    `cpu_share` is how much of its time on the CPU a request computes, `cold_s` how much longer the first one takes,
    `until_s` when the replay ends at the earliest.
    """

    settings: PolicySettings
    requests: Sequence[Request]
    start_up_s: dict[Backend, float] = field(default_factory=lambda: START_UP_S)
    cpu_share: float = 1.0
    outages: tuple[Outage, ...] = ()
    cold_s: float = 0.0
    until_s: float = 0.0

    def run(self) -> Result:
        slo = self.settings.slo
        scenario = Scenario(
            start_cpu_s=self.start_up_s[Backend.CPU], start_gpu_s=self.start_up_s[Backend.GPU],
            mode=self.settings.mode, window_s=slo.window_s,
        )  # fmt: skip
        policy = Watched(self.settings, scenario)
        done = replay(self._trace(), scenario, policy)
        latencies = [(at, finished - at) for at, finished in zip(done.arrived, done.finished, strict=True)]
        active = [change for change in done.timeline if change.event == "active"]
        moves = [(after.t, after.backend) for before, after in pairwise(active) if before.backend is not after.backend]
        return Result(latencies, moves, policy.decisions, done.held_s)

    def _trace(self) -> Trace:
        """Return the load; where the replay goes on after it, a request that takes no time ends it."""
        rows = [
            Row(one.arrival_s, one.cpu_s, one.gpu_s, self.cpu_share * one.cpu_s, one.think_s) for one in self.requests
        ]
        first = rows[0]
        rows[0] = Row(first.arrival_s, first.cpu_s + self.cold_s, first.gpu_s + self.cold_s, first.cpu_time_s)
        if self.until_s:
            rows.append(Row(self.until_s, 0.0, 0.0, 0.0))
        return trace_of("load", rows, self.outages)


def steady(rate: float, seconds: float, cpu_s: float, gpu_s: float, start_s: float = 0.0) -> list[Request]:
    """Equal requests at a steady rate."""
    return [Request(cpu_s, gpu_s, start_s + i / rate) for i in range(int(rate * seconds))]


def sized(rate: float, sizes: Iterable[float], gpu_s: Callable[[float], float]) -> list[Request]:
    """Return requests at a steady rate, one for each CPU time in `sizes`."""
    return [Request(cpu_s, gpu_s(cpu_s), i / rate) for i, cpu_s in enumerate(sizes)]
