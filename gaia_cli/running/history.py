"""What is known about a run, folded from its event stream (docs/events.md).

Nothing here reads a clock, so a recorded stream gives the same picture every time. The live view, the lines, the
summary and the exit code all read this one object. Its texts are printable, whoever has written the events.
"""

import re
from collections import deque
from dataclasses import dataclass, field, replace

from analyzers.lean.printable import printable
from runtime_images.events.decisions import (
    ENDED_BEFORE_IT_MOVED,
    DecisionMade,
    Fallback,
    GpuLost,
    SwitchPhase,
    SwitchStep,
)
from runtime_images.events.lifecycle import (
    CutOff,
    Ready,
    SetupFailed,
    Started,
    Stopped,
    WorkerChanged,
    WorkerExit,
    WorkerState,
    ZygoteChanged,
    ZygoteState,
)
from runtime_images.events.model import Event
from runtime_images.events.traffic import (
    BackendStatus,
    CostSource,
    Dropped,
    GpuUse,
    LaneState,
    LogLine,
    SloState,
    Totals,
    Window,
)
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode, Prices, Slo

_BEGINS = "Traceback (most recent call last):"
_LOGGED = re.compile(r"the function returned |.{0,80}\b(?:ERROR|CRITICAL|FATAL)\b")
_GROUP = re.compile(r" *+[|+](?: |$)")
"""What stands before each line of the traceback of an exception group."""
_MOST_OPEN = 64

KEPT_SECONDS = 7200
"""Seconds kept for the pictures: a function that serves for days must not grow this process."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second: the active backend, the p95 of its answers alone, and the p95 of the whole window."""

    t: float
    active: Backend
    p95_ms: dict[Backend, float | None]
    window_p95_ms: dict[Backend, float | None]

    @property
    def worst_p95_ms(self) -> float | None:
        """The slower backend's p95."""
        return max((value for value in self.p95_ms.values() if value is not None), default=None)


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth showing a person; `kind` is the event's name, or of a switch what became of it."""

    t: float
    kind: str
    text: str


class LastError:
    """The last error that a function has written, the line that a person looks for first; `text` is empty without one.

    Standard error holds all kinds of lines, for loggers write there too. An error is what ends a traceback, those of
    requests at once each apart, and what a logger calls one.
    """

    def __init__(self) -> None:
        self.text = ""
        self._open: dict[tuple[int, int | None], None] = {}

    def take(self, line: LogLine) -> None:
        """Take one line of the log."""
        source = line.pid, line.request
        lead = _GROUP.match(line.line)
        bare = line.line[lead.end() :] if lead else line.line
        if bare.endswith(_BEGINS):
            self._open[source] = None
            if len(self._open) > _MOST_OPEN:
                del self._open[next(iter(self._open))]
        elif source in self._open:
            if bare.strip() and not bare.startswith(" "):
                self.text = bare
                del self._open[source]
        elif line.stream == "stderr" and _LOGGED.match(bare):
            self.text = bare


