"""What is called besides requests: the user's hooks, and the lifespan of a framework's application.

The hooks are those of Knative's Python functions. In ASGI's lifespan protocol (asgi.readthedocs.io) one call of the
application lasts as long as the worker, and each request finds a copy of the `state` in its scope.
"""

import asyncio
import contextlib
import inspect
import os
import sys
import traceback
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import (
    AsgiCallable,
    LoadedFunction,
    Message,
    SetupError,
    describe_error,
)

HEALTH_HOOKS = ("alive", "ready")


class Lifespan:
    """The call of an application that starts up and shuts down on request. Requests get a copy of its `state`."""

    def __init__(self, application: AsgiCallable) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start_up(self) -> None:
        """Let the application start up, or raise RuntimeError; one that refuses the protocol is served without it."""
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
        except asyncio.CancelledError:  # ours, once it has shut down
            raise
        except BaseException as error:  # noqa: BLE001 -- an application refuses in any way it likes
            sys.stderr.write(f"the application does not keep to ASGI's lifespan: {describe_error(error)}\n")
        finally:
            self._outbox.put_nowait(None)


async def start_function(function: LoadedFunction) -> Lifespan | None:
    """Run the start hook and a framework's start-up, or raise SetupError; return the framework's lifespan, if any."""
    try:
        if function.start is not None:
            await _awaited(function.start(dict(os.environ)))
        if function.lifespan and function.asgi is not None:
            lifespan = Lifespan(function.asgi)
            await lifespan.start_up()
            return lifespan
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        _log()
        entry = function.entry
        message = f"{entry.path}:{entry.line}: the start hook raised {describe_error(error)}"
        raise SetupError("start_hook", message, entry.path, entry.line) from None
    return None


async def stop_function(function: LoadedFunction, lifespan: Lifespan | None) -> None:
    """Shut the framework down and run the stop hook; the worker ends either way, the log says what went wrong."""
    try:
        if lifespan is not None:
            await lifespan.shut_down()
        if function.stop is not None:
            await _awaited(function.stop())
    except BaseException:  # noqa: BLE001 -- the user's code may raise anything
        _log()


async def ask_health(function: LoadedFunction, name: str) -> tuple[bool, str]:
    """Ask the `alive` or `ready` hook; return whether all is well, and its text. Without a hook all is well."""
    hook = getattr(function, name) if name in HEALTH_HOOKS else None
    if hook is None:
        return True, name
    try:
        answer = await _awaited(hook())
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        _log()
        return False, f"the {name} hook raised {type(error).__name__}"
    if isinstance(answer, tuple) and len(answer) == 2:
        return bool(answer[0]), str(answer[1])
    return (answer is None or bool(answer)), (answer if isinstance(answer, str) else name)


async def _awaited(value: Any) -> Any:  # noqa: ANN401 -- a user's hook may be sync or async
    return await value if inspect.isawaitable(value) else value


def _log() -> None:
    """Print the traceback on the function's own standard error, which it may have closed."""
    with contextlib.suppress(Exception):
        traceback.print_exc()
