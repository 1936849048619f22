"""What the admin address can ask and order of a running function."""

from collections.abc import Callable
from typing import Any

from runtime_images.dynamic_runtime.decision_loop import DecisionLoop
from runtime_images.dynamic_runtime.front.health import Health
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.telemetry.reporting import Reporter
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.policy.model import Backend


class RuntimeControls:
    """The controls of one runtime; `problem` says what keeps a backend's device from being used."""

    def __init__(
        self,
        settings: Settings,
        supervisor: Supervisor,
        decisions: DecisionLoop,
        recorder: Recorder,
        reporter: Reporter,
        health: Health,
        problem: Callable[[Backend], str],
        zygote_pid: Callable[[], int | None],
        stop: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._decisions = decisions
        self._recorder = recorder
        self._reporter = reporter
        self._health = health
        self._problem = problem
        self._zygote_pid = zygote_pid
        self._stop = stop

    def state(self) -> dict[str, Any]:
        """Return what `GET /state` answers."""
        supervisor, slo, decision = self._supervisor, self._settings.slo, self._decisions.decision
        return {
            "mode": self._settings.mode.on(supervisor.target),
            "backend": supervisor.target,
            "switching_to": supervisor.switching_to,
            "pinned": self._decisions.pinned,
            "accelerator": self._settings.accelerator,
            "workers": [{"backend": w.backend, "pid": w.pid, "state": w.state} for w in supervisor.workers],
            "zygote": self._zygote_pid(),
            "slo": {name: getattr(slo, name) for name in slo.__slots__},
            "last_decision": None if decision is None else {"chosen": decision.chosen, "reason": decision.reason},
            "totals": self._reporter.totals(),
            "unavailable": self._health.why_unavailable,
        }

    def metrics_text(self) -> bytes:
        """Return what Prometheus scrapes."""
        return self._recorder.metrics_text()

    async def switch(self, backend: Backend) -> bool:
        """Move the traffic; return whether it has moved.

        Raises:
            RuntimeError: there is no such switch now; the message says why.
        """
        if self._settings.mode.is_fixed:
            raise RuntimeError(f"the mode {self._settings.mode} never switches")
        if backend is Backend.GPU and (problem := self._problem(backend)):
            raise RuntimeError(f"there is no GPU to switch to: {problem}")
        return await self._supervisor.switch(backend, "asked for on the admin address")

    def pin(self, *, pinned: bool) -> None:
        """Keep the backend, or let the policy decide again."""
        self._decisions.pinned = pinned

    def drain(self) -> None:
        """Answer what is here, then end."""
        self._stop("asked for on the admin address")

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """Return status and content of the readiness probe, as the operator may see it."""
        return await self._health.report("ready", in_private=True)
