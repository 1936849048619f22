"""`gaia run`: analyze a function, start it on an engine, show it while it serves, and sum it up.

Everything that can be wrong with the flags and the files is found before anything is started, and what was
started is closed in every case: after an error, after Ctrl-C during a download, after a second Ctrl-C during
the draining.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gaia_cli.engines import Engine, Launch, RunningFunction
from gaia_cli.engines.checks import accelerators_for, offer, open_engine
from gaia_cli.engines.ports import HOST, choose_port, is_free
from gaia_cli.errors import EngineError, ExitCode, UsageError
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.serving import mode_of, servable_project, settings_of
from gaia_cli.running.choose import AUTO, Choice, choose_accelerator, choose_engine
from gaia_cli.running.interrupts import Interrupted, Interrupts
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.requests_file import read_requests
from gaia_cli.running.screen import Screen
from gaia_cli.running.session import Session
from gaia_cli.running.summary import RunSummary, summarize
from gaia_cli.running.trace import TraceRecorder
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.policy.model import Accelerator, ExecutionMode


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line may ask of a run; the defaults are its own."""

    engine: str = AUTO
    accelerator: str = AUTO
    port: int = 8080
    slo_p95_ms: float | None = None
    mode: str = ""
    output_format: str = "full"
    record: Path | None = None
    play: Path | None = None
    what_if: bool = False

    @property
    def wants_requests(self) -> bool:
        """Whether each request must be told, not only counted."""
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
    screen = _screen(options.output_format)
    with Interrupts() as interrupts, contextlib.closing(screen):
        mode, reason = mode_of(project, path, options.mode)
        here = partial(offer, asked=options.engine, mode=mode)
        chosen = choose_engine(options.engine, mode, here("process"), here("docker"))
        wish = _Wish(project, mode, reason, options)
        try:
            started, session = _followed(wish, chosen, screen, interrupts, lambda: Session(screen, load, recorder))
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
class _Wish:
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
    wish: _Wish, chosen: Choice, screen: Screen, interrupts: Interrupts, new_session: Callable[[], Session]
) -> tuple[_Started, Session]:
    """Start it and follow it to its end; again, a few times, where another program was quicker to take the port."""
    for again in (True, True, False):
        interrupts.note_with(None)
        started, session = _start(wish, chosen, screen), new_session()
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


def _start(wish: _Wish, chosen: Choice, screen: Screen) -> _Started:
    """Start on the chosen engine; where Docker was only our own choice and fails, on this machine instead."""
    engine = open_engine(chosen.name)
    plan = _plan(engine, wish, chosen)
    settings = _settings(wish, screen)
    screen.plan(plan)
    try:
        return _Started(_running(engine, plan, wish, settings, screen), plan)
    except EngineError as error:
        if chosen.name != "docker" or wish.options.engine != AUTO:
            raise
        screen.step(f"Docker cannot run it ({error.message}); using a process of this machine instead")
    instead = open_engine("process")
    plan = _plan(instead, wish, Choice(instead.name, "Docker answers but could not run the function"))
    screen.plan(plan)
    return _Started(_running(instead, plan, wish, settings, screen), plan)


def _plan(engine: Engine, wish: _Wish, chosen: Choice) -> RunPlan:
    offered = accelerators_for(wish.mode, engine)
    accelerator = choose_accelerator(wish.options.accelerator, wish.mode, offered, engine.name)
    return RunPlan(wish.project.name, wish.mode, wish.mode_reason, chosen, accelerator, wish.project.slo)


def _running(engine: Engine, plan: RunPlan, wish: _Wish, settings: Settings, screen: Screen) -> RunningFunction:
    launch = Launch(wish.project, settings, Accelerator(plan.accelerator.name))
    try:
        return engine.start(launch, screen.step)
    except UsageError:
        if is_free(settings.port):
            raise
    # Somebody has taken the port during the preparation; the second time there is nothing left to prepare.
    return engine.start(replace(launch, settings=_settings(wish, screen)), screen.step)


def _settings(wish: _Wish, screen: Screen) -> Settings:
    """The settings with a port that is free now; the address is said at once, before what takes time."""
    port = choose_port(wish.options.port)
    screen.address(f"http://{HOST}:{port}")
    if wish.options.port not in (0, port):
        screen.step(f"port {wish.options.port} is taken; using {port}")
    return settings_of(
        wish.project, wish.mode, listen_address=HOST, port=port, record_requests=wish.options.wants_requests
    )


def _screen(output_format: str) -> Screen:
    """A live view for a person at a terminal that can show one, lines for everything else that reads along."""
    from gaia_cli.views import console
    from gaia_cli.views.run_lines import JsonScreen, LineScreen

    if output_format == "json-lines":
        return JsonScreen()
    if output_format != "full":
        raise UsageError(f"--output-format {output_format} is not a format", "use full or json-lines")
    if not console.shows_to_a_person():
        return LineScreen()
    from gaia_cli.views.live import LiveScreen

    terminal = console.rich_console()
    return LineScreen() if terminal.is_dumb_terminal else LiveScreen(terminal)
