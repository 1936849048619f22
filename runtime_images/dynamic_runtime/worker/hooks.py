"""The user's own hooks inside a worker: start, stop, alive and ready, as Knative's Python functions have them."""

import contextlib
import inspect
import os
import traceback
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, SetupError, describe_error
from runtime_images.dynamic_runtime.worker.lifespan import Lifespan

HEALTH_HOOKS = ("alive", "ready")


async def start_function(function: LoadedFunction) -> Lifespan | None:
    """Run the start hook and a framework's start-up; the result is the framework's lifespan, if it is one.

    Raises:
        SetupError: one of them failed.
    """
    try:
        if function.start is not None:
            await _awaited(function.start(dict(os.environ)))
        if function.lifespan and function.asgi is not None:
            lifespan = Lifespan(function.asgi)
            await lifespan.start_up()
            return lifespan
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        _log()
        entry = function.entry
        message = f"{entry.path}:{entry.line}: the start hook raised {describe_error(error)}"
        raise SetupError("start_hook", message, entry.path, entry.line) from None
    return None


async def stop_function(function: LoadedFunction, lifespan: Lifespan | None) -> None:
    """Shut the framework down and run the stop hook; the worker ends either way, the log tells what went wrong."""
    try:
        if lifespan is not None:
            await lifespan.shut_down()
        if function.stop is not None:
            await _awaited(function.stop())
    except (Exception, SystemExit):  # noqa: BLE001 -- the user's code may raise anything
        _log()


async def ask_health(function: LoadedFunction, name: str) -> tuple[bool, str]:
    """Ask the `alive` or `ready` hook: whether all is well, and its text. Without a hook all is well."""
    hook = getattr(function, name) if name in HEALTH_HOOKS else None
    if hook is None:
        return True, name
    try:
        answer = await _awaited(hook())
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        _log()
        return False, f"the {name} hook raised {type(error).__name__}"
    if isinstance(answer, tuple) and len(answer) == 2:
        return bool(answer[0]), str(answer[1])
    return (answer is None or bool(answer)), (answer if isinstance(answer, str) else name)


async def _awaited(value: Any) -> Any:  # noqa: ANN401 -- a user's hook may be sync or async
    return await value if inspect.isawaitable(value) else value


def _log() -> None:
    """The traceback, on the function's own standard error, which it may have closed."""
    with contextlib.suppress(Exception):
        traceback.print_exc()
