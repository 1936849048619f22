"""Health as probes see it: liveness is the front's own, readiness needs a worker, and the user's hooks may say no.

A worker that computes cannot answer at once, and must not look dead for it: a hook that says nothing in time is
taken for well. Knative's paths and meaning.

What a broken function has printed and raised may hold secrets. So it is told on the admin address, and on the public
one only where that is open to this machine alone; all others learn the status and a sentence of ours.
"""

import asyncio
import ipaddress
import itertools
from typing import TYPE_CHECKING, Any

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.events.lifecycle import WorkerState

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.front.router import Front
    from runtime_images.dynamic_runtime.workers.supervisor import Supervisor

_PROBE_STARTS = (b"GET /health/", b"HEAD /health/")
PROBES = frozenset((b"/health/liveness", b"/health/readiness"))
HOOK_TIMEOUT_S = 0.25
_TOLD_LINES = 10


class HealthQuestions:
    """The questions that workers have been asked and have not answered yet."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, worker: WorkerProcess, name: str) -> dict[str, Any] | None:
        """The answer of a worker's `alive` or `ready` hook; None if it has none or does not answer in time."""
        if worker.state is not WorkerState.READY or name not in worker.facts.get("hooks", ()):
            return None
        number = next(self._numbers)
        self._open[number] = asyncio.get_running_loop().create_future()
        worker.link.send(frames.encode(Kind.HEALTH, number, name.encode()))
        try:
            async with asyncio.timeout(HOOK_TIMEOUT_S):
                return await self._open[number]
        except TimeoutError:
            return None
        finally:
            del self._open[number]

    def answered(self, number: int, answer: dict[str, Any]) -> None:
        """A worker has answered."""
        question = self._open.get(number)
        if question is not None and not question.done():
            question.set_result(answer)


class Health:
    """Answers probes, at once and whatever the queue; every other request goes on to the front."""

    def __init__(self, front: "Front", supervisor: "Supervisor", listen_address: str) -> None:
        self._front = front
        self._supervisor = supervisor
        self._in_private = _is_loopback(listen_address)
        self._answering = Background()
        self.draining = False

    def handle(self, exchange: Exchange) -> None:
        """Answer a probe, now or within a moment; pass on what is none."""
        if not exchange.payload.startswith(_PROBE_STARTS) or exchange.path not in PROBES:
            self._front.handle(exchange)
            return
        name = "ready" if exchange.path.endswith(b"readiness") else "alive"
        self._answering.spawn(self._answer(exchange, name))

    def client_gone(self, exchange: Exchange) -> None:
        """The front's business; a probe is not."""
        self._front.client_gone(exchange)

    def half_closed(self, exchange: Exchange) -> None:
        """The front's business; a probe is answered."""
        self._front.half_closed(exchange)

    def drained(self, exchange: Exchange) -> None:
        """The front's business."""
        self._front.drained(exchange)

    async def _answer(self, exchange: Exchange, name: str) -> None:
        exchange.respond_json(*await self.report(name, in_private=self._in_private))

    async def report(self, name: str, *, in_private: bool) -> tuple[int, dict[str, Any]]:
        """Status and content for the probe `alive` or `ready`; `in_private` only the operator reads it."""
        if name == "ready":
            if self.draining:
                return 503, {"status": "draining"}
            if self._front.unavailable:
                return 503, self._trouble(in_private=in_private)
            if self._front.active is None:
                return 503, {"status": "starting"}
        worker = self._supervisor.workers.on(self._supervisor.target)
        answer = await self._supervisor.workers.health.ask(worker, name) if worker is not None else None
        if answer is None:
            return 200, {"status": name}
        return (200 if answer.get("well") else 503), {"status": str(answer.get("text"))}

    def _trouble(self, *, in_private: bool) -> dict[str, Any]:
        failures = self._supervisor.failures[self._supervisor.target]
        if not in_private:
            return {"status": failures.status, "error": self._front.unavailable}
        return {"status": failures.status, "error": self.why_unavailable, "log": list(failures.log[-_TOLD_LINES:])}

    @property
    def why_unavailable(self) -> str:
        """Why nothing can serve, with what the function has raised, for the operator; empty while something can."""
        message = self._supervisor.failures[self._supervisor.target].message
        unavailable = self._front.unavailable
        return f"{unavailable}: {message}" if unavailable and message else unavailable


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
