"""`gaia run`: analyze a function, start it on an engine, show it while it serves, and sum it up.

Everything that can be wrong with the flags and the files is found before anything is started, and what was
started is closed in every case: after an error, after Ctrl-C during a download, after a second Ctrl-C during
the draining.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gaia_cli.engines import Engine, Launch, RunningFunction
from gaia_cli.engines.checks import accelerators_for, offer, open_engine
from gaia_cli.engines.ports import HOST, choose_port, is_free
from gaia_cli.errors import EngineError, ExitCode, UsageError
from gaia_cli.project.choices import DEFAULT_PORT, AcceleratorName, EngineName, ModeName
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.serving import mode_of, servable_project, settings_of
from gaia_cli.running.choose import Choice, choose_accelerator, choose_engine
from gaia_cli.running.interrupts import Interrupted, Interrupts
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.requests_file import read_requests
from gaia_cli.running.session import Screen, Session
from gaia_cli.running.summary import RunSummary, summarize
from gaia_cli.running.trace import TraceRecorder
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.policy.model import Accelerator, ExecutionMode


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line may ask of a run; the defaults are its own."""

    engine: EngineName = EngineName.AUTO
    accelerator: AcceleratorName = AcceleratorName.AUTO
    port: int = DEFAULT_PORT
    slo_p95_ms: float | None = None
    mode: ModeName | None = None
    as_json: bool = False
    record: Path | None = None
    play: Path | None = None
    what_if: bool = False

    @property
    def wants_requests(self) -> bool:
        """Whether each request must be reported, not only counted."""
        return self.record is not None or self.what_if


def run(path: Path, options: RunOptions) -> ExitCode:
    """Serve the function at `path` here until it is interrupted, or until the load that it plays has been played.

    Returns:
        0; 1 when a request failed or the SLO was missed at the end; 130 or 143 after a signal.

    Raises:
        GaiaError: a flag, a file, the function or the engine is not usable.
    """
    try:
        return run_function(path, options).exit_code
    except Interrupted as interrupted:
        return interrupted.exit_code


def run_function(path: Path, options: RunOptions) -> RunSummary:
    """As `run`, for programs: the summary instead of an exit code.

    Raises:
        GaiaError: a flag, a file, the function or the engine is not usable.
        Interrupted: a signal came before the function was started.
    """
    load = tuple(read_requests(options.play)) if options.play is not None else ()
    recorder = TraceRecorder(options.record) if options.wants_requests else None
    project = _project(path, options.slo_p95_ms)
    screen = _screen(as_json=options.as_json)
    with Interrupts() as interrupts, contextlib.closing(screen):
        mode, reason = mode_of(project, path, options.mode)
        chosen = _engine(options.engine, mode)
        request = _Request(project, mode, reason, options)
        try:
            started, session = _followed(request, chosen, screen, interrupts, lambda: Session(screen, load, recorder))
        finally:
            if recorder is not None:
                recorder.write()
        replies = session.player.replies if session.player is not None else ()
        summary = summarize(started.plan, session.history, replies, session.ended_by)
        if options.what_if and recorder is not None:
            from gaia_cli.running.what_if import what_if

            slots = project.concurrency or 1
            summary = replace(summary, what_if=what_if(recorder.served, session.history, mode, slots))
        screen.summary(summary, session.history)
        return summary


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be started, whatever the engine."""

    project: FunctionProject
    mode: ExecutionMode
    mode_reason: str
    options: RunOptions


@dataclass(frozen=True, slots=True)
class _Started:
    """A running function and the plan it was started by."""

    running: RunningFunction
    plan: RunPlan


def _project(path: Path, slo_p95_ms: float | None) -> FunctionProject:
    """The project at `path` with the SLO of the flag over that of the file."""
    project = servable_project(path)
    if slo_p95_ms is None:
        return project
    if not slo_p95_ms > 0:
        raise UsageError(f"--slo-p95-ms {slo_p95_ms:g} is not a latency", "give milliseconds above 0")
    return replace(project, slo=replace(project.slo, latency_p95_ms=slo_p95_ms))


def _followed(
    request: _Request, chosen: Choice, screen: Screen, interrupts: Interrupts, new_session: Callable[[], Session]
) -> tuple[_Started, Session]:
    """Start it and follow it to its end; again, a few times, where another program was quicker to take the port."""
    for again in (True, True, False):
        interrupts.note_with(None)
        started, session = _start(request, chosen, screen), new_session()
        try:
            interrupts.note_with(session.interrupt)
            session.follow(started.running)
            break
        except UsageError:
            failure = session.history.setup_failure
            if not again or failure is None or failure.kind != "port":
                raise
        finally:
            started.running.close(at_once=session.hurried)
    return started, session


def _engine(asked: EngineName, mode: ExecutionMode) -> Choice:
    """The engine that was asked for, else the best one; no engine is asked for nothing."""
    if asked is not EngineName.AUTO:
        return Choice(asked, "asked for")
    return choose_engine(mode, offer(EngineName.PROCESS, mode), offer(EngineName.DOCKER, mode))


def _start(request: _Request, chosen: Choice, screen: Screen) -> _Started:
    """Start on the chosen engine; where Docker was only our own choice and fails, on this machine instead."""
    engine = open_engine(chosen.name)
    plan = _plan(engine, request, chosen)
    settings = _settings(request, screen)
    screen.plan(plan)
    try:
        return _Started(_running(engine, plan, request, settings, screen), plan)
    except EngineError as error:
        if chosen.name != EngineName.DOCKER or request.options.engine is not EngineName.AUTO:
            raise
        screen.step(f"Docker cannot run the function ({error.message}); using a local process instead")
    instead = open_engine(EngineName.PROCESS)
    plan = _plan(instead, request, Choice(instead.name, "Docker answers but could not run the function"))
    screen.plan(plan)
    return _Started(_running(instead, plan, request, settings, screen), plan)


def _plan(engine: Engine, request: _Request, chosen: Choice) -> RunPlan:
    offered = accelerators_for(request.mode, engine)
    accelerator = choose_accelerator(request.options.accelerator, request.mode, offered, engine.name)
    return RunPlan(request.project.name, request.mode, request.mode_reason, chosen, accelerator, request.project.slo)


def _running(engine: Engine, plan: RunPlan, request: _Request, settings: Settings, screen: Screen) -> RunningFunction:
    launch = Launch(request.project, settings, Accelerator(plan.accelerator.name))
    try:
        return engine.start(launch, screen.step)
    except UsageError:
        if is_free(settings.port):
            raise
    # Somebody has taken the port during the preparation; the second time there is nothing left to prepare.
    return engine.start(replace(launch, settings=_settings(request, screen)), screen.step)


def _settings(request: _Request, screen: Screen) -> Settings:
    """The settings with a port that is free now; the address is said at once, before what takes time."""
    port = choose_port(request.options.port)
    screen.address(f"http://{HOST}:{port}")
    if request.options.port not in (0, port):
        screen.step(f"port {request.options.port} is taken; using {port}")
    return settings_of(
        request.project, request.mode, listen_address=HOST, port=port, record_requests=request.options.wants_requests
    )


def _screen(*, as_json: bool) -> Screen:
    """A live view for a person at a terminal that can show one, lines for everything else that reads along."""
    from gaia_cli.views import console
    from gaia_cli.views.run_lines import JsonScreen, LineScreen

    if as_json:
        return JsonScreen()
    if not console.shows_to_a_person():
        return LineScreen()
    from gaia_cli.views.live import LiveScreen

    terminal = console.rich_console()
    return LineScreen() if terminal.is_dumb_terminal else LiveScreen(terminal)
