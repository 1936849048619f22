"""A run without a terminal: one line an event, for people and logs, or the events themselves for programs.

Only the summary loads rich. With JSON lines standard output holds nothing but JSON; the rest goes to standard error.
"""

from dataclasses import replace

from gaia_cli.running.history import RunHistory, in_words
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import RunSummary
from gaia_cli.views import console
from gaia_cli.views.units import latency, money, rate
from runtime_images.events.codec import to_json
from runtime_images.events.decisions import SwitchPhase, SwitchStep
from runtime_images.events.lifecycle import Ready, Started, Stopped, WorkerChanged, WorkerState
from runtime_images.events.model import Event
from runtime_images.events.traffic import LogLine, Window
from runtime_images.policy.model import Backend

_WIDTH = 120
"""Columns of a summary that no terminal limits."""


class LineScreen:
    """Writes one line for each event that a person wants to see."""

    def __init__(self) -> None:
        self._idle = ""

    def address(self, url: str) -> None:
        """Write where the function will be served."""
        self._write(f"{'address':<12}{url}")

    def step(self, text: str) -> None:
        """Write one step of the preparation."""
        self._write(text)

    def plan(self, plan: RunPlan) -> None:
        """Write what will run, where and why."""
        for name, sentence in plan.sentences():
            self._write(f"{name:<12}{sentence}")

    def event(self, event: Event, history: RunHistory) -> None:
        """Write the event's line, if it has one."""
        line = event_line(event, history)
        if line and isinstance(event, Window):
            before, self._idle = self._idle, _idle(history)
            if self._idle and self._idle == before:
                return
        if line:
            self._write(line)

    def tick(self, history: RunHistory) -> None:
        """Write nothing: only events have lines."""

    def summary(self, summary: RunSummary, history: RunHistory) -> None:  # noqa: ARG002 -- as every screen is called
        """Write the summary."""
        from gaia_cli.views.glyphs import glyphs_for
        from gaia_cli.views.summary import show_summary

        target = console.rich_console()
        target.width = _WIDTH
        show_summary(target, summary, glyphs_for(target))

    def close(self) -> None:
        """Do nothing: no terminal was taken."""

    def _write(self, text: str) -> None:
        console.line(text)


class JsonScreen(LineScreen):
    """Writes each event as it came, and the summary as the last one; all else to standard error."""

    def event(self, event: Event, history: RunHistory) -> None:  # noqa: ARG002 -- as every screen is called
        """Write the event."""
        console.json_line(to_json(event))

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Write the summary as an event."""
        console.json_line(to_json(replace(summary, t=history.now)))

    def _write(self, text: str) -> None:
        console.note(text)


def event_line(event: Event, history: RunHistory) -> str:
    """Return one line about an event that `history` has taken; empty where it says nothing new."""
    text = _text(event, history)
    return f"{history.at(event.t):7.1f} s  {event.NAME:<12} {text}" if text else ""


def _text(event: Event, history: RunHistory) -> str:
    match event:
        case Started():
            return f"{history.function}, mode {history.mode}, begins on {event.backend.upper()}"
        case Ready():
            return f"{history.url} serves {history.entry or history.function} on {history.active.upper()}"
        case WorkerChanged():
            end = f" with exit code {event.exit_code}: {event.reason}" if event.state is WorkerState.EXITED else ""
            return f"{event.backend.upper()} worker {event.pid} {event.state}{end}"
        case Window():
            return _window(history)
        case SwitchStep(phase=SwitchPhase.MOVED | SwitchPhase.FAILED | SwitchPhase.GIVEN_UP):
            return f"{in_words(event)}; mode {event.mode}"
        case SwitchStep():
            reason = f": {event.reason}" if event.phase is SwitchPhase.ORDERED else ""
            return f"{event.kind} {event.origin.upper()} to {event.to.upper()} {event.phase}{reason}"
        case LogLine():
            return f"{event.backend.upper()} {event.stream}: {event.line.expandtabs()}"
        case Stopped():
            cost = money(event.cost, history.prices.currency)
            return f"{event.reason}; {event.requests} requests, {event.failures} failures, cost {cost}"
    return in_words(event)


def _idle(history: RunHistory) -> str:
    """Return a second without traffic in words that change with all but the time; empty where there is traffic."""
    lanes = history.lanes.values()
    if history.queue or any(lane.rate or lane.in_flight for lane in lanes):
        return ""
    states = " ".join(lane.state for lane in lanes)
    return f"{history.active} {states} {history.slo_state} {history.totals.requests} {history.totals.failures}"


def _window(history: RunHistory) -> str:
    if history.ready is None:
        return ""
    lane, totals = history.lanes[history.active], history.totals
    emulated = " (emulated)" if history.active is Backend.GPU and history.accelerator == "emulated" else ""
    why = f" ({history.slo_reason})" if history.slo_reason else ""
    slo = f"  SLO {history.slo_state}{why}" if history.slo.latency_p95_ms is not None or why else ""
    moving = f"  starting {history.switching_to.upper()}" if history.switching_to else ""
    return (
        f"{history.active.upper()}{emulated} {rate(lane.rate)}  p95 {latency(lane.p95_ms)}"
        f"  queue {history.queue}{slo}  requests {totals.requests}  failures {totals.failures}{moving}"
    )
