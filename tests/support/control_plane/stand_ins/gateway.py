"""The ingress and the way to Services: splits requests by the percentages of Ingress objects, as a gateway does.

A request goes to an address that the Endpoints of the chosen Service name: while no pod is ready that is the
activator, which keeps it. A kept connection that has closed meanwhile is replaced by a new one; an answer that has
begun is never asked for again. It takes every Ingress over as soon as it has read it, and only then says so. Where no
place is known the answer is 503 at once: the autoscaler asks after functions that are gone, and waits for the answer.
"""

import asyncio
import contextlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.control_plane.layout import GATEWAY_PORT
from tests.support.control_plane.rest import Object, Rest
from tests.support.control_plane.stand_ins.ingress import INGRESSES, mark_ready
from tests.support.control_plane.stand_ins.messages import Head, body_of, read_head
from tests.support.control_plane.stand_ins.names import serve_names

_IDLE_MOST = 64

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Place = tuple[str, int]


@dataclass(slots=True)
class Share:
    """Where a part of the requests goes."""

    service: str
    percent: int
    headers: dict[str, str]


@dataclass(slots=True)
class Routes:
    """What the gateway knows: shares by host, places by Service as NAMESPACE/NAME, open connections by place."""

    shares: dict[str, list[Share]] = field(default_factory=dict)
    hosts: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)
    idle: dict[Place, list[Stream]] = field(default_factory=dict)

    def learn_ingress(self, kind: str, item: Object) -> None:
        """Take an Ingress over, or forget it."""
        name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        for host in self.hosts.pop(name, ()):
            self.shares.pop(host, None)
        if kind == "DELETED":
            return
        found = {host: _shares(rule) for rule in item["spec"].get("rules", ()) for host in rule["hosts"]}
        self.shares.update(found)
        self.hosts[name] = list(found)

    def learn_endpoints(self, kind: str, item: Object) -> None:
        """Take note of where a Service is."""
        name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        self.places[name] = [] if kind == "DELETED" else list(_places(item))

    def choose(self, host: str) -> tuple[Place, dict[str, str]] | None:
        """Choose a place for a request, and what it is to say there; None if there is none."""
        shares = self.shares.get(host) or _service(host)
        weighted = [share for share in shares if share.percent]
        if not weighted:
            return None
        share = random.choices(weighted, [share.percent for share in weighted])[0]  # noqa: S311 -- a split
        places = self.places.get(share.service)
        return (random.choice(places), share.headers) if places else None  # noqa: S311 -- likewise


def _shares(rule: Object) -> list[Share]:
    return [
        Share(
            f"{split['serviceNamespace']}/{split['serviceName']}",
            split.get("percent", 100),
            {**path.get("appendHeaders", {}), **split.get("appendHeaders", {})},
        )
        for path in rule["http"]["paths"]
        for split in path["splits"]
    ]


def _service(host: str) -> list[Share]:
    """Return the Service that a host names by itself, as the cluster's own names do."""
    name, _, rest = host.partition(".")
    namespace, _, domain = rest.partition(".")
    return [Share(f"{namespace}/{name}", 100, {})] if domain.startswith("svc") else []


def _places(item: Object) -> Iterable[Place]:
    for subset in item.get("subsets") or ():
        ports = [port["port"] for port in subset.get("ports") or () if port.get("name") == "http"]
        for address in subset.get("addresses") or ():
            yield from ((address["ip"], port) for port in ports)


class Gateway:
    """Carries requests."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await read_head(reader)
                body = b"".join([part async for part in body_of(reader, head)])
                await self._carry(head, body, writer)
                if head.is_last:
                    break
        writer.close()

    async def _carry(self, head: Head, body: bytes, writer: asyncio.StreamWriter) -> None:
        chosen = self._routes.choose(head.get("host").split(":")[0])
        if chosen is None:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        place, extra = chosen
        stream, answer = await self._ask(place, head.encode(extra) + body)
        writer.write(answer.encode())
        async for part in body_of(stream[0], answer, to=head.first.split(" ")[0]):
            writer.write(part)
            await writer.drain()
        idle = self._routes.idle.setdefault(place, [])
        if answer.is_last or len(idle) >= _IDLE_MOST:
            stream[1].close()
        else:
            idle.append(stream)

    async def _ask(self, place: Place, message: bytes) -> tuple[Stream, Head]:
        """Send a request; return the connection and the answer's head."""
        while idle := self._routes.idle.get(place):
            stream = idle.pop()
            if stream[0].at_eof():
                stream[1].close()
                continue
            try:
                return stream, await _exchange(stream, message)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                stream[1].close()
                if getattr(error, "partial", b""):
                    raise
        stream = await asyncio.open_connection(*place)
        return stream, await _exchange(stream, message)


async def _exchange(stream: Stream, message: bytes) -> Head:
    stream[1].write(message)
    await stream[1].drain()
    return await read_head(stream[0])


async def _follow_ingresses(rest: Rest, routes: Routes) -> None:
    async for kind, item in rest.follow(INGRESSES):
        for one in item["items"] if kind == "LISTED" else [item]:
            routes.learn_ingress(kind, one)
            if kind != "DELETED":
                await mark_ready(rest, one)


async def _follow_endpoints(rest: Rest, routes: Routes) -> None:
    async for kind, item in rest.follow("/api/v1/endpoints"):
        for one in item["items"] if kind == "LISTED" else [item]:
            routes.learn_endpoints(kind, one)


async def _run() -> None:
    routes = Routes()
    serve_names(asyncio.get_running_loop())
    await asyncio.start_server(Gateway(routes).serve, "0.0.0.0", GATEWAY_PORT)
    async with Rest(Path("kubeconfig")) as rest:
        await asyncio.gather(_follow_ingresses(rest, routes), _follow_endpoints(rest, routes))


if __name__ == "__main__":
    asyncio.run(_run())
