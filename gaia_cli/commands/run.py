"""`gaia run`: analyze a function, start it on an engine, show it while it serves, and sum it up.

Wrong flags and files are found before anything is started, and what was started is closed in every case: after an
error, after Ctrl-C during a download, after a second Ctrl-C during the draining.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from gaia_cli.engines import Engine, Launch, RunningFunction
from gaia_cli.engines.checks import accelerators_for, candidate, open_engine
from gaia_cli.engines.ports import HOST, choose_port, is_free
from gaia_cli.engines.variables import handed_over
from gaia_cli.errors import EngineError, ExitCode, UsageError
from gaia_cli.project.choices import DEFAULT_PORT, AcceleratorName, EngineName, ModeName
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.serving import mode_of, named_project, settings_of, with_variables
from gaia_cli.running.choose import Choice, choose_accelerator, choose_engine
from gaia_cli.running.interrupts import Interrupted, Interrupts
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.playing.load import Load
from gaia_cli.running.playing.requests_file import read_requests
from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.running.records import LocalFunction, Record
from gaia_cli.running.session import More, Screen, Session
from gaia_cli.running.summary import RunSummary, summarize
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.lifecycle import Ready
from runtime_images.policy.model import Accelerator, ExecutionMode


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run."""

    engine: EngineName = EngineName.AUTO
    accelerator: AcceleratorName = AcceleratorName.AUTO
    port: int = DEFAULT_PORT
    slo_p95_ms: float | None = None
    mode: ModeName | None = None
    as_json: bool = False
    record: Path | None = None
    play: Path | None = None
    what_if: bool = False
    variables: tuple[str, ...] = ()

    @property
    def wants_requests(self) -> bool:
        """Whether each request must be reported, not only counted."""
        return self.record is not None or self.what_if


def run(path: Path, options: RunOptions) -> ExitCode:
    """Serve the function at `path` here until it is interrupted, or until the load that it plays has been played.

    Returns:
        0; 1 when a request failed or the SLO was missed at the end; 130 or 143 after a signal.
    """
    try:
        return run_function(path, options, _agrees if _asks_a_person(options) else _is_told).exit_code
    except Interrupted as interrupted:
        return interrupted.exit_code


def run_function(
    path: Path, options: RunOptions, agree: Callable[[str], bool] = lambda _why: True, more: More | None = None
) -> RunSummary:
    """Do what `run` does, for programs: return the summary instead of an exit code.

    `agree` is asked, with the reason, before a function that was meant for a container runs as a process of this user.
    `more` says what is played after the last request of the load, as the run has gone so far.

    Raises:
        GaiaError: a flag, a file, the function or the engine is not usable; after the summary, the runtime has died, or
            the trace cannot be written.
        Interrupted: a signal came before the function was started.
    """
    load = read_requests(options.play) if options.play is not None else None
    project = _project(path, options.slo_p95_ms)
    recorder = _recorder(path, options, project, load)
    variables = handed_over(options.variables, os.environ)
    screen = _screen(as_json=options.as_json)
    with Interrupts() as interrupts, contextlib.closing(screen):
        mode, reason = mode_of(project, path, options.mode)
        chosen = _engine(options.engine, mode)
        if chosen.name == EngineName.PROCESS and options.engine is EngineName.AUTO:
            _agreed(chosen.reason, agree)
        project = with_variables(project, os.environ, variables, screen.step)
        starter = _Starter(project, mode, reason, options, screen, variables, agree)
        try:
            plan, session = _follow(starter, chosen, interrupts, lambda: Session(screen, load, recorder, more))
        finally:
            unrecorded = _unrecorded(recorder)
        failure = session.failure or unrecorded
        replies = session.player.replies if session.player is not None else ()
        summary = summarize(plan, session.history, replies, failure.exit_code if failure else session.ended_by)
        if options.what_if and recorder is not None:
            from gaia_cli.running.recording.what_if import what_if

            summary = replace(summary, what_if=what_if(recorder))
        screen.summary(summary, session.history)
        if failure is not None:
            screen.close()
            raise failure
        return summary


