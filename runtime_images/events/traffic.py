"""The traffic: the measurements of each second, the served requests, the function's own lines."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple

from runtime_images.events.model import (
    Event,
    ExactMilliseconds,
    ExactSeconds,
    Known,
    Megabytes,
    Milliseconds,
    Money,
    PerSecond,
    Seconds,
    Share,
    Watts,
    event,
)
from runtime_images.policy.model import Backend, ExecutionMode


class SloState(StrEnum):
    """Whether the SLO is kept; unknown without requests or without an SLO."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


class LaneState(StrEnum):
    """The state of a backend: that of its worker, or off."""

    OFF = "off"
    STARTING = "starting"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """One backend in one second. Latencies are of the answers within the SLO's window, null without answers."""

    state: Annotated[LaneState, "the state of its worker"] = LaneState.OFF
    rate: Annotated[PerSecond, "answers a second"] = 0.0
    p50_ms: Annotated[Milliseconds | None, "the median latency"] = None
    p95_ms: Annotated[Milliseconds | None, "95 % of the answers took no longer"] = None
    p99_ms: Annotated[Milliseconds | None, "99 % of the answers took no longer"] = None
    in_flight: Annotated[int, "requests that its worker has"] = 0
    cpu_share: Annotated[Share | None, "processor time over busy time; null where unknown"] = None
    requests: Annotated[int, "answers since the start"] = 0
    errors: Annotated[int, "failures since the start"] = 0
    pid: Annotated[int | None, "its worker's process, null without one"] = None
    start_s: Annotated[Seconds | None, "how long its next start is expected to take, null where unknown"] = None


@dataclass(frozen=True, slots=True)
class LastSecond:
    """The answers since the window before, null without answers."""

    p50_ms: Annotated[Milliseconds | None, "the median latency"] = None
    p95_ms: Annotated[Milliseconds | None, "95 % of the answers took no longer"] = None


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What the GPU in use does, null where it does not report that."""

    name: Annotated[str, "its model"]
    utilization: Annotated[Share | None, "how busy it is, 0 to 1"] = None
    memory_used_mb: Annotated[Megabytes | None, "memory in use"] = None
    memory_total_mb: Annotated[Megabytes | None, "all of its memory"] = None
    power_w: Annotated[Watts | None, "its power draw"] = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since the start."""

    requests: Annotated[int, "requests that came in"] = 0
    failures: Annotated[int, "failed ones among them"] = 0
    retried: Annotated[int, "requests that a second worker got after the first one died"] = 0
    cpu_seconds: Annotated[Seconds, "how long the CPU backend was held"] = 0.0
    gpu_seconds: Annotated[Seconds, "how long the GPU backend was held"] = 0.0
    cost: Annotated[Money, "what that cost"] = 0.0
    currency: Annotated[str, "the currency of `cost`"] = ""


@event("window")
class Window(Event):
    """Every second: what each backend does."""

    mode: Annotated[ExecutionMode, "the mode now"]
    active: Annotated[Backend, "the backend that serves"]
    switching_to: Annotated[Backend | None, "the backend that a switch under way goes to"]
    slo_state: Annotated[SloState, "whether the active backend keeps the SLO"]
    queue: Annotated[int, "requests that wait for a worker"]
    reason: Annotated[str, "the reason of the last decision"]
    lanes: Annotated[dict[Backend, BackendStatus], "each backend"]
    last_second: Annotated[dict[Backend, LastSecond], "each backend's answers of this second only"]
    gpu: Annotated[GpuUse | None, "the GPU in use, null without one"]
    totals: Annotated[Totals, "counts since the start"]
    slo_reason: Annotated[str, "why the SLO is missed, in words; else empty"] = ""


class RequestRow(NamedTuple):
    """One finished request; a list in JSON."""

    arrival_s: Annotated[ExactSeconds, "when it arrived, counted from `started`"]
    backend: Annotated[Backend, "where it was served"]
    service_ms: Annotated[ExactMilliseconds, "how long the function took"]
    latency_ms: Annotated[ExactMilliseconds, "how long the client waited"]
    cpu_time_ms: Annotated[ExactMilliseconds, "processor time that it used"]
    status: Annotated[int, "the HTTP status"]
    client: Annotated[int, "the number of its client's connection, counted from 1; 0 where that is unknown"] = 0


@event("requests")
class Requests(Event):
    """Every second in which requests finished, if the runtime records them."""

    rows: Annotated[tuple[RequestRow, ...], "a list for each request, of these values in this order"]


@event("cost_source")
class CostSource(Event):
    """The file or address of `[cost] source` was read for the first time, or cannot be read any more, or can again."""

    source: Annotated[str, "where that is; of an address without user, password and query"]
    problem: Annotated[str, "why it cannot be used, so that the last good values count; empty if it can"]
    rows: Annotated[int, "how many rows are in force, 0 if it could never be read"]


@event("log")
class LogLine(Event):
    """The function wrote a line."""

    backend: Annotated[Backend, "the worker's backend"]
    pid: Annotated[int, "the worker's process"]
    stream: Annotated[str, "where it wrote the line", Known(("stdout", "stderr"))]
    line: Annotated[str, "the line"]
    request: Annotated[
        int | None, "lines of one `pid` with the same number come from the same request; null where that is unknown"
    ]


@event("bad_answer")
class BadAnswer(Event):
    """The function sent an answer that HTTP does not allow; the client got 502, or a connection that broke off."""

    backend: Annotated[Backend, "the worker's backend"]
    pid: Annotated[int | None, "the worker's process, null if it is gone"]
    request: Annotated[int, "as in `log`"]
    reason: Annotated[str, "which header, and what is wrong with it; never a value"]


@event("dropped")
class Dropped(Event):
    """The reader of standard output was too slow and missed events; `GET /events` has them all."""

    lines: Annotated[
        int,
        "how many of `log`, `window`, `requests`, `bad_answer`, `worker`, `worker_exit` and `setup_failed` were left "
        "out before this one",
    ]
