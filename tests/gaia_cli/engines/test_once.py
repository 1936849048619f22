"""A function for a moment, on an engine that is a list of events."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gaia_cli.engines import Launch, Progress
from gaia_cli.engines.once import started_once
from gaia_cli.errors import EngineError, FunctionError, GaiaError, RequestError, RuntimeDiedError
from gaia_cli.project.project import FunctionProject
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.lifecycle import Ready, SetupFailed
from runtime_images.events.model import Event
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import CPU, Accelerator, ExecutionMode

LAUNCH = Launch(FunctionProject(Path(), "f"), Settings(Path()), Accelerator.NONE)
READY = Ready("http://127.0.0.1:1", "", CPU, ExecutionMode.CPU, "f.py:handler", "handler", 0.1)
FAILED = SetupFailed(CPU, "import", "f.py:3: it failed", "f.py", 3, ("the last line",))


class FakeEngine:
    """Hands out itself as the running function; `closed` holds how it was closed."""

    name = "fake"
    admin_token = ""

    def __init__(self, *events: Event, error: GaiaError | None = None) -> None:
        self._events, self._error = events, error
        self.closed: list[bool] = []

    def describe(self) -> str:
        return self.name

    def accelerators(self) -> tuple[Accelerator, ...]:
        return ()

    def start(self, launch: Launch, progress: Progress) -> "FakeEngine":
        progress(launch.project.name)
        return self

    def events(self) -> Iterator[Event]:
        yield from self._events
        if self._error is not None:
            raise self._error

    def stop(self) -> None: ...

    def close(self, *, at_once: bool = False) -> int:
        self.closed.append(at_once)
        return 0


def ignore(_line: str) -> None: ...


def test_after_the_answer_it_is_drained() -> None:
    engine = FakeEngine(READY)

    with started_once(engine, LAUNCH, ignore, ignore) as url:
        assert url == "http://127.0.0.1:1"

    assert engine.closed == [False]


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), RequestError("no answer in time")])
def test_a_request_that_is_given_up_is_not_waited_for(reason: BaseException) -> None:
    engine = FakeEngine(READY)

    with pytest.raises(type(reason)), started_once(engine, LAUNCH, ignore, ignore):
        raise reason

    assert engine.closed == [True]


def test_a_function_that_cannot_be_loaded_is_reported_once() -> None:
    reported: list[str] = []
    log = LogLine(CPU, 1, "stderr", "the last line", None)
    engine = FakeEngine(log, FAILED)

    with pytest.raises(FunctionError) as caught, started_once(engine, LAUNCH, ignore, reported.append):
        pass

    assert caught.value.message == "f.py:3: it failed"
    assert reported == ["the last line"]
    assert engine.closed == [True]


@pytest.mark.parametrize(
    ("engine", "error"),
    [(FakeEngine(), RuntimeDiedError), (FakeEngine(error=EngineError("killed by SIGKILL")), EngineError)],
    ids=["without a word", "with a reason"],
)
def test_a_runtime_that_ends_early_is_an_error(engine: FakeEngine, error: type[GaiaError]) -> None:
    with pytest.raises(error), started_once(engine, LAUNCH, ignore, ignore):
        pass
