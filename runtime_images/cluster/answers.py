"""What an API server answers, told apart once, below everything that reads answers: objects, or a `ClusterError`.

It stands in the transport, so that a library above it never sees an answer that it has no words for: an error without a
type of content or as plain text, a stream that begins with an error, a portal's page in place of the server.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import msgspec

from runtime_images.cluster.errors import Cause, ClusterError, GoneError, RefusedError, UnreachableError

ENDLESS = {"is_endless": True}
"""The extensions of a request whose answer may go on for ever."""

MOST_BYTES = "most_bytes"
"""The extension of a request that says how much of its answer is read at most."""

_MOST_BYTES = 256 * 1024 * 1024
"""The most of an answer that is read: ten times what 1000 functions are."""
_MOST_OF_ERROR = 64 * 1024
_LONGEST_LINE = 16 * 1024 * 1024
"""More than an object may have."""


class Checked(httpx2.AsyncBaseTransport):
    """A transport whose answers are good ones; all others are raised as a `ClusterError`."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return its answer.

        Raises:
            RefusedError: the server said no.
            UnreachableError: there was no answer, or not one of an API server.
        """
        with translated():
            response = await self._inner.handle_async_request(request)
        try:
            await _check(request, response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """What comes, up to a size."""

    def __init__(self, inner: httpx2.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._left -= len(piece)
            if self._left < 0:
                raise UnreachableError("the server's answer is endless: this is no API server")
            yield piece

    async def aclose(self) -> None:
        """Close what it comes from."""
        await self._inner.aclose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the transport raises into an `UnreachableError`, and so an answer that is no JSON."""
    try:
        yield
    except (httpx2.RequestError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise UnreachableError(f"the API server gives no answer: {_words(error)}") from None
    except (json.JSONDecodeError, msgspec.MsgspecError) as error:
        raise UnreachableError(f"the server's answer is no JSON, as of an API server: {error}") from None
    except TimeoutError:
        raise UnreachableError("the API server gives no answer: it timed out") from None


async def lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the lines of an endless answer, without their ends; one that is longer than any object in pieces.

    Text that is decoded first has other ends of lines, too: the letter U+0085 in an annotation would cut an object.
    """
    rest = bytearray()
    async for piece in response.aiter_bytes():
        rest += piece
        *whole, last = rest.split(b"\n")
        for line in whole:
            yield bytes(line)
        rest = last
        if len(rest) > _LONGEST_LINE:
            yield bytes(rest)
            rest = bytearray()
    if rest:
        yield bytes(rest)


def refusal(said: Any, status: int, *, path: str = "", retry_after: str = "") -> ClusterError:  # noqa: ANN401 -- foreign
    """Return the error for what a server says with `status`: a Status object, or anything."""
    said = said if isinstance(said, dict) else {"message": str(said)[:1000]}
    details = said.get("details")
    details = details if isinstance(details, dict) else {}
    causes = tuple(
        Cause(_text(cause, "reason"), _text(cause, "field"), _text(cause, "message"))
        for cause in details.get("causes") or ()
        if isinstance(cause, dict)
    )
    make = GoneError if status == 410 else RefusedError
    seconds = details.get("retryAfterSeconds")
    return make(
        _text(said, "message").strip() or f"HTTP {status}",
        status=status,
        code=_text(said, "reason"),
        kind=_text(details, "kind"),
        name=_text(details, "name"),
        causes=causes,
        retry_after_s=float(retry_after) if retry_after.isdecimal() else float(seconds or 0),
        path=path,
    )


async def _check(request: httpx2.Request, response: httpx2.Response) -> None:
    if response.status_code >= 400:
        raise refusal(
            await _said(response),
            response.status_code,
            path=request.url.path,
            retry_after=response.headers.get("Retry-After", ""),
        )
    kind = response.headers.get("Content-Type", "")
    if response.status_code >= 300 or kind.startswith("text/html"):
        raise UnreachableError(
            f"{request.url.host} answers, but not as an API server (HTTP {response.status_code} {kind})",
            "check the server's address in the kubeconfig, and whether a portal stands before the network",
        )
    if not request.extensions.get("is_endless") and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream, request.extensions.get(MOST_BYTES, _MOST_BYTES))


async def _said(response: httpx2.Response) -> Any:  # noqa: ANN401 -- any JSON, or text
    """Return the Status object that the server answered with, or its text."""
    body = bytearray()
    with translated():
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _MOST_OF_ERROR:
                break
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _text(said: Any, key: str) -> str:  # noqa: ANN401 -- foreign JSON
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _words(error: Exception) -> str:
    name = type(error).__name__
    return f"{error} ({name})" if str(error) else name
