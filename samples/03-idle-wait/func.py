"""Wait, and do nothing: slow, and yet no work for a GPU.

It mirrors the function of that name in the paper's evaluation. A platform that looks at latency alone would
promote it and pay for a GPU that changes nothing; the share of processor time in the latency tells it from
real work.
"""

import asyncio
import json

LONGEST_S = 60.0


def new():
    return IdleWait()


class IdleWait:
    """The Knative form: an object with an ASGI `handle`."""

    async def handle(self, scope, receive, send):
        assert scope["type"] == "http"
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            wait_time = float(json.loads(body or b"{}").get("wait_time", 2))
        except (ValueError, TypeError, AttributeError):
            return await answer(send, 400, {"error": '"wait_time" must be a number of seconds'})
        wait_time = min(max(wait_time, 0.0), LONGEST_S)
        await asyncio.sleep(wait_time)
        return await answer(send, 200, {"waited_s": wait_time})


async def answer(send, status, content):
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
