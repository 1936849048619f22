"""The event stream folded into what is known about a run: one event in, the picture changed.

The runtime tells what happens (docs/events.md); nothing here reads a clock or asks anybody, so a recorded
stream gives the same picture every time. The live view, the lines, the summary and the exit code all read
this one object. Events and fields that are not known are passed over: a newer runtime may say more.
"""

from collections import deque
from dataclasses import dataclass, field, fields, replace
from typing import Any

from gaia_cli.engines.setup_failure import SetupFailure
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode, Prices, Slo

Event = dict[str, Any]

KEPT_SECONDS = 7200
"""Seconds kept for the pictures: a function that serves for days must not grow this process."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One backend as the last window told it; latencies in milliseconds over the SLO window."""

    state: str = "off"
    rate: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    in_flight: int = 0
    cpu_share: float | None = None
    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Second:
    """What one second looked like: who was active, and the p95 of the answers of that second alone."""

    t: float
    active: Backend
    slo_state: str
    p95_ms: dict[Backend, float | None]
    window_p95_ms: dict[Backend, float | None]

    @property
    def worst_p95_ms(self) -> float | None:
        """The slower lane's p95: what the unluckier clients saw while both lanes answered."""
        return max((value for value in self.p95_ms.values() if value is not None), default=None)


@dataclass(frozen=True, slots=True)
class Switch:
    """A move of the traffic, with the moments (seconds since the epoch) of the steps it has reached."""

    id: int
    kind: str
    source: Backend
    target: Backend
    reason: str
    phase: str
    ordered: float
    moved: float | None = None
    drained: float | None = None

    @property
    def has_moved(self) -> bool:
        """Whether traffic has changed its backend."""
        return self.moved is not None


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth telling a person; `kind` is the event's name, or of a switch what became of it."""

    t: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """What the GPU in use is doing, as its driver tells it."""

    name: str = "GPU"
    utilization: float | None = None
    memory_used_mb: float | None = None
    memory_total_mb: float | None = None
    power_w: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since the start; `cost` in the prices' currency, seconds are seconds that a backend was held."""

    requests: int = 0
    failures: int = 0
    retried: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    cost: float = 0.0


@dataclass(slots=True)
class RunHistory:
    """A run as far as its events have told it; `apply` is the only way to change it."""

    function: str = ""
    mode: ExecutionMode = ExecutionMode.CPU
    pinned: bool = False
    accelerator: Accelerator = Accelerator.NONE
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    active: Backend = Backend.CPU
    switching_to: Backend | None = None
    started: float | None = None
    ready: float | None = None
    now: float = 0.0
    url: str = ""
    admin: str = ""
    entry: str = ""
    start_s: float = 0.0
    slo_state: str = "unknown"
    queue: int = 0
    reason: str = ""
    lanes: dict[Backend, Lane] = field(default_factory=lambda: {backend: Lane() for backend in Backend})
    gpu: Gpu | None = None
    totals: Totals = field(default_factory=Totals)
    seconds: deque[Second] = field(default_factory=lambda: deque(maxlen=KEPT_SECONDS))
    slo_seconds: dict[str, int] = field(default_factory=lambda: {"met": 0, "missed": 0, "unknown": 0})
    switches: list[Switch] = field(default_factory=list)
    notes: deque[Note] = field(default_factory=lambda: deque(maxlen=50))
    log: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    setup_failure: SetupFailure | None = None
    stopped: Event | None = None

    def apply(self, event: Event) -> None:
        """Take one event of the stream into account."""
        self.now = max(self.now, float(event.get("t", self.now)))
        take = _TAKERS.get(event.get("event", ""))
        if take is not None:
            take(self, event)

    @property
    def uptime_s(self) -> float:
        """Seconds from the runtime's start to the last thing it told."""
        return self.now - self.started if self.started is not None else 0.0

    def at(self, t: float) -> float:
        """Seconds from the runtime's start to `t`, for people."""
        return max(0.0, t - self.started) if self.started is not None else 0.0

    def _note(self, event: Event, text: str, kind: str = "") -> None:
        self.notes.append(Note(float(event["t"]), kind or str(event["event"]), text))


def _take_started(history: RunHistory, event: Event) -> None:
    history.started = float(event["t"])
    history.function = str(event["function"])
    history.mode = ExecutionMode(event["mode"])
    history.pinned = bool(event.get("pinned"))
    history.accelerator = Accelerator(event["accelerator"])
    history.active = Backend(event["backend"])
    history.slo = Slo(**_known(event.get("slo"), Slo))
    history.prices = Prices(**_known(event.get("prices"), Prices))


def _take_ready(history: RunHistory, event: Event) -> None:
    history.ready = float(event["t"])
    history.url, history.admin = str(event["url"]), str(event.get("admin", ""))
    history.active, history.mode = Backend(event["backend"]), ExecutionMode(event["mode"])
    history.entry = str(event.get("entry") or "")
    history.start_s = float(event.get("start_s") or 0.0)


def _take_worker(history: RunHistory, event: Event) -> None:
    backend = Backend(event["backend"])
    state = "off" if event["state"] == "exited" else str(event["state"])
    history.lanes[backend] = replace(history.lanes[backend], state=state)


