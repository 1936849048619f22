"""The life of a framework's application: started up before the first request, shut down after the last.

As ASGI's lifespan protocol has it (asgi.readthedocs.io, "Lifespan Protocol"): one call of the application lasts as long
as the worker, and what that leaves in its scope's `state` is found by each request in its own.
"""

import asyncio
import sys
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import AsgiCallable, Message, describe_error


class Lifespan:
    """The call of an application that is told to start up and to shut down. Requests get a copy of its `state`."""

    def __init__(self, application: AsgiCallable) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start_up(self) -> None:
        """Let the application start up; one that refuses does not know the protocol, and is served without it.

        Raises:
            RuntimeError: the application says that its start-up failed.
        """
        self._task = asyncio.create_task(self._live())
        self._inbox.put_nowait({"type": "lifespan.startup"})
        answer = await self._outbox.get()
        if answer is None:
            self._task = None
        elif answer["type"] == "lifespan.startup.failed":
            raise RuntimeError(answer.get("message") or "the application's start-up failed")

    async def shut_down(self) -> None:
        """Let the application shut down, if it is still there."""
        if self._task is not None:
            self._inbox.put_nowait({"type": "lifespan.shutdown"})
            await self._outbox.get()
            self._task.cancel()

    async def _live(self) -> None:
        scope: dict[str, Any] = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._inbox.get, self._outbox.put)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- an application refuses in any way it likes
            sys.stderr.write(f"the application does not keep to ASGI's lifespan: {describe_error(error)}\n")
        finally:
            self._outbox.put_nowait(None)
