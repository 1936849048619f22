"""The decision loop: at each tick it observes, asks the policy where requests should be served, and acts on the answer.

It takes its clock and everything that it observes or acts on as arguments, so it also runs in virtual time.
"""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.background import Background, surviving
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.observer import Sources, observe
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.events.decisions import DecisionMade, GpuLost
from runtime_images.policy.decide import PolicySettings, decide, gpu_pause_left_s, initial_state
from runtime_images.policy.model import Backend, Decision, Observation
from runtime_images.policy.sampling import TICK_S

if TYPE_CHECKING:
    import asyncio


@dataclass(eq=False)
class DecisionLoop:
    """Decides where requests are served, and has the supervisor switch; it alone keeps the policy's memory.

    While `pinned`, it makes no decision and the backend stays.
    """

    settings: Settings
    clock: Clock
    events: EventLog
    front: Front
    supervisor: Supervisor
    recorder: Recorder
    sources: Sources

    def __post_init__(self) -> None:
        settings = self.settings
        self.pinned = settings.pinned
        self.decision: Decision | None = None
        self._policy = PolicySettings(mode=settings.mode, slo=settings.slo, prices=settings.prices)
        self._state = initial_state(self._policy)
        self._gpu_problem = ""
        self._switches = Background()
        self._ordered: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Tick until cancelled, at equal intervals: what one tick takes delays none of the others.

        So a recording can say when the ticks were, and its replay decides at the same moments.
        """
        due_s = self.clock.monotonic()
        while True:
            now_s = self.clock.monotonic()
            due_s += TICK_S * max(1, ceil((now_s - due_s) / TICK_S))
            await self.clock.sleep(due_s - now_s)
            with surviving():
                self.tick(self.clock.monotonic())

    def tick(self, now_s: float) -> None:
        """End hung workers, check whether the GPU is still there, and decide."""
        workers = self.supervisor.workers
        workers.end_hung(self.front.expire(workers.links(), now_s), now_s)
        self._watch_gpu()
        self._end_fallback(now_s)
        if self.front.active is not None and not self.pinned:
            self.recorder.count()
            self._decide(observe(self.sources, self._state, now_s), now_s)

    async def stop(self) -> None:
        """Cancel the switches under way."""
        await self._switches.cancel()

    def _decide(self, observation: Observation, now_s: float) -> None:
        self._state, decision = decide(self._policy, self._state, observation, now_s)
        before, self.decision = self.decision, decision
        unchanged = before is not None and (before.rule, before.chosen) == (decision.rule, decision.chosen)
        if not unchanged and decision.rule != "under_way":  # the switch events say how a switch goes on
            self.events.emit(
                DecisionMade(
                    active=observation.active, chosen=decision.chosen, rejected=decision.rejected, rule=decision.rule,
                    reason=decision.reason, inputs=decision.inputs,
                )
            )  # fmt: skip
        if decision.chosen is not observation.active and observation.switching_to is None:
            if decision.rule == "errors":
                self.supervisor.fall_back(Backend.GPU, decision.reason)
            self._ordered = self._switches.spawn(self.supervisor.switch(decision.chosen, decision.reason))
        elif decision.chosen is observation.active and self._is_its_own_switch():
            self.supervisor.give_up_switch(decision.reason)

    def _is_its_own_switch(self) -> bool:
        """Return whether the policy has ordered the switch under way: an operator's, or one to the rescue, goes on."""
        return self._ordered is not None and not self._ordered.done()

    def _watch_gpu(self) -> None:
        """If the GPU is lost while it serves, end its worker and switch to the CPU at once."""
        problem = self.supervisor.problem(Backend.GPU)
        if problem and not self._gpu_problem and self.supervisor.workers.on(Backend.GPU) is not None:
            self.events.emit(GpuLost(problem))
            self.supervisor.lose_device(Backend.GPU, problem)
            if not self.settings.mode.is_fixed and self.supervisor.target is Backend.GPU:
                self.supervisor.fall_back(Backend.GPU, problem)
                self._switches.spawn(self.supervisor.switch(Backend.CPU, f"the GPU is lost: {problem}"))
        self._gpu_problem = problem

    def _end_fallback(self, now_s: float) -> None:
        """Mark answers no longer once the GPU may be tried again, whether or not the policy then wants it."""
        if self.front.answers.fallback and self.supervisor.usable(Backend.GPU):
            self.front.mark_fallback(active=gpu_pause_left_s(self._policy, self._state, now_s) > 0)
