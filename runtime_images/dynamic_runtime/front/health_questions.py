"""What the user's `alive` and `ready` hooks say, in time or not: a probe gets what its hook has said last.

A hook may take its time, also longer than a probe waits: a later answer counts for the next probe. But what it has said
once does not hold for ever. Kubernetes takes a probe that is not answered for a failure, and the third in a row, ten
seconds apart, for the end; so here a hook that is silent for as long as that says no. Where no hook has said
anything yet, the function starts: it is not ready, and has longer until it counts as dead.
"""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind

HOOK_TIMEOUT_S = 0.25
SILENT_S = 30.0
"""How long what a hook has said counts while it does not answer. It is asked anew as often: each question costs its
worker a call, and probes are free."""

SLOW_START_S = 300.0
"""How long the `alive` hook may take for its very first answer."""


@dataclass(eq=False)
class _Question:
    """What has not been answered since `since_s`, asked under these numbers, and last at `asked_s`."""

    since_s: float
    asked_s: float
    numbers: set[int] = field(default_factory=set)
    answer: "asyncio.Future[dict[str, Any]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class HealthQuestions:
    """The questions that workers have been asked and have not answered yet; those who ask alike share one.

    `_said` is what each hook has said last, in whichever worker: a hook that takes long has said it of the one before.
    A worker with requests has `request_timeout_s` for its `alive` hook: one of them may keep its event loop so long.
    """

    def __init__(self, request_timeout_s: float) -> None:
        self._request_timeout_s = request_timeout_s
        self._numbers = itertools.count(1)
        self._open: dict[tuple[WorkerLink, str], _Question] = {}
        self._said: dict[str, dict[str, Any]] = {}

    async def ask(self, link: WorkerLink, hook: str) -> dict[str, Any]:
        """Return what a worker's `alive` or `ready` hook says, or has said last if it does not answer in time."""
        question = self._asked(link, hook)
        try:
            async with asyncio.timeout(HOOK_TIMEOUT_S):
                return await asyncio.shield(question.answer)
        except TimeoutError:
            return self._without_answer(link, hook, asyncio.get_running_loop().time() - question.since_s)

    def _asked(self, link: WorkerLink, hook: str) -> _Question:
        """Return the question that is open, asked now if it is time."""
        now_s, question = asyncio.get_running_loop().time(), self._open.get((link, hook))
        if question is None:
            question = _Question(now_s, now_s)
            self._open = {key: one for key, one in self._open.items() if key[0].open} | {(link, hook): question}
        if not question.numbers or now_s - question.asked_s >= SILENT_S:
            number, question.asked_s = next(self._numbers), now_s
            question.numbers.add(number)
            link.send(frames.encode(Kind.HEALTH, number, hook.encode()))
        return question

    def _without_answer(self, link: WorkerLink, hook: str, silent_s: float) -> dict[str, Any]:
        """Return what a hook counts as saying that has been silent for so long."""
        said = self._said.get(hook)
        patience_s = SILENT_S if said is not None else SLOW_START_S
        if hook == "alive" and link.jobs:
            patience_s = max(patience_s, self._request_timeout_s)
        if silent_s >= patience_s:
            return {"well": False, "text": f"the {hook} hook has not answered for {silent_s:.0f} s"}
        return said or {"well": hook != "ready", "text": f"the {hook} hook has not answered yet"}

    def answered(self, number: int, answer: dict[str, Any]) -> None:
        """Take a worker's answer to the question of this number."""
        for key, question in self._open.items():
            if number in question.numbers:
                del self._open[key]
                self._said[key[1]] = answer
                question.answer.set_result(answer)
                return
