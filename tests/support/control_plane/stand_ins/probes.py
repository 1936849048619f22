"""Probes and hooks of containers: what is asked over HTTP, and whether a port is open."""

import asyncio
import contextlib

from tests.support.control_plane.rest import Object
from tests.support.control_plane.stand_ins.messages import read_head


async def answers(probe: Object, container: Object, address: str) -> bool:
    """Whether a probe succeeds: the port is open, or the answer is below 400. It takes its timeoutSeconds at most."""
    action = probe.get("httpGet") or probe.get("tcpSocket")
    if action is None:
        return True
    port = _port(action["port"], container)
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        async with asyncio.timeout(float(probe.get("timeoutSeconds") or 1)):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return "tcpSocket" in probe or await _get(reader, writer, action, f"{address}:{port}")
            finally:
                writer.close()
    return False


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, action: Object, host: str) -> bool:
    headers = [(header["name"], header["value"]) for header in action.get("httpHeaders") or ()]
    lines = [
        f"GET {action.get('path') or '/'} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: kube-probe/1.36",
        "Connection: close",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    return (await read_head(reader)).status < 400


def _port(port: int | str, container: Object) -> int:
    if isinstance(port, int):
        return port
    return next(int(one["containerPort"]) for one in container.get("ports", ()) if one.get("name") == port)
