"""The decision loop: at each tick it observes, asks the policy where requests should be served, and acts on the answer.

Time and everything it looks at or acts on are given to it, so that it can run anywhere, also in virtual time.
"""

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.observer import Sources, observe
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.events.decisions import DecisionMade, GpuLost
from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Backend, Decision, Observation
from runtime_images.policy.sampling import TICK_S


class DecisionLoop:
    """Decides where requests are served, and has the supervisor switch; it alone keeps what the policy remembers.

    While `pinned`, no decision is made.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        events: EventLog,
        front: Front,
        supervisor: Supervisor,
        recorder: Recorder,
        sources: Sources,
    ) -> None:
        self.pinned = settings.pinned
        self.decision: Decision | None = None
        self._mode = settings.mode
        self._policy = PolicySettings(mode=settings.mode, slo=settings.slo, prices=settings.prices)
        self._state = initial_state(self._policy)
        self._clock = clock
        self._events = events
        self._front = front
        self._supervisor = supervisor
        self._recorder = recorder
        self._sources = sources
        self._gpu_problem = ""
        self._switches = Background()

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self._clock.sleep(TICK_S)
            self.tick(self._clock.monotonic())

    def tick(self, now_s: float) -> None:
        """End what hangs, see whether the GPU is still there, and decide."""
        workers = self._supervisor.workers
        workers.end_hung(self._front.expire(workers.links(), now_s), now_s)
        self._watch_gpu()
        if self._front.active is not None and not self.pinned:
            self._recorder.count()
            self._decide(observe(self._sources, self._state, now_s), now_s)

    def pin(self, *, pinned: bool) -> None:
        """Keep the backend, or let the policy decide again."""
        self.pinned = pinned

    async def stop(self) -> None:
        """Give up the switches that are under way."""
        await self._switches.cancel()

    def _decide(self, observation: Observation, now_s: float) -> None:
        self._state, decision = decide(self._policy, self._state, observation, now_s)
        before, self.decision = self.decision, decision
        unchanged = before is not None and (before.rule, before.chosen) == (decision.rule, decision.chosen)
        if not unchanged and decision.rule != "under_way":  # the switch events say how a switch goes on
            self._events.emit(
                DecisionMade(
                    active=observation.active, chosen=decision.chosen, rejected=decision.rejected, rule=decision.rule,
                    reason=decision.reason, inputs=decision.inputs,
                )
            )  # fmt: skip
        if decision.chosen is not observation.active and observation.switching_to is None:
            if decision.rule == "errors":
                self._supervisor.fall_back(Backend.GPU, decision.reason)
            self._switch(decision.chosen, decision.reason)

    def _switch(self, to: Backend, reason: str) -> None:
        self._switches.spawn(self._supervisor.switch(to, reason))

    def _watch_gpu(self) -> None:
        """Where the GPU is lost while it serves: hold the queue, end its worker, go to the CPU at once."""
        problem = self._supervisor.problem(Backend.GPU)
        if problem and not self._gpu_problem and self._supervisor.workers.on(Backend.GPU) is not None:
            self._events.emit(GpuLost(problem))
            self._supervisor.lose_device(Backend.GPU, problem)
            if not self._mode.is_fixed and self._supervisor.target is Backend.GPU:
                self._supervisor.fall_back(Backend.GPU, problem)
                self._switch(Backend.CPU, f"the GPU is lost: {problem}")
        if not problem and self._gpu_problem:
            self._front.answers.fallback = False
        self._gpu_problem = problem
