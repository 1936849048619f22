"""ASGI's lifespan protocol (asgi.readthedocs.io): an application starts up and shuts down when it is asked to.

One call of the application lasts as long as the worker, and each request finds a copy of the `state` in its scope.
A function is spoken with as objects are if it knows of the protocol or stands around an application. Whoever raises,
returns, answers as for a request or goes on asking has refused, and is served without. If one refuses that stands
around applications, these are started up in its place (`inner_applications.py`): requests would find them unready.
"""

import asyncio
import inspect
import sys
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import AsgiCallable, Message, describe_error
from runtime_images.dynamic_runtime.worker.life.inner_applications import DEEPEST, expects_lifespan, held

_STARTED = ("lifespan.startup.complete", "lifespan.startup.failed")
_STOPPED = ("lifespan.shutdown.complete", "lifespan.shutdown.failed")


class RefusedError(Exception):
    """What an application gets that takes the call of its lifespan for a request."""


class Lifespan:
    """The call of an application that starts up and shuts down on request. Requests get a copy of its `state`."""

    def __init__(self, application: AsgiCallable) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._asked = self._started = False

    async def start_up(self) -> bool:
        """Let the application start up, or raise RuntimeError; return False if it refuses the protocol."""
        self._task = asyncio.create_task(self._live())
        self._inbox.put_nowait({"type": "lifespan.startup"})
        answer = await self._outbox.get()
        if answer is None:
            self._task = None
            return False
        if answer["type"] == "lifespan.startup.failed":
            raise RuntimeError(answer.get("message") or "the application's start-up failed")
        return True

    async def shut_down(self) -> None:
        """Let the application shut down, if it is still there."""
        if self._task is not None:
            self._inbox.put_nowait({"type": "lifespan.shutdown"})
            answer = await self._outbox.get()
            self._task.cancel()
            if answer is not None and answer["type"] == "lifespan.shutdown.failed":
                sys.stderr.write(f"the application's shutdown failed: {answer.get('message', '')}\n")

    async def _receive(self) -> Message:
        if self._asked and not self._started:
            raise RefusedError("this is the call of the lifespan, and there is no request to read")
        self._asked = True
        return await self._inbox.get()

    async def _send(self, message: Message) -> None:
        if message["type"] not in (_STOPPED if self._started else _STARTED):
            raise RefusedError(f"this is the call of the lifespan, and {message['type']!r} does not fit here")
        self._started = True
        self._outbox.put_nowait(message)

    async def _live(self) -> None:
        scope: dict[str, Any] = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._receive, self._send)
        except asyncio.CancelledError:  # ours, once it has shut down
            raise
        except BaseException as error:  # noqa: BLE001 -- an application refuses in any way it likes
            if self._started or not inspect.isroutine(self._application):
                text = describe_error(error)
                sys.stderr.write(f"the application does not keep to ASGI's lifespan: {text}\n")
        finally:
            self._outbox.put_nowait(None)


async def started_lifespans(application: AsgiCallable) -> list[Lifespan]:
    """Start the application up, or those that it stands around; raise RuntimeError if one fails to."""
    return await _started(application, 0, set())


async def _started(application: AsgiCallable, depth: int, met: set[int]) -> list[Lifespan]:
    if id(application) in met or not expects_lifespan(application, depth):
        return []
    met.add(id(application))
    lifespan = Lifespan(application)
    if await lifespan.start_up():
        return [lifespan]
    if depth == DEEPEST:
        return []
    return [one for inner in held(application) for one in await _started(inner, depth + 1, met)]
