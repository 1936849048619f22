"""Health as probes see it: liveness is the front's own, readiness needs a worker, and the user's hooks may say no.

Knative's paths and meaning. A probe does not wait long for a hook: it gets what the hook has said last, and a later
answer counts for the next probe. Without any answer yet the function is alive, but not ready.
What a broken function has printed and raised may hold secrets: only the admin address shows it, and the public one
where that is open to this machine alone.
"""

import asyncio
import ipaddress
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.edge.exchange import Refusal
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind

_PROBE_STARTS = (b"GET /health/", b"HEAD /health/")
PROBES = frozenset((b"/health/liveness", b"/health/readiness"))
HOOK_TIMEOUT_S = 0.25
ASK_AGAIN_S = 30.0
"""How long a hook that does not answer is left alone: each question costs its worker a call, and probes are free."""

_SHOWN_LOG_LINES = 10
_FAILED = "SETUP_FAILED"
"""The status while nothing can be started; it is tried again."""


class _Question(NamedTuple):
    number: int
    asked_s: float
    answer: asyncio.Future[dict[str, Any]]


class HealthQuestions:
    """The questions that workers have been asked and have not answered yet; those who ask alike share one.

    `_said` is what each hook has said last, in whichever worker: a hook that takes long has said it of the one before.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[tuple[WorkerLink, str], _Question] = {}
        self._said: dict[str, dict[str, Any]] = {}

    async def ask(self, link: WorkerLink, hook: str) -> dict[str, Any]:
        """Return what a worker's `alive` or `ready` hook says, or has said last if it does not answer in time."""
        now_s, question = asyncio.get_running_loop().time(), self._open.get((link, hook))
        if question is None or now_s - question.asked_s >= ASK_AGAIN_S:
            question = _Question(next(self._numbers), now_s, asyncio.get_running_loop().create_future())
            self._open = {key: one for key, one in self._open.items() if key[0].open} | {(link, hook): question}
            link.send(frames.encode(Kind.HEALTH, question.number, hook.encode()))
        try:
            async with asyncio.timeout(HOOK_TIMEOUT_S):
                return await asyncio.shield(question.answer)
        except TimeoutError:
            return self._said.get(hook) or {"well": hook != "ready", "text": f"the {hook} hook has not answered yet"}

    def answered(self, number: int, answer: dict[str, Any]) -> None:
        for key, question in self._open.items():
            if question.number == number:
                del self._open[key]
                self._said[key[1]] = answer
                question.answer.set_result(answer)
                return


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
