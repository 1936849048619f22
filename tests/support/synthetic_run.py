"""Event streams as docs/events.md describes them, made from a few numbers a second: a run without a runtime.

`Stream` writes the events one by one; `matmul_run` is a whole one: a load that grows past what the CPU can
do, a promotion, a load that fades, a demotion, a drained end.
"""

from typing import Any

from runtime_images.events.codec import from_json
from runtime_images.events.model import Event

START = 1_800_000_000.0
PRICES = {"cpu_per_hour": 0.1368, "gpu_per_hour": 0.4788, "currency": "USD"}


class Stream:
    """Writes events at the time `t`, in seconds after the start, that the test sets."""

    def __init__(self, accelerator: str = "emulated", slo_p95_ms: float | None = 250.0) -> None:
        self.events: list[Event] = []
        self.t = 0.0
        self.active = "cpu"
        self.mode = "cpu_preferred"
        self.requests = {"cpu": 0, "gpu": 0}
        self.errors = {"cpu": 0, "gpu": 0}
        self.held = {"cpu": 0.0, "gpu": 0.0}
        self.accelerator = accelerator
        self.slo_p95_ms = slo_p95_ms

    def add(self, event: str, **fields: object) -> None:
        self.events.append(from_json({"schema_version": 1, "t": START + self.t, "event": event} | fields))

    def started(self, mode: str = "cpu_preferred") -> None:
        self.mode, self.active = mode, "gpu" if mode.startswith("gpu") else "cpu"
        self.add(
            "started", pid=4711, function="matmul", mode=mode, pinned=False, accelerator=self.accelerator,
            backend=self.active, prices=PRICES,
            slo={"latency_p95_ms": self.slo_p95_ms, "throughput_rps": None, "error_rate": None, "window_s": 10.0},
        )  # fmt: skip

    def ready(self) -> None:
        self.add(
            "ready", url="http://127.0.0.1:8080", admin="unix:///tmp/gaia/admin.sock", backend=self.active,
            mode=self.mode, entry="func.py:handler", form="handler", start_s=round(self.t, 2),
        )  # fmt: skip

    def window(self, p95: dict[str, float | None], rate: float = 8.0, **fields: object) -> None:
        """One second with `p95` a lane that answered; the window's percentiles are made from it."""
        lanes, last = {}, {}
        for backend in ("cpu", "gpu"):
            value = p95.get(backend)
            answered = round(rate) if value is not None else 0
            self.requests[backend] += answered
            self.held[backend] += 1.0 if backend == self.active or value is not None else 0.0
            lanes[backend] = {
                "state": "ready" if backend == self.active else "draining" if value is not None else "off",
                "rate": float(answered), "p50_ms": value and value * 0.6, "p95_ms": value,
                "p99_ms": value and value * 1.2, "in_flight": 1 if answered else 0,
                "cpu_share": 0.97 if backend == "cpu" and answered else None,
                "requests": self.requests[backend], "errors": self.errors[backend], "pid": 4712,
            }  # fmt: skip
            last[backend] = {"p50_ms": value and value * 0.6, "p95_ms": value}
        worst = max((value for value in p95.values() if value is not None), default=None)
        state = "unknown" if worst is None or self.slo_p95_ms is None else "met"
        if worst is not None and self.slo_p95_ms is not None and worst > self.slo_p95_ms:
            state = "missed"
        self.add(
            "window",
            **{
                "mode": self.mode, "active": self.active, "switching_to": None, "slo_state": state, "queue": 0,
                "reason": "", "lanes": lanes, "last_second": last, "gpu": None, "totals": self.totals(),
            } | fields,
        )  # fmt: skip

    def totals(self) -> dict[str, Any]:
        cost = self.held["cpu"] * PRICES["cpu_per_hour"] / 3600 + self.held["gpu"] * PRICES["gpu_per_hour"] / 3600  # type: ignore[operator]
        return {
            "requests": sum(self.requests.values()), "failures": sum(self.errors.values()), "retried": 0,
            "cpu_seconds": self.held["cpu"], "gpu_seconds": self.held["gpu"], "cost": cost, "currency": "USD",
        }  # fmt: skip

    def decision(self, chosen: str, reason: str) -> None:
        rejected = "gpu" if chosen == "cpu" else "cpu"
        self.add(
            "decision", active=self.active, chosen=chosen, rejected=rejected, rule="some", reason=reason, inputs={}
        )

    def switch(self, id_: int, target: str, phase: str, phases: dict[str, float], reason: str) -> None:
        source = "cpu" if target == "gpu" else "gpu"
        if phase == "moved":
            self.active, self.mode = target, f"{target}_preferred"
        self.add(
            "switch", id=id_, phase=phase, kind="promote" if target == "gpu" else "demote", reason=reason,
            mode=self.mode, phases={name: START + at for name, at in phases.items()},
            **{"from": source, "to": target},
        )  # fmt: skip

    def stopped(self, reason: str = "SIGTERM") -> None:
        totals = self.totals()
        del totals["retried"]
        self.add("stopped", reason=reason, switches=2, duration_s=self.t, **totals)


def matmul_run() -> list[Event]:
    """54 seconds: promoted at 18.4 s because p95 is above 250 ms, demoted at 40.6 s because the CPU would do."""
    stream = Stream()
    stream.started()
    stream.t = 0.8
    stream.ready()
    up = "p95 612 ms is above the SLO of 250 ms and the queue grows; the GPU is predicted to take 38 ms"
    down = "0.9 requests a second would take 96 ms on the CPU, within the SLO with a margin of 30 %"
    stream.decision("cpu", "p95 is within the SLO and the CPU is the cheaper backend")
    for second in range(1, 17):
        stream.t = second + 0.8
        p95 = 34.0 * 1.22**second if second > 5 else 40.0 + 3 * second
        stream.window({"cpu": p95}, rate=2 + second, queue=max(0, second - 12) * 3)
    stream.decision("gpu", up)
    stream.switch(1, "gpu", "ordered", {"ordered": 16.9}, up)
    stream.t = 17.8
    stream.window({"cpu": 1180.0}, rate=14, queue=21, switching_to="gpu")
    stream.t = 18.4
    stream.switch(1, "gpu", "moved", {"ordered": 16.9, "ready": 18.3, "moved": 18.4}, up)
    stream.t = 18.8
    stream.window({"cpu": 1290.0, "gpu": 840.0}, rate=22)
    stream.switch(1, "gpu", "drained", {"ordered": 16.9, "ready": 18.3, "moved": 18.4, "drained": 19.2}, up)
    for second in range(19, 40):
        stream.t = second + 0.8
        stream.window({"gpu": 36.0 + second % 5}, rate=max(1, 22 - abs(second - 26)))
    stream.decision("cpu", down)
    stream.switch(2, "cpu", "ordered", {"ordered": 39.9}, down)
    stream.t = 40.6
    stream.switch(2, "cpu", "moved", {"ordered": 39.9, "ready": 40.5, "moved": 40.6}, down)
    stream.switch(2, "cpu", "drained", {"ordered": 39.9, "ready": 40.5, "moved": 40.6, "drained": 40.7}, down)
    for second in range(40, 54):
        stream.t = second + 0.8
        stream.window({"cpu": 82.0 + second % 7 * 4}, rate=2)
    stream.t = 54.0
    stream.stopped()
    return stream.events
