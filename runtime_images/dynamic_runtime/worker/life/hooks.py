"""What is called besides requests: the user's hooks, those of Knative's Python functions, and ASGI's lifespan."""

import contextlib
import inspect
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import LONGEST_TEXT
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, SetupError, describe_error
from runtime_images.dynamic_runtime.worker.life.lifespan import Lifespan, started_lifespans

HEALTH_HOOKS = ("alive", "ready")


async def start_function(function: LoadedFunction) -> Sequence[Lifespan]:
    """Run the start hook and a framework's start-up, or raise SetupError; return what is to be shut down."""
    try:
        if function.start is not None:
            await _awaited(function.start(dict(os.environ)))
        if function.lifespan and function.asgi is not None:
            return await started_lifespans(function.asgi)
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        _log()
        entry = function.entry
        message = f"{entry.path}:{entry.line}: the start hook raised {describe_error(error)}"
        raise SetupError("start_hook", message, entry.path, entry.line) from None
    return ()


async def stop_function(function: LoadedFunction, lifespans: Sequence[Lifespan], note: Callable[[str], object]) -> None:
    """Shut the framework down and run the stop hook; the worker ends either way, the log says what went wrong.

    `note` is told what is under way.
    """
    for lifespan in lifespans:
        note("the application's shutdown")
        await _ended(lifespan.shut_down)
    if function.stop is not None:
        note("the stop hook")
        await _ended(function.stop)


async def _ended(call: Callable[[], Any]) -> None:
    try:
        await _awaited(call())
    except BaseException:  # noqa: BLE001 -- the user's code may raise anything
        _log()


async def ask_health(function: LoadedFunction, name: str) -> tuple[bool, str]:
    """Ask the `alive` or `ready` hook; return whether all is well, and its text. Without a hook all is well."""
    hook = getattr(function, name) if name in HEALTH_HOOKS else None
    if hook is None:
        return True, name
    try:
        answer = await _awaited(hook())
        if isinstance(answer, tuple) and len(answer) == 2:
            return bool(answer[0]), str(answer[1])[:LONGEST_TEXT]
        return (answer is None or bool(answer)), (answer[:LONGEST_TEXT] if isinstance(answer, str) else name)
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        _log()
        return False, f"the {name} hook raised {type(error).__name__}"


async def _awaited(value: Any) -> Any:  # noqa: ANN401 -- a user's hook may be sync or async
    return await value if inspect.isawaitable(value) else value


def _log() -> None:
    """Print the traceback on the function's own standard error, which it may have closed."""
    with contextlib.suppress(BaseException):  # an exception of the function's may raise anything as it is printed
        traceback.print_exc()
