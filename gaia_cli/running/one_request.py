"""One HTTP request to a running function, on the standard library.

It is http.client and not urllib.request, which asks proxies and raises where the status is an error.
"""

import http.client
import queue
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from gaia_cli.errors import RequestError, UsageError

MOST_BYTES = 64 * 1024 * 1024
"""Of an answer's body; more belongs into a file, for which there are other programs."""
_LEAVES_IN_S = 1.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request; an empty `method` means POST with a body and GET without."""

    body: bytes = b""
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; header names are in lower case."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        return kind.endswith(("/json", "+json"))


def ask(url: str, request: Request) -> Answer:
    """Send `request` to the function at `url` and wait for the whole answer, `timeout_s` at most for all of it.

    Raises:
        UsageError: `url` is not an HTTP URL, or a header or the path cannot be sent.
        RequestError: nobody answers there, not in time, not in HTTP, or with too much.
    """
    parts = _split(url)
    connection = _connection(parts, request.timeout_s)
    outcome: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()

    def exchange() -> None:
        try:
            outcome.put(_exchange(connection, url, parts, request))
        except Exception as error:  # noqa: BLE001 -- raised again below
            outcome.put(error)
        finally:
            connection.close()

    # A thread, because the timeout of a socket counts each read anew, and that of a name's search does not count.
    thread = threading.Thread(target=exchange, name="gaia-request", daemon=True)
    thread.start()
    try:
        result = outcome.get(timeout=request.timeout_s)
    except queue.Empty:
        with suppress(AttributeError, OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
        result = _too_late(url, request)
    thread.join(_LEAVES_IN_S)
    if isinstance(result, Exception):
        raise result
    return result


def _exchange(connection: http.client.HTTPConnection, url: str, parts: SplitResult, request: Request) -> Answer:
    method = request.method.upper() or ("POST" if request.body else "GET")
    try:
        if not method.isalpha():
            raise ValueError(f"{method!r} is not a method")  # http.client would send it
        connection.request(method, _target(parts, request.path), request.body or None, request.headers)
        with connection.getresponse() as response:
            headers = {name.lower(): value for name, value in response.getheaders()}
            body = response.read(MOST_BYTES + 1)
    except (http.client.InvalidURL, UnicodeError, ValueError) as error:
        raise UsageError(f"this request cannot be sent: {error}", "correct --path, --method or --header") from None
    except TimeoutError:
        raise _too_late(url, request) from None
    except ConnectionRefusedError:
        raise RequestError(f"nothing answers at {url}", "start the function first: gaia run PATH") from None
    except socket.gaierror as error:
        raise RequestError(f"cannot find the host of {url}: {error.strerror}", "correct the URL") from None
    except (OSError, http.client.HTTPException) as error:
        said = f"the connection to {url} failed: {str(error) or type(error).__name__}"
        raise RequestError(said, "check that the function is still running") from None
    if len(body) > MOST_BYTES:
        said = f"the answer from {url} has more than {MOST_BYTES // 1024**2} MiB"
        raise RequestError(said, "save it with another program, such as curl --output FILE")
    return Answer(response.status, response.reason, headers, body)


def _too_late(url: str, request: Request) -> RequestError:
    said = f"no whole answer from {url} within {request.timeout_s:g} s"
    return RequestError(said, "wait longer with --timeout SECONDS")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if usable and parts.username is not None:
        raise UsageError("a URL must not hold a password", "send it as --header 'Authorization: ...'")
    if not usable:
        raise _no_url(url)
    return parts


def _connection(parts: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        return connect(parts.hostname or "", parts.port, timeout=timeout_s)
    except http.client.InvalidURL:
        raise _no_url(parts.geturl()) from None


def _no_url(url: str) -> UsageError:
    return UsageError(f"{url} is not an HTTP URL", "write it as http://127.0.0.1:8080")


def _target(parts: SplitResult, path: str) -> str:
    """Return the request's target: the URL's own path, with `path` added."""
    own = f"{parts.path.rstrip('/')}/{path.lstrip('/')}" if path else parts.path
    return (own or "/") + (f"?{parts.query}" if parts.query else "")