@dataclass(slots=True)
class RunHistory:
    """A run as far as its events have reported it; `apply` is the only way to change it."""

    function: str = ""
    mode: ExecutionMode = ExecutionMode.CPU
    accelerator: Accelerator = Accelerator.NONE
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    active: Backend = Backend.CPU
    switching_to: Backend | None = None
    started: float | None = None
    ready: float | None = None
    now: float = 0.0
    url: str = ""
    entry: str = ""
    start_s: float = 0.0
    slo_state: SloState = SloState.UNKNOWN
    slo_reason: str = ""
    queue: int = 0
    reason: str = ""
    lanes: dict[Backend, BackendStatus] = field(default_factory=lambda: dict.fromkeys(Backend, BackendStatus()))
    gpu: GpuUse | None = None
    totals: Totals = field(default_factory=Totals)
    seconds: deque[Second] = field(default_factory=lambda: deque(maxlen=KEPT_SECONDS))
    slo_seconds: dict[SloState, int] = field(default_factory=lambda: dict.fromkeys(SloState, 0))
    switches: list[SwitchStep] = field(default_factory=list)
    notes: deque[Note] = field(default_factory=lambda: deque(maxlen=50))
    log: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    errors: LastError = field(default_factory=LastError)
    setup_failure: SetupFailed | None = None
    stopped: Stopped | None = None

    def apply(self, event: Event) -> None:
        """Take one event of the stream into account."""
        self.now = max(self.now, event.t)
        match event:
            case Started():
                self.started, self.function, self.accelerator = event.t, printable(event.function), event.accelerator
                self.mode, self.active, self.slo = event.mode, event.backend, event.slo
                self.prices = replace(event.prices, currency=printable(event.prices.currency))
            case Ready():
                self.ready, self.url, self.entry = event.t, printable(event.url), printable(event.entry)
                self.mode, self.active, self.start_s = event.mode, event.backend, event.start_s
            case WorkerChanged():
                state = LaneState.OFF if event.state is WorkerState.EXITED else LaneState(event.state)
                self.lanes[event.backend] = replace(self.lanes[event.backend], state=state)
            case Window():
                self._take_window(event)
            case SwitchStep():
                shown = replace(event, reason=printable(event.reason))
                self.switches = [known for known in self.switches if known.id != event.id] + [shown]
                if event.phase is SwitchPhase.MOVED:
                    self.active, self.mode = event.to, event.mode
            case DecisionMade():
                self.reason = printable(event.reason)
            case SetupFailed():
                if self.setup_failure is None or self.ready is not None:  # that of a later try may be the end's own
                    self.setup_failure = event
            case LogLine():
                self.log.append(printable(event.line.expandtabs()))
                self.errors.take(event)
            case Stopped():
                self._take_stopped(event)
        if text := in_words(event):
            self.notes.append(Note(event.t, _kind(event), printable(text)))

    @property
    def uptime_s(self) -> float:
        """Seconds from the runtime's start to the last event."""
        return self.now - self.started if self.started is not None else 0.0

    @property
    def last_error(self) -> str:
        """The last error that the function has written, empty without one."""
        return printable(self.errors.text.expandtabs())

    def at(self, t: float) -> float:
        """Seconds from the runtime's start to `t`, for people."""
        return max(0.0, t - self.started) if self.started is not None else 0.0

    def _take_window(self, event: Window) -> None:
        self.mode, self.active, self.switching_to = event.mode, event.active, event.switching_to
        self.slo_state, self.queue, self.reason = event.slo_state, event.queue, printable(event.reason)
        self.gpu, self.totals, self.slo_reason = event.gpu, event.totals, printable(event.slo_reason)
        self.lanes = dict.fromkeys(Backend, BackendStatus()) | event.lanes
        last = dict.fromkeys(Backend, BackendStatus()) | event.last_second
        p95_ms, window_p95_ms = ({key: lane.p95_ms for key, lane in lanes.items()} for lanes in (last, self.lanes))
        self.seconds.append(Second(event.t, event.active, p95_ms, window_p95_ms))
        self.slo_seconds[event.slo_state] += 1

    def _take_stopped(self, event: Stopped) -> None:
        self.stopped = event
        self.totals = Totals(
            event.requests, event.failures, self.totals.retried, event.cpu_seconds, event.gpu_seconds, event.cost,
            event.currency,
        )  # fmt: skip
        self.lanes = {key: replace(lane, state=LaneState.OFF, in_flight=0) for key, lane in self.lanes.items()}


def _kind(event: Event) -> str:
    if isinstance(event, SwitchStep):
        return event.phase if event.phase in ENDED_BEFORE_IT_MOVED else event.kind
    return event.NAME


def in_words(event: Event) -> str:
    """Return what an event means for a person; empty where that is nothing."""
    match event:
        case SwitchStep(phase=SwitchPhase.MOVED):
            return f"{event.kind}d to {event.to.upper()} in {(event.moved or event.ordered) - event.ordered:.1f} s"
        case SwitchStep(phase=SwitchPhase.FAILED):
            return f"could not {event.kind} to {event.to.upper()}: {event.reason}"
        case SwitchStep(phase=SwitchPhase.GIVEN_UP):
            return f"gave up the switch to {event.to.upper()} after {event.t - event.ordered:.1f} s: {event.reason}"
        case CostSource():
            if not event.problem:
                return f"the cost source {event.source} is read"
            counts = f"the {event.rows} rows read before" if event.rows else "the prices of the settings"
            return f"the cost source {event.source} cannot be read ({event.problem}): {counts} count"
        case DecisionMade():
            stays = event.chosen is event.active
            return f"{'stay on' if stays else 'move to'} {event.chosen.upper()}: {event.reason}"
        case WorkerExit():
            cause = f"signal {event.signal}" if event.signal else f"exit code {event.exit_code}"
            pause_s = event.restart_in_s
            then = "not restarted" if pause_s is None else f"restarts in {pause_s:g} s"
            return f"the {event.backend.upper()} worker died ({cause}); {event.retried} retried, {then}"
        case CutOff():
            return f"the {event.backend.upper()} worker was cut off after {event.after_s:g} s: {event.what}"
        case SetupFailed():
            who = f"the {event.backend.upper()} worker" if event.backend else "the runtime"
            return f"{who} could not start: {event.message}"
        case GpuLost():
            return f"GPU lost: {event.reason}"
        case Fallback():
            return f"{event.got.upper()} instead of {event.wanted.upper()}: {event.reason}"
        case ZygoteChanged():
            unfit = event.state is ZygoteState.UNFIT
            return f"{'workers cannot be forked' if unfit else 'the zygote is gone'}: {event.reason}"
        case Dropped():
            return f"{event.lines} lines of log and measurements were left out: they came too fast to read"
    return ""
