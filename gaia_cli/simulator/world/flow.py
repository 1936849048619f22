"""The requests of a trace on their way: arrival, one FIFO queue, service on a instance, answer.

Each client sends its rows in their order, so at most one row of each is known to come. This is the part that runs once
for each request, so it keeps to flat arrays and two heaps; everything that happens less often is in `world`.
"""

from array import array
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import inf, isnan

from gaia_cli.simulator.traces.trace import NONE_FOLLOWS, Trace, column
from gaia_cli.simulator.world.meter import Instance, Meter
from runtime_images.policy.model import Backend

Serving = tuple[float, int, float, Instance]
"""A request being served: when it will be answered, its row, when its service began, by whom."""


class Flow:
    """Moves the requests of `trace` to `active`, the instance that takes traffic, while there is one.

    `drained` is called with a draining instance that has given its last answer. When each row arrived and was answered
    is in `arrived` and `finished`; `arrivals` are those so far, in the order of time.
    """

    def __init__(
        self, trace: Trace, slots: int, meters: dict[Backend, Meter], drained: Callable[[Instance, float], None]
    ) -> None:
        self.queue: deque[int] = deque()
        self.active: Instance | None = None
        self.serving: list[Serving] = []
        self.arrivals = column()
        self.arrived = array("d", bytes(8 * len(trace)))
        self.finished = array("d", bytes(8 * len(trace)))
        self.on_gpu = bytearray(len(trace))
        self.answered = 0
        self.last_activity = 0.0
        self._trace = trace
        self._slots = slots
        self._meters = meters
        self._drained = drained
        self._services = {backend: trace.service_s(backend) for backend in Backend}
        self._coming = [(trace.sent_s(row, 0.0, 0.0), row) for row in trace.firsts]
        heapify(self._coming)

    @property
    def done(self) -> bool:
        """Whether every request has been answered."""
        return self.answered == len(self._trace)

    def advance(self, until: float) -> None:
        """Let all arrivals and answers happen up to `until`."""
        serving, coming = self.serving, self._coming
        while True:
            finish, arrival = serving[0][0] if serving else inf, coming[0][0] if coming else inf
            if finish <= arrival:
                if finish > until or not serving:
                    return
                self._answer()
            elif arrival > until:
                return
            else:
                self._arrive()

    def pump(self, now: float) -> None:
        """Give the active instance what waits, as far as it has free slots."""
        instance = self.active
        while self.queue and instance is not None and instance.in_flight < self._slots * instance.pods:
            row = self.queue.popleft()
            if not instance.in_flight:
                instance.busy_since = now
            instance.in_flight += 1
            heappush(self.serving, (now + self._services[instance.backend][row], row, now, instance))

    def take_back(self, instance: Instance) -> None:
        """Requeue the requests of a lost instance, at the head and in their order; what it did for them is lost."""
        lost = sorted(
            (row for _, row, _, by in self.serving if by is instance), key=lambda row: (self.arrived[row], row)
        )
        self.serving[:] = [one for one in self.serving if one[3] is not instance]
        heapify(self.serving)
        self.queue.extendleft(reversed(lost))
        instance.in_flight = 0
        if self.active is instance:
            self.active = None

    def ages_s(self, instance: Instance, now: float) -> tuple[float, ...]:
        """Return the ages of the requests that `instance` serves, oldest first."""
        if not instance.in_flight:
            return ()
        return tuple(
            sorted((now - self.arrived[row] for _, row, _, by in self.serving if by is instance), reverse=True)
        )

    def cpu_in_progress_s(self, instance: Instance, now: float) -> float:
        """Return the CPU seconds burnt so far by the requests that `instance` serves, at an even pace."""
        trace = self._trace
        return sum(
            trace.cpu_time_s[row] * (now - begun) / (finish - begun)
            for finish, row, begun, by in self.serving
            if by is instance and finish > begun
        )

    def _arrive(self) -> None:
        now, row = heappop(self._coming)
        self.arrivals.append(now)
        self.arrived[row] = now
        self.queue.append(row)
        self.last_activity = now
        following = self._trace.following[row]
        if following != NONE_FOLLOWS and not isnan(arrival := self._trace.arrival_s[following]):
            heappush(self._coming, (max(arrival, now), following))
        self.pump(now)

    def _answer(self) -> None:
        now, row, begun, instance = heappop(self.serving)
        self.finished[row] = now
        self.answered += 1
        self.last_activity = now
        meter = self._meters[instance.backend]
        meter.add(now, now - self.arrived[row], now - begun)
        instance.in_flight -= 1
        if instance.backend is Backend.CPU:
            meter.cpu_s += self._trace.cpu_time_s[row]
        else:
            self.on_gpu[row] = 1
        if not instance.in_flight:
            meter.busy_s += now - instance.busy_since
            if instance.draining:
                self._drained(instance, now)
        following = self._trace.following[row]
        if following != NONE_FOLLOWS and isnan(self._trace.arrival_s[following]):
            heappush(self._coming, (now + self._trace.think_s[following], following))
        self.pump(now)
