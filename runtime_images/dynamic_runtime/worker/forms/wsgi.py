"""WSGI applications (PEP 3333), such as those of Flask and Django: one call in a thread for each request."""

import inspect
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request, close
from runtime_images.dynamic_runtime.worker.forms.source import Source, is_async

THREADS = 8
"""Requests at once where the user does not say: one that streams, or waits, shall not keep all others waiting."""

Headers = list[tuple[str, str]]
_PORTS = {"http": "80", "https": "443"}
_WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def build(source: Source) -> LoadedFunction:
    """Build what was recognised as a WSGI application by reading."""
    return served(source, source.imported())


def is_application(target: Any) -> bool:  # noqa: ANN401
    """Return whether a callable names its parameters as WSGI does."""
    try:
        return "start_response" in inspect.signature(target).parameters
    except (TypeError, ValueError):
        return False


def served(source: Source, application: Any) -> LoadedFunction:  # noqa: ANN401
    """Build a WSGI application."""
    source.require_positional(application, 2, "(environ, start_response)")
    if is_async(application):
        raise source.misfit("a WSGI application is a plain function, but it is `async def`", "wsgi")
    return LoadedFunction(source.entry, blocking=True, exchange=Application(application), threads=THREADS)


class Application:
    """A WSGI application as a callable that answers requests."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, request: Request) -> Answer:
        """Call the application; what it yields later than the first part of the body is streamed."""
        response = _Response()
        made = self._application(environ_of(request), response.start)
        try:
            return _answer(request, response, made)
        except BaseException:
            close(made)
            raise


def environ_of(request: Request) -> dict[str, Any]:
    """Return the environ of a request, without headers whose names hold an underscore: they could pass for others."""
    host, _, port = request.header("host").rpartition(":")
    if not port.isdigit():
        host, port = request.header("host"), _PORTS[request.scheme]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": request.query.decode("latin-1"),
        "REQUEST_URI": (request.raw_path + (b"?" + request.query if request.query else b"")).decode("latin-1"),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{request.http_version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if request.client is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = request.client[0], str(request.client[1])
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:
            key = _WITHOUT_PREFIX.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
            between = "; " if name == "cookie" else ","
            environ[key] = f"{environ[key]}{between}{value}" if key in environ else value
    if request.body or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


class _Response:
    """What an application says before its body."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.written = b""
        self.sent = False

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:  # noqa: ANN401
        """Take status and headers: once, or again in place of what an error has overtaken."""
        if exc_info is not None and self.sent:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self.status:
            raise RuntimeError("the application called start_response twice")
        self.status, self.headers = int(status.split(" ", 1)[0]), list(headers)
        return self._write

    def _write(self, data: bytes) -> None:
        self.written += data

    @property
    def length(self) -> int | None:
        """The length that the application announces."""
        found = (value.strip() for name, value in self.headers if name.lower() == "content-length")
        return next((int(value) for value in found if value.isdigit()), None)


def _answer(request: Request, response: _Response, made: Iterable[bytes]) -> Answer:
    is_at_hand = isinstance(made, list | tuple)
    parts = iter(made)
    first = b"".join(parts) if is_at_hand else next(filter(None, parts), b"")
    if not response.status:
        raise RuntimeError("the application did not call start_response")
    response.sent = True
    body = response.written + first
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if request.method == "HEAD" or is_at_hand or not first or response.length == len(body):
        close(made)
        return Answer(response.status, headers, b"" if request.method == "HEAD" else body)
    return Answer(response.status, headers, _Rest(body, parts, made))


class _Rest(Iterator[bytes]):
    """A body of which the first part is there; it is closed as the application asks."""

    def __init__(self, first: bytes, parts: Iterator[bytes], made: Iterable[bytes]) -> None:
        self._first, self._parts, self._made = first, parts, made

    def __next__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        return next(self._parts)

    def close(self) -> None:
        """Close what the application returned."""
        close(self._made)
