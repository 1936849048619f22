"""What keeps the lifespan to itself has the applications inside of it started, and nothing else inside is called."""

import asyncio
import functools
import types
from collections.abc import Callable
from typing import Any, cast

import pytest

from runtime_images.dynamic_runtime.worker.contract import Receive, Scope, Send
from runtime_images.dynamic_runtime.worker.life.lifespan import started_lifespans


class Application:
    """An application that says when it starts up."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        for event in ("startup", "shutdown"):
            await receive()
            self.events.append(event)
            await send({"type": f"lifespan.{event}.complete"})


class Around:
    """A wrapper for requests only."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


class Client:
    """What is no application: its call would do harm."""

    async def __call__(self, method: str, url: str, body: object) -> None:
        raise AssertionError(f"it was called with {method}, {url}, {body}")


class Itself(Around):
    """A wrapper that holds itself, too."""

    def __init__(self, inner: object) -> None:
        super().__init__([self, inner, inner, Client(), Client, Application, 5])


class Holder:
    """Not an application; one of its methods is."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401
        self._inner = inner

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._inner(scope, receive, send)


def closure(inner: Any) -> Callable[..., Any]:  # noqa: ANN401
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await inner(scope, receive, send)

    return app


def partial(inner: Any) -> Any:  # noqa: ANN401
    async def app(application: Any, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ANN401
        if scope["type"] == "http":
            await application(scope, receive, send)

    return functools.partial(app, inner)


def of_a_module(inner: Any) -> Callable[..., Any]:  # noqa: ANN401
    module = types.ModuleType("site")
    module.application = inner  # type: ignore[attr-defined]
    code = """
async def app(scope, receive, send):
    async def work():
        await site.application(scope, receive, send)
    if scope["type"] == "http":
        await work()
"""
    names: dict[str, Any] = {"site": module}
    exec(code, names)  # noqa: S102 -- a function with globals of its own
    return cast("Callable[..., Any]", names["app"])


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "an object": Around,
    "an object around an object": lambda inner: Around(Around(inner)),
    "an object with a dict": lambda inner: Around({"/": inner, "/again": inner}),
    "an object with itself in a list": Itself,
    "a method": lambda inner: Holder(inner).handle,
    "a closure": closure,
    "a closure around an object": lambda inner: closure(Around(inner)),
    "a partial": partial,
    "a function that names a module": of_a_module,
}


def lives(application: Any) -> int:  # noqa: ANN401
    async def scene() -> int:
        lifespans = await started_lifespans(application)
        for one in lifespans:
            await one.shut_down()
        return len(lifespans)

    return asyncio.run(scene())


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_what_is_inside_starts_up_and_shuts_down_once(wrapper: str) -> None:
    inner = Application()

    assert lives(WRAPPERS[wrapper](inner)) == 1
    assert inner.events == ["startup", "shutdown"]


def test_all_that_is_inside_starts_up() -> None:
    first, second = Application(), Application()

    assert lives(Around((first, closure(Around(second))))) == 2
    assert first.events == second.events == ["startup", "shutdown"]


def test_what_starts_up_itself_is_trusted_with_what_is_inside() -> None:
    class Own(Application):
        def __init__(self, inner: object) -> None:
            super().__init__()
            self.inner = inner

    inner = Application()

    assert lives(Own(inner)) == 1
    assert not inner.events


def test_what_lies_too_deep_or_is_no_application_is_left_alone() -> None:
    inner = Application()

    assert lives(Around(Around(Around(Around(inner))))) == 0
    assert lives(Around([Client(), {"a": Client()}, Client, print, None])) == 0
    assert not inner.events


def test_a_start_up_that_fails_inside_is_a_failure() -> None:
    class Failing(Application):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- as ASGI has it
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="no database"):
        lives(closure(Failing()))