def _take_window(history: RunHistory, event: Event) -> None:
    history.mode, history.active = ExecutionMode(event["mode"]), Backend(event["active"])
    target = event.get("switching_to")
    history.switching_to = Backend(target) if target else None
    history.slo_state, history.queue = str(event["slo_state"]), int(event["queue"])
    history.reason = str(event.get("reason") or "")
    history.lanes = {backend: Lane(**_known(event["lanes"].get(backend), Lane)) for backend in Backend}
    history.gpu = Gpu(**_known(event["gpu"], Gpu)) if event.get("gpu") else None
    history.totals = Totals(**_known(event["totals"], Totals))
    last = event.get("last_second") or {}
    history.seconds.append(
        Second(
            t=float(event["t"]),
            active=history.active,
            slo_state=history.slo_state,
            p95_ms={backend: (last.get(backend) or {}).get("p95_ms") for backend in Backend},
            window_p95_ms={backend: lane.p95_ms for backend, lane in history.lanes.items()},
        )
    )
    history.slo_seconds[history.slo_state] = history.slo_seconds.get(history.slo_state, 0) + 1


def _take_decision(history: RunHistory, event: Event) -> None:
    history.reason = str(event["reason"])
    stays = event["chosen"] == event["active"]
    history._note(event, f"{'stay on' if stays else 'move to'} {str(event['chosen']).upper()}: {event['reason']}")


def _take_switch(history: RunHistory, event: Event) -> None:
    phases = event.get("phases") or {}
    switch = Switch(
        id=int(event["id"]),
        kind=str(event["kind"]),
        source=Backend(event["from"]),
        target=Backend(event["to"]),
        reason=str(event.get("reason") or ""),
        phase=str(event["phase"]),
        ordered=float(phases.get("ordered") or event["t"]),
        moved=phases.get("moved"),
        drained=phases.get("drained"),
    )
    history.switches = [known for known in history.switches if known.id != switch.id] + [switch]
    if switch.phase == "moved":
        history.active, history.mode = switch.target, ExecutionMode(event["mode"])
        took = (switch.moved or switch.ordered) - switch.ordered
        history._note(event, f"{switch.kind}d to {switch.target.upper()} in {took:.1f} s", switch.kind)
    elif switch.phase == "failed":
        history._note(event, f"could not {switch.kind} to {switch.target.upper()}: {switch.reason}", "failed")


def _take_worker_exit(history: RunHistory, event: Event) -> None:
    cause = f"signal {event['signal']}" if event.get("signal") else f"exit code {event.get('exit_code')}"
    again = event.get("restart_in_s")
    then = "not restarted" if again is None else f"restarts in {again:g} s"
    backend = str(event["backend"]).upper()
    history._note(event, f"the {backend} worker died ({cause}); {event.get('retried', 0)} retried, {then}")


def _take_setup_failed(history: RunHistory, event: Event) -> None:
    history.setup_failure = SetupFailure.from_event(event)
    who = f"the {str(event['backend']).upper()} worker" if event.get("backend") else "the runtime"
    history._note(event, f"{who} could not start: {event['message']}")


def _take_gpu_lost(history: RunHistory, event: Event) -> None:
    history._note(event, f"GPU lost: {event['reason']}")


def _take_fallback(history: RunHistory, event: Event) -> None:
    wanted, got = str(event["wanted"]).upper(), str(event["got"]).upper()
    history._note(event, f"{got} instead of {wanted}: {event['reason']}")


def _take_zygote(history: RunHistory, event: Event) -> None:
    unfit = event["state"] == "unfit"
    history._note(event, f"{'workers cannot be forked' if unfit else 'the zygote is gone'}: {event['reason']}")


def _take_dropped(history: RunHistory, event: Event) -> None:
    history._note(event, f"{event['lines']} lines of log and measurements were left out: they came too fast to be read")


def _take_log(history: RunHistory, event: Event) -> None:
    history.log.append(str(event["line"]))


def _take_stopped(history: RunHistory, event: Event) -> None:
    history.stopped = event
    history.totals = replace(history.totals, **_known(event, Totals))
    history.lanes = {backend: replace(lane, state="off", in_flight=0) for backend, lane in history.lanes.items()}


_TAKERS = {
    "started": _take_started,
    "ready": _take_ready,
    "worker": _take_worker,
    "window": _take_window,
    "decision": _take_decision,
    "switch": _take_switch,
    "worker_exit": _take_worker_exit,
    "setup_failed": _take_setup_failed,
    "gpu_lost": _take_gpu_lost,
    "fallback": _take_fallback,
    "zygote": _take_zygote,
    "dropped": _take_dropped,
    "log": _take_log,
    "stopped": _take_stopped,
}


def _known(told: Event | None, of: Any) -> dict[str, Any]:  # noqa: ANN401 -- a dataclass, which has no type
    """What was told about the fields of the dataclass `of`; missing or null keeps the default."""
    names = {field.name for field in fields(of)}
    return {name: value for name, value in (told or {}).items() if name in names and value is not None}
