"""Clients that mean harm: whatever they send, others are served, and nothing that they have caused lasts.

Front, links, supervisor and decision loop are the real ones; workers are simulated, and do what a request's path says.
Time passes at once.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import CHUNK, FINAL, IN_ARENA, REQUEST, RESPONSE, RawFrame
from runtime_images.policy.model import Backend, ExecutionMode, Slo
from runtime_images.policy.pauses import LONGEST_PAUSE_S, LONGEST_SWITCH_PAUSE_S
from tests.support.simulated_runtime import SimulatedRuntime
from tests.support.simulated_workers import (
    BY_FORK_S,
    FAILED,
    READY,
    Act,
    Request,
    SimulatedStarter,
    SimulatedWorker,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
ERROR = b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain\r\n"
SERVICE_NS = 1_000_000


def answer(number: int, head: bytes = OK) -> bytes:
    return frames.encode(RESPONSE, number, head, b"ok", FINAL, (1, SERVICE_NS, SERVICE_NS))


HOSTILE_ANSWERS: dict[bytes, Callable[[int], bytes]] = {
    b"/noise": lambda _: b"\xff" * 64,
    b"/too-large": lambda _: frames.HEADER.pack(0xFFFFFFFF, 1, RESPONSE, FINAL, 10, 0, 0, 0),
    b"/head-too-large": lambda number: frames.HEADER.pack(10, number, RESPONSE, FINAL, 20, 0, 0, 0) + bytes(10),
    b"/to-nobody": lambda number: answer(number + 1),
    b"/twice": lambda number: answer(number) + answer(number),
    b"/chunk-first": lambda number: frames.encode(CHUNK, number, b"", b"x"),
    b"/no-such-memory": lambda number: frames.encode(RESPONSE, number, OK, bytes(16), FINAL | IN_ARENA),
    b"/without-end": lambda number: frames.encode(RESPONSE, number, OK, b"x") + 99 * frames.encode(CHUNK, number),
}
CRASHES = (b"/crash", b"/swallow", b"/error-and-crash", *HOSTILE_ANSWERS)
METHODS = (b"GET", b"POST")


def obey(worker: SimulatedWorker, frame: RawFrame | None) -> None:
    """Do what the request's path says: /swallow ends the worker before it has begun the request."""
    if frame is None:
        worker.send(READY)
        return
    number, kind, _, head = frame[:4]
    path = head.split(b" ")[1] if kind == REQUEST else b""
    if not path:
        return
    if path == b"/swallow":
        worker.die(-9)
        return
    worker.journal.note(number)
    if path in HOSTILE_ANSWERS:
        worker.send(HOSTILE_ANSWERS[path](number))
    elif path == b"/crash":
        worker.die(-11)
    else:
        worker.send(answer(number, OK if path == b"/" else ERROR))
        if path == b"/error-and-crash":
            worker.die(-11)


def fail_to_start(worker: SimulatedWorker, frame: RawFrame | None) -> None:
    if frame is None:
        worker.send(FAILED)
        worker.die(1)


def die_when_ready(worker: SimulatedWorker, frame: RawFrame | None) -> None:
    if frame is None:
        worker.send(READY)
        worker.die(-11)


class Stage(SimulatedRuntime):
    """A function, its clients, and all of the runtime between them but the sockets."""

    def __init__(
        self, mode: ExecutionMode, act: Act = obey, *, idempotent: bool = False, slo: Slo | None = None
    ) -> None:
        self.starter = SimulatedStarter()
        self.starter.act = act
        super().__init__(self.starter, mode=mode, idempotent=idempotent, slo=slo or Slo(), request_timeout_s=60.0)
        self.do(self.supervisor.start_first(mode.initial_backend))
        self.do(self.parts.decisions.run())
        self.loop.pass_time(0.1)

    def ask(self, path: bytes = b"/", method: bytes = b"POST") -> Request:
        request = Request(self.loop.time(), method, path)
        self.front.handle(request)
        self.loop.settle()
        return request

    def is_served_within(self, seconds: float, every_s: float = 0.5) -> bool:
        """Whether a client that asks again and again gets its answer in time."""
        deadline_s = self.loop.time() + seconds
        while self.loop.time() < deadline_s:
            request = self.ask()
            self.loop.pass_time(min(every_s, 60.0))
            if request.answers == [200]:
                return True
        return False


