"""The life of a controller: it watches, stands for election, makes passes while it leads, and gives the lead back.

SIGTERM and Ctrl-C end it between two writes. A part that fails for good ends all of it: the cluster, or whoever started
it, starts a new one, and everything that it needs stands in the cluster.
"""

import asyncio
import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.words import CONTROLLER_PORT, HEALTH_PATH, READY_PATH
from runtime_images.controller.cluster import Cluster
from runtime_images.controller.election import Elector
from runtime_images.controller.observing import Key, Observer
from runtime_images.controller.passes import Passes
from runtime_images.controller.performing import LedApi, Performer
from runtime_images.controller.telemetry import JsonLines, Metrics, serve

STALLED_S = 60.0
"""After so long without a pass the controller no longer counts as alive."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """Which functions: those of `namespace`, "*" for all; where its Lease is, and where it is asked for its metrics.

    `pod` is the uid of the pod that it runs in, if it does.
    """

    namespace: str
    lease_namespace: str
    host: str = "127.0.0.1"
    port: int = CONTROLLER_PORT
    pod: str = ""


class Controller:
    """One process that may lead. Clocks reach it as arguments, so that a test can turn them."""

    def __init__(
        self,
        access: Access,
        options: Options,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.metrics = Metrics()
        self.options, self._observer, self._clock = options, observer, clock
        self._reading = Api(access)
        self.elector = Elector(self._reading, own_identity(options.pod), options.lease_namespace, clock, wall)
        self._writing = LedApi(access, self.elector.leads, self.metrics)
        self.cluster = Cluster(self._reading, options.namespace, self._changed)
        self.passes = Passes(
            self.cluster, observer, Performer(self._writing, wall), self.metrics, self.elector.leads, clock, wall
        )

    def _changed(self, key: Key) -> None:
        self.passes.changed(key)

    def is_alive(self) -> bool:
        """Return whether passes are being made, or waited for."""
        return self._clock() - self.passes.last_pass < STALLED_S or not self.passes.last_pass

    def is_ready(self) -> bool:
        """Return whether it has seen everything, and would act if it led: a second one that waits is ready, too."""
        return self.passes.last_pass > 0 and self.is_alive()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""
        async with self._open():
            parts = [self.cluster.run(), self.elector.run(), self.passes.run(), self._tell_who_leads()]
            tasks = [asyncio.create_task(part) for part in parts]
            waiting = asyncio.create_task(stop.wait())
            try:
                done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
                for task in done - {waiting}:
                    task.result()
            finally:
                for task in (*tasks, waiting):
                    task.cancel()
                await asyncio.gather(*tasks, waiting, return_exceptions=True)
                await self.passes.idle()
                await self.elector.release()

    async def _tell_who_leads(self) -> None:
        led = False
        while True:
            leads = self.elector.leads()
            self.metrics.leader.set(leads)
            if leads is not led:
                _LOG.info("leads" if leads else "waits for the lead", extra={"said": {"who": self.elector.identity}})
            led = leads
            await asyncio.sleep(1.0)

    def _answers(self) -> dict[str, Callable[[], bool]]:
        return {HEALTH_PATH: self.is_alive, READY_PATH: self.is_ready}

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        server = await serve(self.metrics, self._answers(), self.options.host, self.options.port)
        try:
            async with self._reading, self._writing:
                yield
        finally:
            server.close()
            await self._observer.close()


def own_identity(pod: str = "") -> str:
    """Return a name that no other process has; in a pod, by its uid, the one that the process before had there.

    The one before has ended when a container is started again, so what it held need not run out first.
    """
    return f"{socket.gethostname()}_{pod or uuid.uuid4().hex[:8]}"


def log_json_lines() -> None:
    """Write the log as lines of JSON to standard error; what the HTTP client says is no news."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)


async def run_until_signal(controller: Controller) -> int:
    """Run a controller until SIGTERM or Ctrl-C; return the signal's number."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    got: list[int] = []

    def note(number: int) -> None:
        got.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, note, number)
    _LOG.info("starts", extra={"said": {"pid": os.getpid(), "namespace": controller.options.namespace}})
    await controller.run(stop)
    return got[0] if got else 0
