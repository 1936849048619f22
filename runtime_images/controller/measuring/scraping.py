"""Numbers read from the pods themselves: in the cluster at their addresses, from elsewhere through the API server.

A pod is a stranger: it may answer slowly, without end, or anything at all. So each is asked side by side with the
others, for a second at most, and read no further than a megabyte. Of a backend of very many pods a few are asked. Who
was silent waits until the others have been asked, and nobody waits for all: however many are silent, the others count.
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
from runtime_images.policy.sampling import RATE_SPAN_S

POD_S = 1.0
READ_S = 1.5
"""How long all of them are waited for together: what has not answered by then is unknown."""
TEXT_MOST_BYTES = 1024 * 1024
TOGETHER_MOST = 64
_SILENT_MOST = 10_000
"""So many silent pods are remembered; to forget them costs one slow look."""
Fetch = Callable[[Pod], Awaitable[bytes]]
_LOG = logging.getLogger(__name__)
_REQUEST = b"GET /metrics HTTP/1.0\r\nhost: %b\r\naccept: text/plain\r\n\r\n"


class Scraper:
    """Asks pods by whatever way `fetch` goes."""

    rate_span_s = RATE_SPAN_S

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._turn = asyncio.Semaphore(TOGETHER_MOST)
        self._silent: set[PodId] = set()

    async def read(self, pods: Sequence[Pod]) -> Mapping[PodId, PodNumbers]:
        """Return the numbers of those pods that were asked and answered."""
        asked = sorted(_some(pods), key=lambda pod: pod.id in self._silent)
        asking = {asyncio.create_task(self._ask(pod)): pod.id for pod in asked}
        try:
            done = (await asyncio.wait(asking, timeout=READ_S))[0] if asking else set()
        finally:
            for task in asking:
                task.cancel()
        if len(self._silent) > _SILENT_MOST:
            self._silent.clear()
        return {asking[task]: numbers for task in done if (numbers := task.result()) is not None}

    async def close(self) -> None:
        """Let go of nothing: a connection is closed with its answer."""

    async def _ask(self, pod: Pod) -> PodNumbers | None:
        try:
            async with self._turn, asyncio.timeout(POD_S):
                self._silent.add(pod.id)
                text = await self._fetch(pod)
            numbers = read(text.decode("utf-8"), pod.backend)
            self._silent.discard(pod.id)
            return numbers
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
