"""The port of a node at which the API server asks for the logs of containers.

A played pod has said two lines, or what the file `pods/NAMESPACE_NAME.log` in the plane's directory holds.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.control_plane.layout import KUBELET_PORT
from tests.support.control_plane.stand_ins.container import log_of
from tests.support.control_plane.stand_ins.messages import read_head
from tests.support.control_plane.stand_ins.real_pod import RealPod

_LOOK_S = 0.1
Find = Callable[[str, str], RealPod | None]


class Logs:
    """Shows logs; `find` knows the pods that are real."""

    def __init__(self, find: Find) -> None:
        self._find = find

    async def serve(self) -> None:
        """Serve on all addresses, with the plane's certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain("pki/server.crt", "pki/server.key")
        await asyncio.start_server(self._answer, "0.0.0.0", KUBELET_PORT, ssl=context)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            target = urlsplit((await read_head(reader)).first.split(" ")[1])
            asked = {name: values[-1] for name, values in parse_qs(target.query).items()}
            match target.path.strip("/").split("/"):
                case ["containerLogs", namespace, pod, container]:
                    await self._show(writer, namespace, pod, container, asked)
                case _:
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def _show(
        self, writer: asyncio.StreamWriter, namespace: str, pod: str, container: str, asked: dict[str, str]
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
        real = self._find(namespace, pod)
        file = self._file(real, namespace, pod, container, asked)
        lines = file.read_text(errors="replace").splitlines() if file.exists() else _played(pod, container)
        seen = len(lines)
        for line in _chosen(lines, asked):
            writer.write(_shown(line, asked))
        while asked.get("follow") == "true" and not writer.is_closing() and not (real and real.is_ending):
            await writer.drain()
            await asyncio.sleep(_LOOK_S)
            fresh = file.read_text(errors="replace").splitlines()[seen:] if file.exists() else []
            seen += len(fresh)
            for line in fresh:
                writer.write(_shown(line, asked))

    def _file(self, real: RealPod | None, namespace: str, pod: str, container: str, asked: dict[str, str]) -> Path:
        found = real.container(container) if real else None
        if real is None or found is None:
            return Path("pods", f"{namespace}_{pod}.log")
        attempt = found.restarts - 1 if asked.get("previous") == "true" else found.restarts
        return log_of(real.directory, container, attempt)


def _played(pod: str, container: str) -> list[str]:
    time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return [f"{time} {container} of {pod} has started", f"{time} {container} of {pod} is ready"]


def _chosen(lines: list[str], asked: dict[str, str]) -> list[str]:
    if "sinceSeconds" in asked:
        since = (datetime.now(UTC) - timedelta(seconds=int(asked["sinceSeconds"]))).isoformat()
        lines = [line for line in lines if line.partition(" ")[0] >= since]
    return lines[-int(asked["tailLines"]) :] if int(asked.get("tailLines", 0)) else lines


def _shown(line: str, asked: dict[str, str]) -> bytes:
    return (line if asked.get("timestamps") == "true" else line.partition(" ")[2]).encode() + b"\n"
