"""A run without a terminal: one line an event, for people and logs, or the events themselves for programs.

Nothing of rich is loaded here. With JSON lines standard output holds nothing but JSON; what is said beside
goes to standard error.
"""

from collections.abc import Callable

from gaia_cli.running.history import Event, RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import RunSummary
from gaia_cli.views import console
from gaia_cli.views.units import latency, money, rate
from runtime_images.policy.model import Backend

LINE_WIDTH = 120
"""Columns of a summary that no terminal limits."""


class LineScreen:
    """Writes one line for each event that tells a person something."""

    def __init__(self) -> None:
        self._idle = ""

    def address(self, url: str) -> None:
        """Say where the function will be served."""
        console.result(f"{'address':<12}{url}")

    def step(self, text: str) -> None:
        """Say one step of the preparation."""
        console.result(text)

    def plan(self, plan: RunPlan) -> None:
        """Say what is going to run, where and why."""
        for name, sentence in plan.sentences():
            console.result(f"{name:<12}{sentence}")

    def event(self, event: Event, history: RunHistory) -> None:
        """Write the event's line, if it has one."""
        line = event_line(event, history)
        if line and not self._told_already(event, history):
            console.result(line)

    def _told_already(self, event: Event, history: RunHistory) -> bool:
        """Whether this second without traffic is like the one before it."""
        if event.get("event") != "window":
            return False
        before, self._idle = self._idle, _idle(history)
        return bool(self._idle) and self._idle == before

    def tick(self, history: RunHistory) -> None:
        """Time alone writes nothing."""

    def summary(self, summary: RunSummary, history: RunHistory) -> None:  # noqa: ARG002 -- as every screen is called
        """Write what the run came to."""
        from gaia_cli.views.glyphs import glyphs_for
        from gaia_cli.views.summary import show_summary

        target = console.rich_console()
        target.width = LINE_WIDTH
        show_summary(target, summary, glyphs_for(target))

    def close(self) -> None:
        """There is nothing to give back."""


class JsonScreen(LineScreen):
    """Writes each event as it came, and the summary as the last one."""

    def address(self, url: str) -> None:
        """Say where the function will be served, beside the stream."""
        console.note(f"{'address':<12}{url}")

    def step(self, text: str) -> None:
        """Say one step of the preparation, beside the stream."""
        console.note(text)

    def plan(self, plan: RunPlan) -> None:
        """Say what is going to run, beside the stream."""
        for name, sentence in plan.sentences():
            console.note(f"{name:<12}{sentence}")

    def event(self, event: Event, history: RunHistory) -> None:  # noqa: ARG002 -- as every screen is called
        """Write the event."""
        console.json_line(event)

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Write the summary as an event."""
        console.json_line(summary.as_event(history.now))


def event_line(event: Event, history: RunHistory) -> str:
    """One line that tells a person what the event means; empty where it tells nothing that others do not.

    `history` has taken the event already.
    """
    name = str(event.get("event", ""))
    tell = _TELLERS.get(name)
    told = tell(event, history) if tell else ""
    return f"{history.at(float(event['t'])):7.1f} s  {name:<12} {told}" if told else ""


def _idle(history: RunHistory) -> str:
    """A second without traffic in words that change with everything but the time; empty where there is traffic."""
    lanes = history.lanes.values()
    if history.queue or any(lane.rate or lane.in_flight for lane in lanes):
        return ""
    states = " ".join(lane.state for lane in lanes)
    return f"{history.active} {states} {history.slo_state} {history.totals.requests} {history.totals.failures}"


def _started(event: Event, history: RunHistory) -> str:
    return f"{history.function}, mode {history.mode}, begins on {str(event['backend']).upper()}"


def _ready(_event: Event, history: RunHistory) -> str:
    return f"{history.url} serves {history.entry or history.function} on {history.active.upper()}"


def _window(_event: Event, history: RunHistory) -> str:
    if history.ready is None:
        return ""
    lane, totals = history.lanes[history.active], history.totals
    emulated = " (emulated)" if history.active is Backend.GPU and history.accelerator == "emulated" else ""
    slo = "" if history.slo.latency_p95_ms is None else f"  SLO {history.slo_state}"
    moving = f"  starting {history.switching_to.upper()}" if history.switching_to else ""
    return (
        f"{history.active.upper()}{emulated} {rate(lane.rate)}  p95 {latency(lane.p95_ms)}"
        f"  queue {history.queue}{slo}  requests {totals.requests}  failures {totals.failures}{moving}"
    )


def _noted(_event: Event, history: RunHistory) -> str:
    return history.notes[-1].text


def _switch(event: Event, history: RunHistory) -> str:
    move = f"{event['kind']} {str(event['from']).upper()} to {str(event['to']).upper()}"
    if event["phase"] in ("moved", "failed"):
        return history.notes[-1].text + f"; mode {event['mode']}"
    return f"{move} {event['phase']}" + (f": {event['reason']}" if event["phase"] == "ordered" else "")


def _worker(event: Event, _history: RunHistory) -> str:
    end = f" with exit code {event.get('exit_code')}: {event.get('reason')}" if event["state"] == "exited" else ""
    return f"{str(event['backend']).upper()} worker {event.get('pid')} {event['state']}{end}"


def _log(event: Event, _history: RunHistory) -> str:
    return f"{str(event['backend']).upper()} {event['stream']}: {event['line']}"


def _stopped(event: Event, history: RunHistory) -> str:
    cost = money(history.totals.cost, history.prices.currency)
    totals = history.totals
    return f"{event['reason']}; {totals.requests} requests, {totals.failures} failures, cost {cost}"


_TELLERS: dict[str, Callable[[Event, RunHistory], str]] = {
    "started": _started,
    "ready": _ready,
    "worker": _worker,
    "window": _window,
    "decision": _noted,
    "switch": _switch,
    "worker_exit": _noted,
    "setup_failed": _noted,
    "gpu_lost": _noted,
    "fallback": _noted,
    "zygote": _noted,
    "dropped": _noted,
    "log": _log,
    "stopped": _stopped,
}
