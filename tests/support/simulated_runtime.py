"""The very parts of the runtime in one process and in virtual time, with simulated workers, without sockets."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.edge.memory import ASSUMED_BYTES, Shares, share_out
from runtime_images.dynamic_runtime.parts import Parts
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.wire.arenas import Requests
from runtime_images.dynamic_runtime.workers.launching import Starter
from runtime_images.policy.model import Backend
from tests.support.virtual_time import VirtualTimeLoop


class SimulatedRuntime:
    """One function being served. `problem` says what is wrong with a backend's device, `told` are the events."""

    def __init__(
        self,
        starter: Starter,
        requests: Requests | None = None,
        shares: Shares | None = None,
        loop: VirtualTimeLoop | None = None,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        self.loop = loop or VirtualTimeLoop()
        self.settings = Settings(Path(), **settings)
        self.events = EventLog(self.loop, None)
        self.told: list[dict[str, Any]] = []
        self.events.subscribe(lambda line: self.told.append(json.loads(line)), replay=False)
        self.problem = dict.fromkeys(Backend, "")
        self.tasks: list[asyncio.Task[Any]] = []
        self.parts = self.loop.run_until_complete(
            self._assemble(starter, requests, shares or share_out(ASSUMED_BYTES))
        )  # fmt: skip
        self.front, self.supervisor = self.parts.front, self.parts.supervisor

    async def _assemble(self, starter: Starter, requests: Requests | None, shares: Shares) -> Parts:
        """Make the parts where an event loop runs, as some of them ask for it."""
        return Parts(self.settings, self.loop, self.events, starter, self.problem.__getitem__, requests, shares)

    def do(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin something that goes on in the background."""
        task = self.loop.create_task(work)
        self.tasks.append(task)
        return task

    def named(self, name: str) -> list[dict[str, Any]]:
        """The events of this name so far."""
        return [event for event in self.told if event["event"] == name]

    def end(self) -> None:
        """End all that is under way."""
        try:
            for task in self.tasks:
                task.cancel()
            self.loop.run_until_complete(self.supervisor.stop(1.0))
        finally:
            self.close()

    def close(self) -> None:
        """Cancel what is left, and close the loop."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.settle()
        self.loop.close()