class HostileClients(RuleBasedStateMachine):
    """Rules are what clients may do; another client is served whenever it asks."""

    stage: Stage

    @initialize(mode=st.sampled_from(list(ExecutionMode)), idempotent=st.booleans(), judged=st.booleans())
    def begin(self, mode: ExecutionMode, idempotent: bool, judged: bool) -> None:
        slo = Slo(latency_p95_ms=500.0, error_rate=0.01, window_s=5.0) if judged else None
        self.stage = Stage(mode, idempotent=idempotent, slo=slo)
        self.requests: list[Request] = []

    @rule(path=st.sampled_from([*CRASHES, b"/error"]), method=st.sampled_from(METHODS), times=st.sampled_from([1, 7]))
    def harm_is_done_and_waited_for(self, path: bytes, method: bytes, times: int) -> None:
        for _ in range(times):
            self.requests.append(self.stage.ask(path, method))
            self.stage.loop.pass_time(0.1)

    @rule(paths=st.lists(st.sampled_from([*CRASHES, b"/error", b"/"]), min_size=2, max_size=20))
    def harm_is_done_by_many_at_once(self, paths: list[bytes]) -> None:
        for path in paths:
            request = Request(self.stage.loop.time(), b"POST", path)
            self.requests.append(request)
            self.stage.front.handle(request)
        self.stage.loop.pass_time(2.0)

    @rule(path=st.sampled_from([*CRASHES, b"/"]))
    def a_client_asks_and_leaves(self, path: bytes) -> None:
        request = self.stage.ask(path)
        if not request.answers:
            request.client_gone = True
            self.stage.front.client_gone(request)
        self.stage.loop.settle()

    @rule(seconds=st.sampled_from([0.3, 5.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.stage.loop.pass_time(seconds)

    @invariant()
    def another_client_waits_for_a_start_at_most(self) -> None:
        if not hasattr(self, "stage"):
            return
        request = self.stage.ask()
        self.stage.loop.pass_time(10 * BY_FORK_S)  # what the others have asked for meanwhile may end a few more workers

        assert request.answers == [200], self.stage.told[-6:]

    @invariant()
    def no_death_that_a_request_has_caused_is_followed_by_a_pause(self) -> None:
        if hasattr(self, "stage"):
            assert {event["restart_in_s"] for event in self.stage.named("worker_exit")} <= {0.0, None}
            assert not self.stage.front.unavailable

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        try:
            self.stage.loop.pass_time(1.0)

            assert all(request.answers or request.client_gone for request in self.requests)
        finally:
            self.stage.end()


HostileClients.TestCase.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHostileClients = HostileClients.TestCase
Play = Callable[..., Stage]


@pytest.fixture
def play() -> Iterator[Play]:
    with contextlib.ExitStack() as stages:

        def begin(mode: ExecutionMode, act: Act = obey) -> Stage:
            stage = Stage(mode, act)
            stages.callback(stage.end)
            return stage

        yield begin


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", CRASHES)
def test_a_client_that_ends_every_worker_never_ends_the_function(play: Play, path: bytes, method: bytes) -> None:
    stage = play(ExecutionMode.CPU)
    for _ in range(50):
        stage.ask(path, method)
        stage.loop.pass_time(0.1)
        other = stage.ask()
        stage.loop.pass_time(0.05)

        assert other.answers == [200]


@pytest.mark.parametrize(("path", "method", "workers"), [
    (b"/crash", b"POST", 1), (b"/crash", b"GET", 2), (b"/swallow", b"POST", 4), (b"/swallow", b"GET", 4),
])  # fmt: skip
def test_a_poisonous_request_ends_a_few_workers_and_is_answered_with_502(
    play: Play, path: bytes, method: bytes, workers: int
) -> None:
    stage = play(ExecutionMode.CPU)
    request = stage.ask(path, method)
    stage.loop.pass_time(1.0)
    deaths = stage.named("worker_exit")

    assert request.answers == [502]
    assert len(deaths) == workers


def test_a_request_behind_poisonous_ones_is_never_given_up(play: Play) -> None:
    stage = play(ExecutionMode.CPU)
    crowd = [Request(stage.loop.time(), b"POST", b"/swallow") for _ in range(15)]
    last = Request(stage.loop.time())
    for request in [*crowd, last]:
        stage.front.handle(request)
    stage.loop.pass_time(2.0)

    assert [request.answers for request in crowd] == [[502]] * 15
    assert last.answers == [200]


@pytest.mark.parametrize("mode", list(ExecutionMode))
@pytest.mark.parametrize("misbehave", [fail_to_start, die_when_ready])
def test_a_function_that_cannot_live_is_tried_again_for_ever_and_served_once_it_can(
    play: Play, mode: ExecutionMode, misbehave: Act
) -> None:
    stage = play(mode)
    stage.starter.act = misbehave
    for worker in stage.starter.started:
        worker.die(-9)
    stage.loop.pass_time(900.0)
    starts = len(stage.starter.started)
    refused = stage.ask()
    loops = len(stage.supervisor._restarts._tasks) + (not stage.tasks[0].done())
    stage.starter.act = obey
    well = stage.is_served_within(LONGEST_PAUSE_S + 1.0)

    assert refused.answers == [503]
    assert well
    assert loops <= 1, "one at a time: more would start workers more often than the pauses say"
    assert 25 < starts < 100, "one in 30 s on each backend"


def test_a_function_that_never_started_reports_that_it_is_ready_when_it_can(play: Play) -> None:
    stage = play(ExecutionMode.CPU, fail_to_start)
    first = stage.tasks[0]
    stage.loop.pass_time(600.0)
    before = first.done()
    stage.starter.act = obey
    stage.loop.pass_time(LONGEST_PAUSE_S + 1.0)

    assert not before
    assert first.result() is stage.starter.started[-1]


def test_a_start_that_fails_after_weeks_of_good_answers_is_the_first_of_its_row(play: Play) -> None:
    stage = play(ExecutionMode.CPU)
    stage.starter.act = fail_to_start
    stage.starter.started[-1].die(-9)
    stage.loop.pass_time(120.0)
    stage.starter.act = obey
    assert stage.is_served_within(LONGEST_PAUSE_S + 1.0)
    stage.starter.act = fail_to_start
    stage.starter.started[-1].die(-9)
    stage.loop.pass_time(0.1)
    record = stage.supervisor.failures[Backend.CPU]

    assert (record.failures, record.pause_s) == (1, 0.2)


def test_a_gpu_that_dies_at_every_request_is_left_and_tried_again(play: Play) -> None:
    def die_on_gpu(worker: SimulatedWorker, frame: RawFrame | None) -> None:
        if worker.backend is Backend.GPU and frame is not None and frame[1] == REQUEST:
            worker.journal.note(frame[0])
            worker.die(-6)
        else:
            obey(worker, frame)

    stage = play(ExecutionMode.GPU_PREFERRED, die_on_gpu)
    statuses = []
    for _ in range(8):
        request = stage.ask()
        stage.loop.pass_time(0.1)
        statuses += request.answers
    target, marked = stage.supervisor.target, stage.front.answers.fallback
    pause_s = stage.supervisor.failures[Backend.GPU].retry_at_s - stage.loop.time()
    stage.loop.pass_time(10.0)
    unmarked = stage.front.answers.fallback

    assert statuses == [502] * 6 + [200] * 2
    assert (target, marked, unmarked) == (Backend.CPU, True, False)
    assert 0 < pause_s <= 5.0


def test_a_client_whose_requests_only_raise_does_not_mark_answers_for_ever(play: Play) -> None:
    stage = play(ExecutionMode.GPU_PREFERRED)
    for _ in range(8):
        stage.ask(b"/error")
        stage.loop.pass_time(0.1)
    stage.loop.pass_time(1.0)
    marked = stage.front.answers.fallback
    stage.loop.pass_time(30.0)
    unmarked = stage.front.answers.fallback

    assert (marked, unmarked) == (True, False)


def test_a_gpu_that_is_lost_while_the_cpu_cannot_start_leaves_the_function_on_the_cpu_in_the_end(play: Play) -> None:
    stage = play(ExecutionMode.GPU_PREFERRED)
    stage.starter.act = fail_to_start
    stage.problem[Backend.GPU] = "gone"
    stage.loop.pass_time(20.0)
    stage.starter.act = obey
    well = stage.is_served_within(LONGEST_SWITCH_PAUSE_S)
    target = stage.supervisor.target

    assert well
    assert target is Backend.CPU


def test_a_backend_that_is_held_up_by_a_switch_that_never_ends_is_still_started_again(play: Play) -> None:
    stage = play(ExecutionMode.CPU_PREFERRED)
    stage.starter.act = None  # the GPU's worker says nothing at all
    stage.do(stage.supervisor.switch(Backend.GPU, "ordered"))
    stage.loop.pass_time(1.0)
    stage.starter.act = fail_to_start
    stage.starter.started[0].die(-9)
    stage.loop.pass_time(60.0)
    stage.starter.act = obey
    well = stage.is_served_within(LONGEST_PAUSE_S + 1.0)

    assert well


def test_a_worker_that_is_let_go_does_not_get_the_traffic_again_from_a_switch_in_the_same_turn(play: Play) -> None:
    stage = play(ExecutionMode.CPU_PREFERRED)

    async def go_there_and_back() -> list[bool]:
        return [await stage.supervisor.switch(to, "a test") for to in (Backend.GPU, Backend.CPU, Backend.GPU)]

    assert stage.loop.run_until_complete(go_there_and_back()) == [True] * 3
    stage.loop.pass_time(1.0)

    assert stage.is_served_within(1.0)
    lives = [(event["pid"], event["state"]) for event in stage.named("worker")]
    assert len(lives) == len(set(lives)), "each drains once"


def test_whatever_goes_wrong_with_a_start_it_is_tried_again(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = play(ExecutionMode.CPU)
    faults = [MemoryError("no memory"), RuntimeError("no loop"), ValueError("no reason"), OSError("no descriptor")]
    monkeypatch.setattr(SimulatedWorker, "connect", _failing_first(SimulatedWorker.connect, faults))
    stage.ask(b"/crash")
    stage.loop.pass_time(1.0)

    assert stage.is_served_within(10.0)
    told = [event["message"] for event in stage.named("setup_failed")]
    assert told == [f"the worker cannot be started: {fault}" for fault in reversed(faults)]


def _failing_first(connect: Callable[[SimulatedWorker], Any], faults: list[Exception]) -> Callable[..., Any]:
    left = list(faults)

    async def fail_or_connect(worker: SimulatedWorker) -> None:
        if left:
            raise left.pop()
        await connect(worker)

    return fail_or_connect


def test_refused_requests_are_given_the_time_of_the_next_try(play: Play) -> None:
    class Told(Request):
        headers_sent: list[object]

        def respond_json(self, status: int, value: object, headers: object = ()) -> None:
            self.headers_sent = list(headers)  # type: ignore[call-overload]
            super().respond_json(status, value, headers)

    stage = play(ExecutionMode.CPU)
    stage.starter.act = fail_to_start
    stage.starter.started[0].die(-9)
    stage.loop.pass_time(300.0)
    request = Told(stage.loop.time())
    stage.front.handle(request)

    assert request.answers == [503]
    assert request.headers_sent == [(b"retry-after", b"30")]
