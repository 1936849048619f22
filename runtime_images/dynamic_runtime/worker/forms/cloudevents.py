"""Functions for CloudEvents: Knative's second template, whose `handle` reads `scope["event"]`, and `handler(event)`.

Events are of the class of the CloudEvents SDK that the function has imported; without the SDK, of a small one with the
same ways to read it.
"""

import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, Message, Receive, Scope, Send
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.forms import event_codec, plain_and_asgi
from runtime_images.dynamic_runtime.worker.forms.event_codec import Headers
from runtime_images.dynamic_runtime.worker.forms.source import Source, is_async
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError
from runtime_images.dynamic_runtime.worker.values.results import to_json
from runtime_images.entrypoint import EntryForm

_SDK_EVENTS = ("cloudevents.core.v1.event", "cloudevents.http", "cloudevents.v1.http")
"""Modules of the SDK, version 2 first, that hold the class of an event."""


def build(source: Source) -> LoadedFunction:
    """Build a function for events: an object or a function that gets the scope, or a handler that gets the event."""
    target = source.imported()
    plain_and_asgi.log_as_knative()
    if source.entry.attribute == EntryForm.NEW or not _parameters(target):
        instance = source.called(lambda: plain_and_asgi.checked(source, target()))
        return plain_and_asgi.asgi(source, WithEvent(instance.handle), instance)
    if len(_parameters(target)) >= 3:
        return plain_and_asgi.asgi(source, WithEvent(target), owner=None)
    return _handler(source, target)


def event_class() -> type[Any]:
    """Return the class of events that the function knows."""
    loaded = (getattr(sys.modules.get(name), "CloudEvent", None) for name in _SDK_EVENTS)
    return next((found for found in loaded if found is not None), event_codec.Event)


def _parameters(target: Any) -> list[str]:  # noqa: ANN401
    return list(inspect.signature(target).parameters)


def _handler(source: Source, target: Any) -> LoadedFunction:  # noqa: ANN401
    source.require_positional(target, 1, "one argument, the event")
    kind = event_class()
    if is_async(target):

        async def answer_async(request: Request) -> Answer:
            return _answer(await target(event_codec.decode(kind, request.headers, request.body)))

        return LoadedFunction(source.entry, blocking=False, exchange=answer_async)

    def answer(request: Request) -> Answer:
        return _answer(target(event_codec.decode(kind, request.headers, request.body)))

    return LoadedFunction(source.entry, blocking=True, exchange=answer)


def _answer(result: Any) -> Answer:  # noqa: ANN401
    """Return the answer to an event: another event, or nothing."""
    if result is None:
        return Answer(204, (), b"")
    headers, body = event_codec.binary(result)
    return Answer(200, headers, body)


class WithEvent:
    """A `handle(scope, receive, send)` that finds the request's event in its scope, and can send one."""

    def __init__(self, handle: Callable[[Scope, Receive, Any], Awaitable[None]]) -> None:
        self._handle = handle
        self._class = event_class()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the event, and call the function; what is no event is answered with 400."""
        body = (await receive())["body"]
        try:
            event = event_codec.decode(self._class, scope["headers"], body)
        except PayloadError as error:
            told = to_json({"error": f"this function takes CloudEvents: {error}"})
            await Sender(send).answer([(b"content-type", b"application/json")], told, 400)
            return

        async def receive_again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message = {"type": "http.request", "body": body, "more_body": False}
            body = None
            return message

        await self._handle({**scope, "event": event}, receive_again, Sender(send))


class Sender:
    """What a function for events sends with: events, structured by default, or ASGI's own messages by `http`."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, event: Any, status: int = 200) -> None:  # noqa: ANN401 -- the SDK's event, or a message
        """Send an event; an ASGI message is sent as it is."""
        if isinstance(event, dict) and str(event.get("type", "")).startswith("http.response."):
            await self._send(event)
        else:
            await self.structured(event, status)

    async def structured(self, event: Any, status: int = 200) -> None:  # noqa: ANN401
        """Send an event as one JSON document."""
        await self.answer(*event_codec.structured(event), status)

    async def binary(self, event: Any, status: int = 200) -> None:  # noqa: ANN401
        """Send an event with its attributes in headers."""
        await self.answer(*event_codec.binary(event), status)

    async def http(self, message: Message) -> None:
        """Send one of ASGI's messages."""
        await self._send(message)

    async def answer(self, headers: Headers, body: bytes, status: int) -> None:
        """Send a whole answer."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
