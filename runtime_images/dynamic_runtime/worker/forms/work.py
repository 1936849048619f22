"""A request that is one piece of work for the user's code: it is read, done, and has succeeded or failed.

The platforms whose forms these are answer for a failure themselves, so whatever the code raises is theirs to tell.
"""

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from runtime_images.dynamic_runtime.worker.exchange import Answer, AsyncExchange, Exchange, Request
from runtime_images.dynamic_runtime.worker.values.parts import awaited


class Work(Protocol):
    """What a request asks for."""

    def done(self) -> Any:  # noqa: ANN401
        """Call the user's code, and return what it returns."""

    def succeeded(self, output: Any) -> Answer:  # noqa: ANN401
        """Return the answer to an output."""

    def failed(self, error: Exception) -> Answer:
        """Return the answer to what the user's code has raised."""


Read = Callable[[Request], Work | Answer]
"""Returns the work that a request asks for, or the answer to what asks for none."""


def is_asynchronous(code: Any) -> bool:  # noqa: ANN401
    """Return whether the user's code belongs on an event loop."""
    return inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code)


def blocking(read: Read) -> Exchange:
    """Return what answers with the work of code that blocks; what a generator yields is a list."""

    def answer(request: Request) -> Answer:
        if isinstance(work := read(request), Answer):
            return work
        try:
            output = work.done()
            if inspect.isawaitable(output):  # a decorator may have made it of an `async` one
                output = awaited(output)
            return work.succeeded(list(output) if inspect.isgenerator(output) else output)
        except Exception as error:  # noqa: BLE001 -- the user's code may raise anything
            return work.failed(error)

    return answer


def asynchronous(read: Read) -> AsyncExchange:
    """Return the same for code that is `async`."""

    async def answer(request: Request) -> Answer:
        if isinstance(work := read(request), Answer):
            return work
        try:
            output = work.done()
            return work.succeeded([part async for part in output] if inspect.isasyncgen(output) else await output)
        except Exception as error:  # noqa: BLE001 -- the user's code may raise anything
            return work.failed(error)

    return answer
