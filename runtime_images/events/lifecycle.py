"""The life of the runtime and of its workers: started, ready, a worker's states, failures to start, stopped."""

from enum import StrEnum
from typing import Annotated

from runtime_images.events.model import Event, Known, LeftOutIfNone, Money, Seconds, event
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode, Prices, Slo

FORMS = ("handler", "handle", "new", "cloudevents", "functions-framework", "wsgi", "cog", "runpod", "lambda")


class WorkerState(StrEnum):
    """The life of a worker."""

    STARTING = "starting"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    EXITED = "exited"


class ZygoteState(StrEnum):
    """Why the process that forks workers is no longer used."""

    UNFIT = "unfit"
    EXITED = "exited"


@event("started")
class Started(Event):
    """The runtime process is up."""

    pid: Annotated[int, "the runtime's process"]
    function: Annotated[str, "the function's name"]
    mode: Annotated[ExecutionMode, "the mode that the function starts in"]
    pinned: Annotated[bool, "whether the policy may not switch"]
    accelerator: Annotated[Accelerator, "what the GPU backend uses"]
    backend: Annotated[Backend, "the backend that is started first"]
    slo: Annotated[
        Slo, "`latency_p95_ms`, `throughput_rps`, `error_rate`: the targets, null where none is set; `window_s`"
    ]
    prices: Annotated[Prices, "what an hour of each backend costs: `cpu_per_hour`, `gpu_per_hour`, `currency`"]


@event("ready")
class Ready(Event):
    """The first worker serves and the port is open."""

    url: Annotated[str, "where the function is served"]
    admin: Annotated[str, "the admin address, empty without one"]
    backend: Annotated[Backend, "the backend that serves"]
    mode: Annotated[ExecutionMode, "the mode now"]
    entry: Annotated[str, "file and name of the entry point, such as `func.py:handler`"]
    form: Annotated[str, "the entry point's form", Known(FORMS)]
    start_s: Annotated[Seconds, "from the start of the worker until it was ready"]


@event("worker")
class WorkerChanged(Event):
    """A worker changed its state."""

    backend: Annotated[Backend, "the worker's backend"]
    pid: Annotated[int, "the worker's process"]
    state: Annotated[WorkerState, "the new state; while `warming` the warm-up request runs"]
    exit_code: Annotated[int | None, "only with `exited`: the exit code, negative for a signal", LeftOutIfNone()] = None
    reason: Annotated[str | None, "only with `exited`: why it ended", LeftOutIfNone()] = None


@event("worker_exit")
class WorkerExit(Event):
    """A serving worker died."""

    backend: Annotated[Backend, "the worker's backend"]
    pid: Annotated[int, "the worker's process"]
    exit_code: Annotated[int | None, "null if a signal ended it"]
    signal: Annotated[int | None, "the signal that ended it, else null"]
    retried: Annotated[int, "its requests that another worker gets"]
    failed: Annotated[int, "its requests that failed"]
    restart_in_s: Annotated[Seconds | None, "the pause before it is replaced; null: it is not replaced"]


@event("cut_off")
class CutOff(Event):
    """A released worker, or its open WebSockets, were ended in the middle of it: the drain time was over."""

    backend: Annotated[Backend, "the worker's backend"]
    pid: Annotated[int, "the worker's process"]
    what: Annotated[
        str, "what it was doing: open WebSockets, work after an answer, a shutdown, a stop hook, exit hooks, threads"
    ]
    after_s: Annotated[Seconds, "how long it had been given"]


@event("setup_failed")
class SetupFailed(Event):
    """The function could not be loaded, or the runtime could not be set up."""

    backend: Annotated[Backend | None, "the worker's backend; null where no worker was to blame"]
    kind: Annotated[
        str,
        "what failed",
        Known(
            (
                "no_entry", "two_entries", "import", "signature", "wsgi", "start_hook", "warmup", "exit", "timeout",
                "no_gpu", "port",
            )
        ),
    ]  # fmt: skip
    message: Annotated[str, "what is wrong and where, for a person"]
    path: Annotated[str, "the file at fault, empty where that is not known"] = ""
    line: Annotated[int, "the line at fault, 0 where that is not known"] = 0
    log: Annotated[tuple[str, ...], "the last lines that the function wrote"] = ()


@event("zygote")
class ZygoteChanged(Event):
    """The process that forks workers is no longer used."""

    pid: Annotated[int, "its process"]
    state: Annotated[
        ZygoteState,
        "`unfit`: it must not fork, workers are spawned from now on; `exited`: it died and is replaced, after a pause "
        "where that happens often or during its imports",
    ]
    reason: Annotated[str, "why"]


@event("stopped")
class Stopped(Event):
    """The runtime has drained; the last event."""

    reason: Annotated[str, "why it stopped"]
    requests: Annotated[int, "requests since the start"]
    failures: Annotated[int, "failed ones among them"]
    cpu_seconds: Annotated[Seconds, "how long the CPU backend was held"]
    gpu_seconds: Annotated[Seconds, "how long the GPU backend was held"]
    cost: Annotated[Money, "what that cost"]
    currency: Annotated[str, "the currency of `cost`"]
    switches: Annotated[int, "switches that moved traffic"]
    duration_s: Annotated[Seconds, "from the start to the end"]
