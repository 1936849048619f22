"""One container: created, attached to and only then started, so that no line of its output is lost."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import docker
import requests
from docker.errors import APIError
from docker.utils.socket import STDOUT, frames_iter

from gaia_cli.engines.docker_api.translating import translated
from gaia_cli.errors import EngineError

_frames: Any = frames_iter  # untyped


class Container:
    """A created container, attached to its standard streams; `remove` it in the end, whatever happened."""

    def __init__(self, api: docker.APIClient, identifier: str) -> None:
        self.identifier = identifier
        self._api: Any = api
        self._streams: Any = None
        self._exit_code: int | None = None
        self._gone = threading.Event()

    def start(self) -> None:
        """Attach and start.

        Raises:
            EngineError: it does not start; there is no GPU, for example.
            UsageError: a port is taken.
        """
        with translated():
            ask = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            self._streams = self._api.attach_socket(self.identifier, ask)
            self._socket.settimeout(None)
            threading.Thread(target=self._wait, name="container-exit", daemon=True).start()
            self._api.start(self.identifier)

    def published(self, port: int) -> int:
        """Return the port here that leads to `port` inside.

        Raises:
            EngineError: the container has exited already.
        """
        with translated():
            bindings = self._api.inspect_container(self.identifier)["NetworkSettings"]["Ports"].get(f"{port}/tcp")
        if not bindings:
            raise EngineError("the container has exited at once", "see its last lines above")
        return int(bindings[0]["HostPort"])

    def output(self) -> Iterator[tuple[bool, bytes]]:
        """Yield chunks of output until the container exits, each with whether it comes from standard output."""
        if self._streams is None:
            return
        try:
            for stream, chunk in _frames(self._streams, tty=False):
                yield stream == STDOUT, chunk
        except (OSError, ValueError):
            return  # the connection was closed by `remove`, from another thread

    def terminate(self) -> None:
        """Send SIGTERM; a container that has exited is left alone."""
        with contextlib.suppress(EngineError), translated():
            self._api.kill(self.identifier, "SIGTERM")

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code once the container has exited and removed itself, None after `timeout_s`."""
        self._gone.wait(timeout_s)
        return self._exit_code

    def remove(self) -> None:
        """Kill and remove what is left, and close the streams; may be called twice."""
        with contextlib.suppress(APIError, requests.RequestException):  # it removes itself at exit: a race
            self._api.remove_container(self.identifier, force=True, v=True)
        if self._streams is not None:
            plain = self._socket
            with contextlib.suppress(OSError):
                plain.shutdown(socket.SHUT_RDWR)
            self._streams._response.close()  # docker-py hangs the response on the stream to keep it alive
            plain.close()
            self._streams = None

    @property
    def _socket(self) -> socket.socket:
        """The socket below what docker-py gives, which depends on the transport."""
        plain: socket.socket = getattr(self._streams, "_sock", self._streams)
        return plain

    def _wait(self) -> None:
        with contextlib.suppress(APIError, requests.RequestException):
            answer = self._api.wait(self.identifier, timeout=None, condition="removed")
            self._exit_code = int(answer["StatusCode"])
        self._gone.set()
