"""One trace replayed under one policy: the loop that moves the clock from one moment that matters to the next."""

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.backends import Backends, Change
from gaia_cli.simulator.world.pods import LOOK_EVERY_S
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import SHARE_EVERY_S

if TYPE_CHECKING:
    from array import array


class Policy(Protocol):
    """Who decides. `falls_back` says whether a GPU that is lost leads to the CPU at once."""

    initial: Backend
    falls_back: bool

    def next_tick(self, now: float) -> float:
        """Return when to ask next, after `now`; inf for never."""

    def choose(self, backends: Backends, now: float) -> Backend:
        """Return the backend to serve from now on; the one that does means stay."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What happened: when each request arrived and was answered, whether by the GPU, and what was held how long."""

    arrived: "array[float]"
    finished: "array[float]"
    on_gpu: bytearray
    held_s: dict[Backend, float]
    timeline: tuple[Change, ...]
    ended_at: float


def replay(trace: Trace, scenario: Scenario, policy: Policy) -> Replay:
    """Serve every request of `trace` under `policy`.

    The first backend's start is ordered at 0. A closed loop's rows follow one another, so the end depends on the
    policy; what is still held when the last answer is given is released then.
    """
    world = _World(trace, scenario, policy)
    backends, flow = world.backends, world.backends.flow
    while not flow.done:
        world.step()
    ended_at = max(flow.last_activity, 0.0)
    backends.close(ended_at)
    held = {backend: backends.meters[backend].held_s for backend in Backend}
    return Replay(flow.arrived, flow.finished, flow.on_gpu, held, tuple(backends.timeline), ended_at)


class _World:
    def __init__(self, trace: Trace, scenario: Scenario, policy: Policy) -> None:
        self.policy = policy
        self.backends = Backends(trace, scenario, policy.initial)
        outages = self.backends.supply.outages
        self.edges = deque(edge for one in outages for edge in ((one.begin_s, False), (one.end_s, True)))
        there = not any(one.begin_s <= 0.0 < one.end_s for one in outages)
        if policy.falls_back and not there:
            self.backends.target = Backend.CPU
        self.next_tick = policy.next_tick(0.0)
        self.next_shares = SHARE_EVERY_S if self.next_tick < inf else inf
        self.next_scaling = LOOK_EVERY_S if self.backends.autoscaler else inf
        if there or self.backends.target is Backend.CPU:
            self.backends.start(self.backends.target, 0.0)

    def step(self) -> None:
        """Let everything happen up to the next moment that is not a request's, and deal with it."""
        backends = self.backends
        edge = self.edges[0][0] if self.edges else inf
        now = min(self.next_tick, self.next_shares, self.next_scaling, backends.ready_at, edge)
        backends.flow.advance(now)
        if backends.flow.done:
            return
        if edge == now:
            self._cross_edge(now)
        if backends.ready_at == now:
            backends.make_ready(now)
        if self.next_scaling == now:
            backends.scale(now)
            self.next_scaling += LOOK_EVERY_S
        if self.next_shares == now:
            backends.measure_shares(now)
            self.next_shares += SHARE_EVERY_S
        if self.next_tick == now:
            self._tick(now)
            self.next_tick = self.policy.next_tick(now)

    def _cross_edge(self, now: float) -> None:
        _, there = self.edges.popleft()
        backends = self.backends
        if not there:
            backends.lose_gpu(now)
            return
        backends.gpu_is_there = True
        if backends.target is Backend.GPU and backends.switching_to is None and backends.instance(Backend.GPU) is None:
            backends.start(Backend.GPU, now)

    def _tick(self, now: float) -> None:
        backends = self.backends
        if backends.flow.active is None:
            if self.policy.falls_back and backends.target is Backend.GPU and not backends.gpu_is_there:
                backends.switch(Backend.CPU, now)
            return
        chosen = self.policy.choose(backends, now)
        if chosen is not backends.target:
            backends.switch(chosen, now)
        elif backends.switching_to is not None:
            backends.give_up(now)
