"""The loop, fed by a runtime that is a list of events."""

import threading
from collections.abc import Callable, Iterator

import pytest

from gaia_cli.errors import EngineError, ExitCode, FunctionError, GaiaError
from gaia_cli.running.history import RunHistory
from gaia_cli.running.session import Session
from gaia_cli.views.run_lines import LineScreen
from runtime_images.events.lifecycle import Ready
from runtime_images.events.model import Event
from tests.support.synthetic_run import Stream, matmul_run


class FakeRunning:
    """Gives `events`; with `serves`, stays until it is stopped and then gives `last`."""

    admin_token = ""

    def __init__(self, events: list[Event], last: list[Event], *, serves: bool = True, heeds: bool = True) -> None:
        self._events, self._last, self._serves, self._heeds = events, last, serves, heeds
        self.stopped = threading.Event()
        self.error: Exception | None = None

    def events(self) -> Iterator[Event]:
        yield from self._events
        if self.error is not None:
            raise self.error
        if self._serves:
            self.stopped.wait(10)
            if not self._heeds:
                threading.Event().wait(10)
        yield from self._last

    def stop(self) -> None:
        self.stopped.set()

    def close(self, *, at_once: bool = False) -> int:  # noqa: ARG002 -- the protocol of RunningFunction
        return 0


class Watcher(LineScreen):
    """Notes the events, and calls `on_ready` when the function is ready."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on_ready: Callable[[], None] = lambda: None

    def event(self, event: Event, history: RunHistory) -> None:  # noqa: ARG002 -- as every screen is called
        self.seen.append(event.NAME)
        if isinstance(event, Ready):
            self.on_ready()


def beginning() -> Stream:
    stream = Stream()
    stream.started()
    return stream


def test_every_event_is_shown_in_its_order() -> None:
    watcher, events = Watcher(), matmul_run()

    session = Session(watcher)
    session.follow(FakeRunning(events, [], serves=False))

    assert watcher.seen == [event.NAME for event in events]
    assert session.ended_by is ExitCode.OK


def test_the_first_signal_stops_the_runtime_and_waits_for_its_last_words() -> None:
    watcher, events = Watcher(), matmul_run()
    running = FakeRunning(events[:-1], events[-1:])
    session = Session(watcher)
    watcher.on_ready = lambda: session.interrupt(ExitCode.TERMINATED)

    session.follow(running)

    assert running.stopped.is_set()
    assert watcher.seen[-1] == "stopped"
    assert (session.ended_by, session.hurried) == (ExitCode.TERMINATED, False)


def signalled_twice(code: ExitCode, *, heeds: bool) -> tuple[Watcher, Session]:
    """A run that is asked to end, and asked again before it has; whether the runtime heeds that."""
    watcher, events = Watcher(), matmul_run()
    session = Session(watcher)

    def twice() -> None:
        session.interrupt(code)
        session.interrupt(code)

    watcher.on_ready = twice
    session.follow(FakeRunning(events[:-1], events[-1:], heeds=heeds))
    return watcher, session


def test_a_second_sigterm_waits_like_the_first_for_programs_send_two() -> None:
    watcher, session = signalled_twice(ExitCode.TERMINATED, heeds=True)

    assert watcher.seen[-1] == "stopped"
    assert (session.ended_by, session.hurried) == (ExitCode.TERMINATED, False)


def test_a_second_ctrl_c_does_not_wait() -> None:
    watcher, session = signalled_twice(ExitCode.INTERRUPTED, heeds=False)

    assert "stopped" not in watcher.seen
    assert (session.ended_by, session.hurried) == (ExitCode.INTERRUPTED, True)


def test_a_function_that_cannot_be_loaded_is_stopped_and_its_error_says_where() -> None:
    stream = beginning()
    stream.add(
        "setup_failed", backend="cpu", kind="import", message="func.py:3: ModuleNotFoundError: nump", path="func.py",
        line=3, log=["Traceback", "nump"],
    )  # fmt: skip
    running = FakeRunning(stream.events, [])

    with pytest.raises(FunctionError) as caught:
        Session(Watcher()).follow(running)

    assert caught.value.message == "func.py:3: ModuleNotFoundError: nump\n    Traceback\n    nump"
    assert running.stopped.is_set()


def test_a_gpu_worker_that_cannot_be_loaded_later_does_not_end_the_run() -> None:
    stream = beginning()
    stream.ready()
    stream.add("setup_failed", backend="gpu", kind="import", message="no cupy", path="func.py", line=3, log=[])
    running = FakeRunning(stream.events, [])
    watcher = Watcher()
    session = Session(watcher)
    stream.stopped()

    session.follow(FakeRunning(stream.events, [], serves=False))

    assert not running.stopped.is_set()
    assert watcher.seen[-2:] == ["setup_failed", "stopped"]


def test_a_stream_that_breaks_off_is_an_error_with_the_last_lines() -> None:
    stream = beginning()
    stream.ready()
    stream.add("log", backend="cpu", pid=1, stream="stderr", line="out of luck", request=None)

    with pytest.raises(GaiaError, match="ended unexpectedly\n    out of luck"):
        Session(Watcher()).follow(FakeRunning(stream.events, [], serves=False))


def test_the_engines_own_error_is_passed_on() -> None:
    running = FakeRunning(beginning().events, [])
    running.error = EngineError("killed by SIGKILL")

    with pytest.raises(EngineError, match="SIGKILL"):
        Session(Watcher()).follow(running)


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_before_the_function_serves_one_signal_is_enough(code: ExitCode) -> None:
    session = Session(Watcher())
    session.interrupt(code)

    session.follow(FakeRunning(beginning().events, []))

    assert (session.ended_by, session.hurried) == (code, True)


def test_a_signal_does_not_wait_behind_the_lines_that_a_function_has_printed() -> None:
    watcher, events = Watcher(), matmul_run()
    running = FakeRunning([*events[:-1], *[events[5]] * 100_000], [])
    session = Session(watcher)

    def twice() -> None:
        session.interrupt(ExitCode.INTERRUPTED)
        session.interrupt(ExitCode.INTERRUPTED)

    watcher.on_ready = twice
    session.follow(running)

    assert watcher.seen[-1] == "ready"