@dataclass(frozen=True, slots=True)
class _Starter:
    """What is to be started, whatever the engine, and the screen that shows the steps."""

    project: FunctionProject
    mode: ExecutionMode
    mode_reason: str
    options: RunOptions
    screen: Screen
    variables: Mapping[str, str]
    agree: Callable[[str], bool]

    def start(self, chosen: Choice) -> tuple[RunningFunction, RunPlan]:
        """Start on the chosen engine; if Docker was only Gaia's choice and fails, as a process of this machine."""
        engine, plan = self._plan(chosen)
        settings = self._settings()
        self.screen.plan(plan)
        try:
            return self._launch(engine, plan, settings), plan
        except EngineError as error:
            if chosen.name != EngineName.DOCKER or self.options.engine is not EngineName.AUTO:
                raise
            said = error.message.splitlines()[0]  # without the log of a build
            self.screen.step(f"Docker cannot run the function ({said})")
            _agreed("Docker answers but could not run the function", self.agree)
        engine, plan = self._plan(Choice(EngineName.PROCESS, "Docker answers but could not run the function"))
        self.screen.plan(plan)
        return self._launch(engine, plan, settings), plan

    def _plan(self, chosen: Choice) -> tuple[Engine, RunPlan]:
        engine = open_engine(chosen.name)
        available = accelerators_for(self.mode, engine)
        accelerator = choose_accelerator(self.options.accelerator, self.mode, available, engine.name)
        project = self.project
        return engine, RunPlan(project.name, self.mode, self.mode_reason, chosen, accelerator, project.slo)

    def _launch(self, engine: Engine, plan: RunPlan, settings: Settings) -> RunningFunction:
        launch = Launch(self.project, settings, Accelerator(plan.accelerator.name), self.variables)
        try:
            return engine.start(launch, self.screen.step)
        except UsageError:
            if is_free(settings.port):
                raise
        # Somebody has taken the port during the preparation; the second time there is nothing left to prepare.
        return engine.start(replace(launch, settings=self._settings()), self.screen.step)

    def _settings(self) -> Settings:
        """Return the settings with a port that is free now; show the address at once, before what takes time."""
        port = choose_port(self.options.port)
        self.screen.address(f"http://{HOST}:{port}")
        if self.options.port not in (0, port):
            self.screen.step(f"port {self.options.port} is taken; using {port}")
        record = self.options.wants_requests
        return settings_of(self.project, self.mode, listen_address=HOST, port=port, record_requests=record)


def _project(path: Path, slo_p95_ms: float | None) -> FunctionProject:
    """Read the project at `path`, the SLO of the flag over that of the file."""
    project = named_project(path)
    if slo_p95_ms is None:
        return project
    if not (slo_p95_ms > 0 and isfinite(slo_p95_ms)):
        raise UsageError(f"--slo-p95-ms {slo_p95_ms:g} is not a latency", "give milliseconds above 0")
    return replace(project, slo=replace(project.slo, latency_p95_ms=slo_p95_ms))


def _recorder(path: Path, options: RunOptions, project: FunctionProject, load: Load | None) -> TraceRecorder | None:
    """Return what collects each request, where that is asked for; a played load says whether its clients wait."""
    if not options.wants_requests:
        return None
    waits = None if load is None else load.loop is not None
    return TraceRecorder(options.record, path, slots=project.concurrency or 1, waits=waits)


def _engine(asked: EngineName, mode: ExecutionMode) -> Choice:
    """Return the engine that was asked for, else the best one; only then are the engines asked what they have."""
    if asked is not EngineName.AUTO:
        return Choice(asked, "asked for")
    return choose_engine(mode, candidate(EngineName.PROCESS, mode), candidate(EngineName.DOCKER, mode))


def _agreed(why: str, agree: Callable[[str], bool]) -> None:
    """Go on without a container.

    Raises:
        EngineError: the user does not want that.
    """
    if not agree(f"{why}: without a container, the function can do whatever you can do here"):
        raise EngineError(f"the function was not started: {why}", "start Docker, or run it with --engine process")


def _asks_a_person(options: RunOptions) -> bool:
    from gaia_cli.views import console

    return not options.as_json and console.reaches_a_person()


def _agrees(what: str) -> bool:
    from gaia_cli.views import console

    console.note(what)
    return console.agrees("Run it as a process?")


def _is_told(what: str) -> bool:
    from gaia_cli.views import console

    console.note(f"{what}; --engine process says that this is meant")
    return True


def _follow(
    starter: _Starter, chosen: Choice, interrupts: Interrupts, new_session: Callable[[], Session]
) -> tuple[RunPlan, Session]:
    """Start it and follow it to its end; try again, a few times, if another program was quicker to take the port."""
    for again in (True, True, False):
        interrupts.note_with(None)
        (running, plan), session = starter.start(chosen), new_session()
        try:
            interrupts.note_with(session.interrupt)
            with Record() as record:
                session.follow(running, _leaves(record, plan, running, starter.screen))
            break
        except UsageError:
            failure = session.history.setup_failure
            if not again or failure is None or failure.kind != "port":
                raise
        finally:
            running.close(at_once=session.hurried)
    return plan, session


def _leaves(record: Record, plan: RunPlan, running: RunningFunction, screen: Screen) -> Callable[[Ready], None]:
    """Return what leaves the record of a function that serves; one that cannot be left hinders nothing else."""

    def leave(ready: Ready) -> None:
        try:
            record.leave(LocalFunction(plan.function, ready.url, ready.admin, running.admin_token))
        except OSError as error:
            screen.step(f"gaia switch and gaia pin will not find this function: {error}")

    return leave


def _unrecorded(recorder: TraceRecorder | None) -> UsageError | None:
    """Write the trace, if there is to be one; return why that cannot be done, which is said below the summary."""
    try:
        if recorder is not None:
            recorder.write()
    except UsageError as error:
        return error
    return None


def _screen(*, as_json: bool) -> Screen:
    """Make a live view for a person at a terminal that can show one, else lines."""
    from gaia_cli.views import console
    from gaia_cli.views.run_lines import JsonScreen, LineScreen

    if as_json:
        return JsonScreen()
    if not console.shows_to_a_person():
        return LineScreen()
    from gaia_cli.views.live import LiveScreen

    terminal = console.rich_console()
    return LineScreen() if terminal.is_dumb_terminal else LiveScreen(terminal)
