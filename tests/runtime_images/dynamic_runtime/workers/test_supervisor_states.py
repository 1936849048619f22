"""The supervisor as a state machine: whatever workers do, whenever they do it, traffic and requests are in good hands.

The supervisor, the front and the links are the real ones, the workers simulated; time passes at once.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runtime_images.dynamic_runtime.workers.lifecycle import START_TIMEOUT_S
from runtime_images.events.lifecycle import WorkerState
from runtime_images.policy import pauses
from runtime_images.policy.model import Backend, ExecutionMode
from tests.support.simulated_runtime import SimulatedRuntime
from tests.support.simulated_workers import (
    BY_FORK_S,
    BY_SPAWN_S,
    BY_STANDBY_S,
    FAILED,
    NEVER_S,
    READY,
    Request,
    SimulatedStarter,
    SimulatedWorker,
)


class SupervisorStates(RuleBasedStateMachine):
    """Rules are what may happen; invariants are what must hold at every moment between."""

    runtime: SimulatedRuntime

    @initialize(
        mode=st.sampled_from([ExecutionMode.CPU_PREFERRED, ExecutionMode.GPU_PREFERRED, ExecutionMode.CPU]),
        idempotent=st.booleans(),
    )
    def begin(self, mode: ExecutionMode, idempotent: bool) -> None:
        self.requests: list[Request] = []
        self.starter = SimulatedStarter()
        self.runtime = runtime = SimulatedRuntime(
            self.starter, mode=mode, idempotent=idempotent, request_timeout_s=60.0
        )  # fmt: skip
        self.loop, self.front, self.supervisor = runtime.loop, runtime.front, runtime.supervisor
        self.settings, self.problem, self.told = runtime.settings, runtime.problem, runtime.told
        self._do(self.supervisor.bring_up(mode.initial_backend))
        self.loop.settle()

    def _do(self, work: Any) -> None:  # noqa: ANN401
        self.runtime.do(work)

    def alive(self) -> list[SimulatedWorker]:
        return [worker for worker in self.starter.started if worker in self.supervisor.workers]

    def some(self, number: int, *states: WorkerState) -> SimulatedWorker | None:
        fitting = [worker for worker in self.alive() if not states or worker.state in states]
        return fitting[number % len(fitting)] if fitting else None

    # what may happen

    @rule()
    def a_request_comes(self) -> None:
        request = Request(self.loop.time())
        self.requests.append(request)
        self.front.handle(request)
        self.loop.settle()

    @rule(number=st.integers(0, 5))
    def a_worker_becomes_ready(self, number: int) -> None:
        if worker := self.some(number, WorkerState.STARTING, WorkerState.WARMING):
            worker.send(READY)
            self.loop.settle()

    @rule(number=st.integers(0, 5))
    def a_worker_is_ready_and_dies_at_once(self, number: int) -> None:
        if worker := self.some(number, WorkerState.STARTING):
            worker.send(READY)
            worker.die(-11)
            self.loop.settle()

    @rule(number=st.integers(0, 5))
    def a_worker_fails_to_start(self, number: int) -> None:
        if worker := self.some(number, WorkerState.STARTING):
            worker.send(FAILED)
            worker.die(1)
            self.loop.settle()

    @rule(number=st.integers(0, 5), code=st.sampled_from([-9, 0, 3]))
    def a_worker_dies(self, number: int, code: int) -> None:
        if worker := self.some(number):
            worker.die(code)
            self.loop.settle()

    @rule(number=st.integers(0, 5))
    def a_worker_sends_garbage(self, number: int) -> None:
        if worker := self.some(number):
            worker.send(b"\xff" * 64)
            self.loop.settle()

    @rule(number=st.integers(0, 5))
    def a_worker_begins_a_request(self, number: int) -> None:
        if worker := self.some(number, WorkerState.READY, WorkerState.DRAINING):
            worker.begin()

    @rule(number=st.integers(0, 5), count=st.sampled_from([1, 3, 50]))
    def a_worker_answers(self, number: int, count: int) -> None:
        if worker := self.some(number, WorkerState.READY, WorkerState.DRAINING):
            for _ in range(count):
                worker.answer()
            self.loop.settle()

    @rule(number=st.integers(0, 5), stubborn=st.booleans())
    def a_worker_minds_or_not(self, number: int, stubborn: bool) -> None:
        if worker := self.some(number):
            worker.stubborn = stubborn

    @rule(refuses=st.booleans())
    def processes_run_out_or_come_back(self, refuses: bool) -> None:
        self.starter.refuses = refuses

    @rule(takes_s=st.sampled_from([BY_STANDBY_S, BY_FORK_S, BY_SPAWN_S, NEVER_S]), needed=st.booleans())
    def a_standby_is_there_or_not(self, takes_s: float, needed: bool) -> None:
        self.starter.takes_s = takes_s
        if needed and (worker := self.some(0, WorkerState.READY)):
            worker.die(-9)
            self.loop.settle()

    @rule(stillborn=st.booleans())
    def standbys_are_killed_or_not(self, stillborn: bool) -> None:
        self.starter.stillborn = stillborn

    @rule(problem=st.sampled_from(["", "gone"]))
    def the_gpu_goes_or_comes(self, problem: str) -> None:
        before, self.problem[Backend.GPU] = self.problem[Backend.GPU], problem
        if problem and not before and self.supervisor.workers.on(Backend.GPU) is not None:
            self.supervisor.lose_device(Backend.GPU, problem)
        self.loop.settle()

    @precondition(lambda self: not self.settings.mode.is_fixed)
    @rule(backend=st.sampled_from(list(Backend)))
    def a_switch_is_ordered(self, backend: Backend) -> None:
        self._do(self.supervisor.switch(backend, "ordered"))
        self.loop.settle()

    @precondition(lambda self: not self.settings.mode.is_fixed)
    @rule(turns=st.integers(0, 12))
    def a_switch_is_ordered_and_its_worker_dies_in_a_turn_of_it(self, turns: int) -> None:
        old = next((worker for worker in self.alive() if worker.link is self.front.active), None)
        self._do(self.supervisor.switch(self.supervisor.target.other, "ordered"))
        for _ in range(turns):
            self.loop.run_until_complete(asyncio.sleep(0))
        if old is not None:
            old.die(-9)
        self.loop.settle()

    def give_up(self) -> None:
        async def give_up() -> None:
            self.supervisor.give_up_switch("not needed")

        self.loop.run_until_complete(give_up())

    @rule(turns=st.integers(0, 12))
    def a_switch_is_given_up(self, turns: int) -> None:
        for _ in range(turns):
            self.loop.run_until_complete(asyncio.sleep(0))
        active, counted = self.front.active, dict(self.supervisor.failures)
        self.give_up()

        assert (self.front.active, self.supervisor.failures) == (active, counted)
        self.loop.settle()

    @rule(seconds=st.sampled_from([0.05, 1.0, 10.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)
        now_s = self.loop.time()
        self.supervisor.workers.end_hung(self.front.expire(self.supervisor.workers.links(), now_s), now_s)
        self.loop.settle()

    # what must hold

    @invariant()
    def the_active_worker_is_alive_ready_and_of_the_target(self) -> None:
        if self.front.active is not None:
            active = [worker for worker in self.alive() if worker.link is self.front.active]

            assert [worker.state for worker in active] == [WorkerState.READY]
            assert active[0].backend is self.supervisor.target
            assert self.front.active.open
            assert self.front.unavailable == ""
            assert self.supervisor._outage is None, "else nobody would replace it once it dies"

    @invariant()
    def a_backend_has_one_worker_that_serves_or_will_serve(self) -> None:
        live = (WorkerState.STARTING, WorkerState.WARMING, WorkerState.READY)
        for backend in Backend:
            assert len([w for w in self.alive() if w.backend is backend and w.state in live]) <= 1

    @invariant()
    def no_request_is_lost_or_answered_twice(self) -> None:
        held = {id(exchange) for link in self.supervisor.workers.links() for exchange in link.jobs.values()}
        waiting = [id(exchange) for exchange in self.front.queue]

        assert len(waiting) == len(set(waiting))
        for request in self.requests:
            assert len(request.answers) <= 1
            assert request.answers or id(request) in held or id(request) in waiting

    @invariant()
    def pauses_are_bounded(self) -> None:
        for record in self.supervisor.failures.values():
            assert record.retry_at_s - self.loop.time() <= pauses.LONGEST_SWITCH_PAUSE_S
        for event in self.told:
            if event["event"] == "worker_exit" and event["restart_in_s"] is not None:
                assert 0 <= event["restart_in_s"] <= pauses.LONGEST_PAUSE_S

    @invariant()
    def waiting_requests_have_somebody_who_works_for_them(self) -> None:
        if self.front.queue and self.front.active is None:
            assert self._somebody_works()

    def _somebody_works(self) -> bool:
        """A start that is under way, or a task that will order one."""
        under_way = self.supervisor._restarts._tasks or self.supervisor.workers._background._tasks
        return bool(under_way) or not all(task.done() for task in self.runtime.tasks)

    def teardown(self) -> None:
        if not hasattr(self, "runtime"):
            return
        try:
            self._all_is_well_in_the_end()
            self.loop.run_until_complete(self.supervisor.stop(1.0))

            assert list(self.supervisor.workers) == []
        finally:
            self.runtime.close()

    def _all_is_well_in_the_end(self) -> None:
        """When workers behave from now on, every request is answered within the longest pauses, and new ones well."""
        self.starter.refuses = self.starter.stillborn = False
        self.starter.takes_s = BY_STANDBY_S
        self.problem[Backend.GPU] = ""
        if any(backend in self.supervisor.workers.starts for backend in Backend):
            self.loop.pass_time(START_TIMEOUT_S)  # it may have been one that never ends
        self._behave_for(100.0)
        last = Request(self.loop.time())
        self.front.handle(last)
        self._behave_for(1.0)

        assert last.answers == [200], self.told[-8:]
        for request in self.requests:
            assert len(request.answers) == 1

    def _behave_for(self, seconds: float) -> None:
        for _ in range(round(2 * seconds)):
            for worker in self.alive():
                worker.stubborn = False
                if worker.state is WorkerState.STARTING:
                    worker.send(READY)
                for _ in range(len(worker.link.jobs)):
                    worker.answer()
            self.loop.pass_time(0.5)


SupervisorStates.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSupervisorStates = SupervisorStates.TestCase


def test_a_start_that_never_ends_is_told_and_tried_again() -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.CPU, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    machine.a_standby_is_there_or_not(NEVER_S, needed=True)
    machine.time_passes(START_TIMEOUT_S)
    told = [event["kind"] for event in machine.told if event["event"] == "setup_failed"]
    machine.teardown()

    assert told == ["timeout"]
    assert len(machine.starter.started) > 1


@pytest.mark.parametrize("turns", range(12))
def test_a_worker_that_dies_as_a_switch_leaves_it_is_not_brought_up_again(turns: int) -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.GPU_PREFERRED, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    machine.starter.takes_s = BY_STANDBY_S
    machine.starter.act = lambda worker, frame: worker.send(READY) if frame is None else None
    machine.problem[Backend.GPU] = "gone"
    machine.a_switch_is_ordered_and_its_worker_dies_in_a_turn_of_it(turns)
    machine.the_active_worker_is_alive_ready_and_of_the_target()
    machine.starter.started[-1].die(-9)
    machine.loop.pass_time(1.0)
    active, fallbacks = machine.front.active, [event for event in machine.told if event["event"] == "fallback"]
    machine.teardown()

    assert fallbacks == [], "the traffic was moved by the switch, and by nothing else"
    assert active is not None, "the successor is replaced, too"


@pytest.mark.parametrize("turns", [*range(7), 40])
@pytest.mark.parametrize("takes_s", [BY_STANDBY_S, BY_FORK_S, BY_SPAWN_S, NEVER_S])
def test_a_start_is_given_up_in_any_turn_of_it(turns: int, takes_s: float) -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.CPU_PREFERRED, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    serving = machine.front.active
    machine.starter.takes_s = takes_s
    switch = machine.runtime.loop.create_task(machine.supervisor.switch(Backend.GPU, "ordered"))
    for _ in range(turns):
        machine.loop.run_until_complete(asyncio.sleep(0))
    machine.give_up()
    machine.loop.pass_time(0.1)
    steps = [(event["phase"], event["reason"]) for event in machine.told if event["event"] == "switch"]
    starting, active = machine.some(0, WorkerState.STARTING), machine.front.active
    is_over = switch.done() and machine.supervisor.switching_to is None
    machine.starter.takes_s = BY_STANDBY_S
    machine.starter.act = lambda worker, frame: worker.send(READY) if frame is None else None
    machine.a_switch_is_ordered(Backend.GPU)
    machine.loop.pass_time(0.1)
    next_try = machine.supervisor.target
    machine.runtime.tasks.append(switch)
    machine.teardown()

    assert steps == [("ordered", "ordered"), ("given_up", "not needed")]
    assert (starting, active, is_over, switch.result()) == (None, serving, True, False)
    assert failed_starts(machine) == []
    assert next_try is Backend.GPU


def test_a_worker_that_has_just_become_ready_for_a_switch_that_is_given_up_is_released() -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.CPU_PREFERRED, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    serving = machine.front.active
    machine.a_switch_is_ordered(Backend.GPU)
    machine.loop.pass_time(0.05)
    started = machine.starter.started[-1]
    started.send(READY)
    machine.give_up()
    machine.loop.pass_time(1.0)
    phases = [event["phase"] for event in machine.told if event["event"] == "switch"]
    active = machine.front.active
    machine.teardown()

    assert (started.backend, started.state) == (Backend.GPU, WorkerState.EXITED)
    assert phases == ["ordered", "given_up"]
    assert active is serving


def test_an_order_for_the_backend_that_serves_gives_up_the_switch_under_way() -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.CPU_PREFERRED, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    machine.a_switch_is_ordered(Backend.GPU)
    machine.loop.pass_time(0.05)
    stays = machine.runtime.loop.create_task(machine.supervisor.switch(Backend.CPU, "no, stay"))
    machine.loop.settle()
    said = [event["reason"] for event in machine.told if event["event"] == "switch" and event["phase"] == "given_up"]
    is_there = stays.done() and stays.result()
    machine.teardown()

    assert (said, is_there) == (["no, stay"], True)


def test_while_nothing_serves_no_switch_is_given_up() -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.GPU_PREFERRED, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    machine.a_switch_is_ordered(Backend.CPU)
    machine.loop.pass_time(0.05)
    machine.starter.started[0].die(-9)
    machine.loop.settle()
    machine.give_up()
    machine.starter.started[1].send(READY)
    machine.loop.pass_time(0.05)
    target = machine.supervisor.target
    machine.teardown()

    assert target is Backend.CPU


def failed_starts(machine: SupervisorStates) -> list[Any]:
    return [event for event in machine.told if event["event"] == "setup_failed"]


def test_a_start_that_a_switch_overtakes_is_ended_at_once_and_is_no_failure() -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.GPU_PREFERRED, idempotent=False)
    machine.time_passes(0.05)
    machine.a_worker_becomes_ready(0)
    machine.a_worker_dies(0, -9)
    machine.time_passes(1.0)
    starting, before = machine.some(0, WorkerState.STARTING), machine.supervisor.failures[Backend.GPU].failures
    machine.a_switch_is_ordered(Backend.CPU)
    machine.time_passes(0.05)
    machine.starter.started[-1].send(READY)
    machine.loop.pass_time(0.1)
    failures, active = machine.supervisor.failures[Backend.GPU].failures, machine.front.active
    machine.teardown()

    assert starting is not None
    assert starting.state is WorkerState.EXITED
    assert active is machine.starter.started[2].link
    assert (failed_starts(machine), failures) == ([], before)


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.02])
def test_a_start_that_the_end_overtakes_is_no_failure(seconds: float) -> None:
    machine = SupervisorStates()
    machine.begin(ExecutionMode.CPU, idempotent=False)
    machine.loop.pass_time(seconds)
    machine.loop.run_until_complete(machine.supervisor.workers.stop(1.0))
    machine.runtime.close()

    assert failed_starts(machine) == []
    assert all(worker.state is WorkerState.EXITED for worker in machine.starter.started)
