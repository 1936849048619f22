"""The decision loop with the real front and supervisor, all in one process and in virtual time."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from runtime_images.dynamic_runtime import decision_loop
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import FINAL, Kind
from runtime_images.events.lifecycle import WorkerState
from runtime_images.policy.model import Backend, Decision, ExecutionMode, Observation, Slo
from tests.support.clock import FakeClock
from tests.support.simulated_runtime import SimulatedRuntime
from tests.support.simulated_workers import (
    FAILED,
    READY,
    Request,
    SimulatedStarter,
    SimulatedWorker,
)

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
STEP_S = 0.05
SERVICE_S = {Backend.CPU: 0.9, Backend.GPU: 0.05}


class Stage(SimulatedRuntime):
    """A function that takes `SERVICE_S` on each backend, asked for one answer after the other."""

    def __init__(
        self, mode: ExecutionMode = ExecutionMode.CPU_PREFERRED, *, pinned: bool = False, gpu_starts: bool = True
    ) -> None:
        self.starter = SimulatedStarter()
        slo = Slo(latency_p95_ms=500.0, window_s=10.0)
        super().__init__(self.starter, mode=mode, slo=slo, pinned=pinned)
        self._gpu_starts = gpu_starts
        self._request = Request(0.0)
        self.do(self.supervisor.bring_up(mode.initial_backend))
        self.do(self.parts.decisions.run())

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self._step()
            self.loop.pass_time(STEP_S)

    def _step(self) -> None:
        for worker in self.starter.started:
            if worker.state is WorkerState.STARTING:
                self._start(worker)
            self._serve(worker)
        if self._request.answers or not self._request.arrived_s:
            self._request = Request(self.loop.time())
            self.front.handle(self._request)

    def _start(self, worker: SimulatedWorker) -> None:
        if worker.backend is Backend.CPU or self._gpu_starts:
            worker.send(READY)
        else:
            worker.send(FAILED)
            worker.die(1)

    def _serve(self, worker: SimulatedWorker) -> None:
        service_s = SERVICE_S[worker.backend]
        for number, job in list(worker.link.jobs.items()):
            if self.loop.time() - job.arrived_s >= service_s:
                service_ns = int(1e9 * service_s)
                worker.send(frames.encode(Kind.RESPONSE, number, HEAD, b"ok", FINAL, (1, service_ns, service_ns)))

    def moves(self) -> list[str]:
        return [event["to"] for event in self.named("switch") if event["phase"] == "moved"]


def test_a_function_too_slow_for_the_cpu_is_promoted_and_the_same_run_says_the_same() -> None:
    runs = []
    for _ in range(2):
        stage = Stage()
        stage.play(30.0)
        stage.end()

        assert stage.moves()[:1] == ["gpu"]
        runs.append(stage.told)
    assert runs[0] == runs[1]


def test_decisions_are_made_at_equal_intervals_whatever_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, clock, ticks = Stage(pinned=True), FakeClock(0.0), list[float]()
    lasting_s = iter((0.1, 0.0, 0.6, 0.1))

    def tick(now_s: float) -> None:
        ticks.append(now_s)
        if (lasts_s := next(lasting_s, None)) is None:
            raise asyncio.CancelledError
        clock.advance(lasts_s)

    decisions = stage.parts.decisions
    monkeypatch.setattr(decisions, "clock", clock)
    monkeypatch.setattr(decisions, "tick", tick)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(decisions.run())
    stage.end()

    assert ticks == [0.25, 0.5, 0.75, 1.5, 1.75]


def test_while_it_is_pinned_nothing_is_decided() -> None:
    stage = Stage(pinned=True)
    stage.play(30.0)
    stage.end()

    assert {event["event"] for event in stage.told} == {"worker"}


def test_a_gpu_that_is_lost_while_it_serves_is_left_at_once() -> None:
    stage = Stage()
    stage.play(30.0)
    stage.problem[Backend.GPU] = "gone"
    stage.play(5.0)
    marked = stage.front.answers.fallback
    stage.problem[Backend.GPU] = ""
    stage.play(1.0)
    unmarked = stage.front.answers.fallback
    stage.end()
    names = [event["event"] for event in stage.told]

    assert stage.moves()[:2] == ["gpu", "cpu"]
    assert names.index("gpu_lost") < names.index("fallback")
    assert (marked, unmarked) == (True, False)


def test_a_gpu_that_is_given_up_is_a_fallback() -> None:
    stage = Stage(ExecutionMode.GPU_PREFERRED, gpu_starts=False)
    stage.play(20.0)
    marked, target = stage.front.answers.fallback, stage.supervisor.target
    stage.end()
    said = [event for event in stage.told if event["event"] == "fallback"]

    assert (marked, target) == (True, Backend.CPU)
    assert [(event["wanted"], event["got"]) for event in said] == [("gpu", "cpu")]


@dataclass
class Ordered:
    """Stands for the policy: it wants `wanted`, whatever there is."""

    wanted: Backend = Backend.CPU
    rule: str = "wanted"

    def decide(self, _policy: object, state: object, _seen: Observation, _now: float) -> tuple[object, Decision]:
        return state, Decision(self.wanted, self.wanted.other, self.rule, self)

    def reason(self, rule: str) -> str:
        return f"{rule} is {self.wanted}"

    def inputs(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> Ordered:
    ordered = Ordered()
    monkeypatch.setattr(decision_loop, "decide", ordered.decide)
    return ordered


def stage_that_starts_slowly(stage: Stage) -> None:
    """Have every start from here on take for ever."""
    stage.play(1.0)
    stage.starter.takes_s = 1000.0


def test_a_start_that_the_policy_does_not_want_any_more_is_given_up_and_told(ordered: Ordered) -> None:
    stage = Stage()
    stage_that_starts_slowly(stage)
    ordered.wanted = Backend.GPU
    stage.play(1.0)
    under_way = stage.supervisor.switching_to
    ordered.wanted = Backend.CPU
    stage.play(1.0)
    after = stage.supervisor.switching_to
    stage.starter.takes_s = 0.0
    ordered.wanted = Backend.GPU
    stage.play(1.0)
    stage.end()
    told = [(event["phase"], event["reason"]) for event in stage.named("switch")]

    assert (under_way, after) == (Backend.GPU, None)
    assert told[:2] == [("ordered", "wanted is gpu"), ("given_up", "wanted is cpu")]
    assert stage.moves() == ["gpu"]


def test_a_start_that_an_operator_has_ordered_is_not_the_policys_to_give_up(ordered: Ordered) -> None:
    stage = Stage()
    stage_that_starts_slowly(stage)
    stage.do(stage.supervisor.switch(Backend.GPU, "asked for"))
    stage.play(2.0)
    under_way = stage.supervisor.switching_to
    stage.end()

    assert ordered.wanted is Backend.CPU
    assert under_way is Backend.GPU
