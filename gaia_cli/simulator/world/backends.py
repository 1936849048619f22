"""The lives of the instances of a backend: started, given the traffic, drained, released, lost with their GPU.

The counterpart of the runtime's supervisor, with the same order of things: a switch starts the new instance while the
old one goes on serving, moves the traffic when the new one is ready, and releases the old one when it has given its
last answer.
"""

from dataclasses import dataclass
from math import inf

from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.flow import Flow
from gaia_cli.simulator.world.meter import Instance, Meter
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.pods import Autoscaler, at_once
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import switch_pause_s


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the timeline: at `t` a backend's start was ordered, it took the traffic, was released or given up.

    `event` is one of start, active, release and cancel; where there are pods, widen and narrow for one more or fewer.
    """

    t: float
    event: str
    backend: Backend


class Backends:
    """The instances of one simulated function.

    `target` is the backend that traffic goes to, or will as soon as its first instance is ready; `switching_to` the one
    that a switch under way leads to.
    """

    def __init__(self, trace: Trace, scenario: Scenario, initial: Backend) -> None:
        self.meters = {backend: Meter(scenario.window_s) for backend in Backend}
        self.flow = Flow(trace, scenario.slots, self.meters, self._end)
        self.target = initial
        self.switching_to: Backend | None = None
        self.moved_at = 0.0
        self.timeline: list[Change] = []
        self.gpu_is_there = True
        self.ready_at = inf
        self.slots = scenario.slots
        self.autoscaler = Autoscaler(scenario) if scenario.pods_max > 1 else None
        self.supply = Supply(trace, scenario)
        self._instances: list[Instance] = []
        self._scenario = scenario
        self._starts = dict.fromkeys(Backend, 0)
        self._retry_at = -inf
        self._failures = 0

    def instance(self, backend: Backend) -> Instance | None:
        """Return the instance that serves, or will serve, on a backend; one that drains does not count."""
        return next((one for one in self._instances if one.backend is backend and not one.draining), None)

    def expected_start_s(self, backend: Backend) -> float | None:
        """Return how long the next start of a backend takes as far as is known."""
        return self._scenario.expected_start_s(backend, self._starts[backend], self.meters[backend].start_up_s)

    def usable(self, backend: Backend, now: float) -> bool:
        """Return whether a start on this backend is worth a try."""
        return backend is Backend.CPU or (self.gpu_is_there and now >= self._retry_at)

    def start(self, backend: Backend, now: float) -> None:
        """Order the start of a backend that takes the traffic when it is ready."""
        instance = Instance(backend, now, now + self._scenario.nth_start_s(backend, self._starts[backend]))
        self._instances.append(instance)
        self._log(now, "start", backend)
        self._find_next_ready()

    def switch(self, to: Backend, now: float) -> None:
        """Order a switch, where none is under way and there is what to switch to."""
        if self.switching_to is None and to is not self.target and self.usable(to, now):
            self.switching_to = to
            self.start(to, now)

    def give_up(self, now: float) -> None:
        """Cancel the switch under way."""
        starting = next(one for one in self._instances if not one.ready and one.backend is self.switching_to)
        self._end(starting, now)
        self.switching_to = None

    def make_ready(self, now: float) -> None:
        """Give the traffic to what is ready now, and let the other backend drain."""
        for instance in [one for one in self._instances if not one.ready and one.ready_at <= now]:
            instance.ready = True
            self._starts[instance.backend] += 1
            self.meters[instance.backend].became_ready(instance)
            if instance.backend is self.switching_to:
                self.switching_to, self.target, self.moved_at = None, instance.backend, now
                self._failures = 0
            self.flow.active = instance
            self._log(now, "active", instance.backend)
            self.flow.pump(now)
            self._drain(instance.backend.other, now)
        self._find_next_ready()

    def lose_gpu(self, now: float) -> None:
        """Take the GPU away, and every instance on it."""
        self.gpu_is_there = False
        for instance in [one for one in self._instances if one.backend is Backend.GPU]:
            self.flow.take_back(instance)
            self._end(instance, now)
            if not instance.ready and self.switching_to is Backend.GPU:
                self.switching_to = None
                self._failures += 1
                self._retry_at = now + switch_pause_s(self._failures)
        self.flow.pump(now)

    def close(self, now: float) -> None:
        """Release everything; what was still starting is given up."""
        for instance in list(self._instances):
            self._end(instance, now)

    def at_once(self, instance: Instance, now: float) -> float:
        """Return how many requests an instance serves lately, and how many wait."""
        return at_once(instance, self.meters[instance.backend], len(self.flow.queue), now)

    def scale(self, now: float) -> None:
        """Give the instance that has the traffic as many pods as its load needs."""
        instance = self.flow.active
        if self.autoscaler is None or instance is None:
            return
        more, fewer = self.autoscaler.look(instance, self.at_once(instance, now), now)
        for event, count in (("widen", more), ("narrow", fewer)):
            for _ in range(count):
                self._log(now, event, instance.backend)
        self.flow.pump(now)

    def measure_shares(self, now: float) -> None:
        """Measure how much of its busy time the CPU backend computes, as the runtime does every second."""
        instance = self.instance(Backend.CPU)
        if instance is None or not instance.ready:
            return
        meter = self.meters[Backend.CPU]
        busy_s = meter.busy_s + (now - instance.busy_since if instance.in_flight else 0.0)
        meter.measure_share(busy_s, meter.cpu_s + self.flow.cpu_in_progress_s(instance, now))

    def _drain(self, backend: Backend, now: float) -> None:
        for instance in [one for one in self._instances if one.backend is backend and one.ready]:
            instance.draining = True
            if not instance.in_flight:
                self._end(instance, now)

    def _end(self, instance: Instance, now: float) -> None:
        """Release an instance that was ready; give up one that was still starting."""
        self._instances.remove(instance)
        self.meters[instance.backend].held_s += instance.held_s(now)
        for _ in instance.more:
            self._log(now, "narrow", instance.backend)
        self._log(now, "release" if instance.ready else "cancel", instance.backend)
        self._find_next_ready()

    def _find_next_ready(self) -> None:
        self.ready_at = min((one.ready_at for one in self._instances if not one.ready), default=inf)

    def _log(self, now: float, event: str, backend: Backend) -> None:
        self.timeline.append(Change(now, event, backend))
