"""Numbers read from the pods themselves: in the cluster at their addresses, from elsewhere through the API server.

A pod is a stranger: it may answer slowly, without end, or anything at all. So each is asked side by side with the
others, for a second at most, and read no further than a megabyte. Of a backend of very many pods a few are asked.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from runtime_images.cluster.api import Api
from runtime_images.cluster.errors import ClusterError
from runtime_images.cluster.kinds import POD
from runtime_images.cluster.pods import METRICS_PORT
from runtime_images.controller.measuring.exposition import read
from runtime_images.controller.measuring.numbers import PodNumbers
from runtime_images.controller.measuring.pods import PODS_MOST, Pod, PodId

POD_S = 1.0
TEXT_MOST_BYTES = 1024 * 1024
TOGETHER_MOST = 64
Fetch = Callable[[Pod], Awaitable[bytes]]
_LOG = logging.getLogger(__name__)
_REQUEST = b"GET /metrics HTTP/1.0\r\nhost: %b\r\naccept: text/plain\r\n\r\n"


class Scraper:
    """Asks pods by whatever way `fetch` goes."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._turn = asyncio.Semaphore(TOGETHER_MOST)

    async def read(self, pods: Sequence[Pod]) -> Mapping[PodId, PodNumbers]:
        """Return the numbers of those pods that were asked and answered."""
        asked = _some(pods)
        answers = await asyncio.gather(*[self._ask(pod) for pod in asked])
        return {pod.id: numbers for pod, numbers in zip(asked, answers, strict=True) if numbers is not None}

    async def close(self) -> None:
        """Let go of nothing: a connection is closed with its answer."""

    async def _ask(self, pod: Pod) -> PodNumbers | None:
        try:
            async with self._turn, asyncio.timeout(POD_S):
                text = await self._fetch(pod)
            return read(text.decode("utf-8"), pod.backend)
        except (OSError, EOFError, TimeoutError, ValueError, ClusterError) as error:
            _LOG.debug("%s tells no numbers: %s", pod.id.name, error)
            return None


def _some(pods: Sequence[Pod]) -> list[Pod]:
    """Return a few pods of each revision, ready ones first, and the same each time: only differences say anything."""
    by_revision: dict[tuple[str, str], list[Pod]] = defaultdict(list)
    for pod in sorted(pods, key=lambda one: (not one.ready, one.id)):
        by_revision[pod.id.namespace, pod.revision].append(pod)
    return [pod for those in by_revision.values() for pod in those[:PODS_MOST]]


async def from_pod(pod: Pod, port: int = METRICS_PORT) -> bytes:
    """Ask a pod at its own address.

    Raises:
        OSError: it cannot be reached.
        ValueError: it answers something else, or too much.
    """
    reader, writer = await asyncio.open_connection(pod.address, port, limit=64 * 1024)
    try:
        writer.write(_REQUEST % pod.address.encode())
        received = bytearray()
        while chunk := await reader.read(64 * 1024):
            received += chunk
            if len(received) > TEXT_MOST_BYTES:
                raise ValueError("its metrics are too long")
    finally:
        writer.close()
    return _body(bytes(received))


def _body(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    if status.split(b" ")[1:2] != [b"200"]:
        raise ValueError(f"it answers {status[:80]!r}")
    lengths = [line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"content-length:")]
    if lengths and lengths[0] != b"%d" % len(body):
        raise ValueError("its answer is not whole")
    return body


def through_api(api: Api, port: int = METRICS_PORT) -> Fetch:
    """Return how a pod is asked through the API server, which needs the right to get pods/proxy."""

    async def fetch(pod: Pod) -> bytes:
        path = f"{api.path(POD, pod.id.namespace, f'{pod.id.name}:{port}')}/proxy/metrics"
        return await api.read(path, timeout_s=POD_S, most_bytes=TEXT_MOST_BYTES)

    return fetch
