"""Health as probes see it: liveness is the front's own, readiness needs a worker, and the user's hooks may say no.

Knative's paths and meaning; `health_questions.py` says what a hook counts as saying that takes long.
What a broken function has printed and raised may hold secrets: only the admin address shows it, and the public one
where that is open to this machine alone.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.edge.exchange import Refusal
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.router import Front

_PROBE_STARTS = (b"GET /health/", b"HEAD /health/")
PROBES = frozenset((b"/health/liveness", b"/health/readiness"))
_SHOWN_LOG_LINES = 10
_FAILED = "SETUP_FAILED"
"""The status while nothing can be started; it is tried again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a backend does not serve: what the function has raised, or is wrong with the device, and was printed last."""

    message: str
    log: Sequence[str]


class Workers(Protocol):
    """What health needs of the workers: the last failure, what is wrong with the device, what the hook says."""

    @property
    def failure(self) -> Failure: ...
    @property
    def device_problem(self) -> str: ...
    async def ask_health(self, hook: str) -> dict[str, Any] | None: ...


class Health:
    """Answers probes, at once and whatever the queue; every other request goes on to the front."""

    def __init__(self, front: Front, workers: Workers, listen_address: str) -> None:
        self._front = front
        self._workers = workers
        self._in_private = _is_loopback(listen_address)
        self._answering = Background()
        self._draining = False
        self.client_gone = front.client_gone
        self.half_closed = front.half_closed
        self.drained = front.drained

    def begin_draining(self) -> None:
        """Say from here on that no further traffic is wanted."""
        self._draining = True

    def handle(self, job: Job) -> None:
        """Answer a probe, now or within a moment; pass on what is none."""
        if not job.payload.startswith(_PROBE_STARTS) or job.path not in PROBES:
            self._front.handle(job)
            return
        name = "ready" if job.path.endswith(b"readiness") else "alive"
        self._answering.spawn(self._answer(job, name))

    def refusal(self, job: Job) -> Refusal | None:
        """Return how a request is refused whose body is still to come, if it is."""
        return None if job.payload.startswith(_PROBE_STARTS) else self._front.refusal()

    async def _answer(self, job: Job, name: str) -> None:
        in_private = self._in_private and _names_loopback(job.header(b"host") or b"")
        job.respond_json(*await self.report(name, in_private=in_private))

    async def report(self, name: str, *, in_private: bool) -> tuple[int, dict[str, Any]]:
        """Return status and content for the probe `alive` or `ready`; `in_private` only the operator reads it."""
        if name == "ready":
            if self._draining:
                return 503, {"status": "draining"}
            if self._front.unavailable:
                return 503, self._failure(in_private=in_private)
            if self._front.active is None:
                return 503, {"status": "starting"} | self._device()
        answer = await self._workers.ask_health(name)
        if answer is None:
            return 200, {"status": name}
        return (200 if answer.get("well") else 503), {"status": str(answer.get("text"))}

    def _device(self) -> dict[str, Any]:
        """Return why the start may take long, where that is the device: no secret of the function's."""
        problem = self._workers.device_problem
        return {"error": f"the device cannot be used: {problem}"} if problem else {}

    def _failure(self, *, in_private: bool) -> dict[str, Any]:
        if not in_private:
            return {"status": _FAILED, "error": self._front.unavailable}
        log = self._workers.failure.log[-_SHOWN_LOG_LINES:]
        return {"status": _FAILED, "error": self.why_unavailable, "log": list(log)}

    @property
    def why_unavailable(self) -> str:
        """Why nothing can serve, with what the function has raised, for the operator; empty while something can."""
        message = self._workers.failure.message
        unavailable = self._front.unavailable
        return f"{unavailable}: {message}" if unavailable and message else unavailable


def _names_loopback(host: bytes) -> bool:
    """Return whether a `Host` names this machine's loopback address, with any port.

    A page on the web may have its own name point here (DNS rebinding) and read the answer; its requests bear that name.
    """
    name = host.partition(b":")[0] if not host.startswith(b"[") else host.partition(b"]")[0][1:]
    return _is_loopback(name.decode("latin-1").lower())


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
