"""A function in the Knative form: `new` returns an object with an ASGI `handle` and optional hooks."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]


def new() -> "Function":
    """Make the function; called once in each worker, before the first request."""
    return Function()


class Function:
    """Greets whoever the request names."""

    def start(self, cfg: dict[str, str]) -> None:
        """Load what every request needs, such as a model; called once before the first, with the environment."""

    def stop(self) -> None:
        """Release what `start` took; called after the last request."""

    async def handle(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one HTTP request."""
        assert scope["type"] == "http"
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        name = json.loads(body or b"{}").get("name", "world")
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"message": f"Hello, {name}!"}).encode()})
