"""For tests of the controller on a cluster: a dynamic function, a played load, a controller that runs beside."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaia_cli.targets.kubeconfig.access import access_of
from runtime_images.cluster import words
from runtime_images.cluster.conditions import condition
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import CONFIGURATION, EVENT, POD_AUTOSCALER, REVISION, ROUTE
from runtime_images.cluster.traffic import split, split_of, targets
from runtime_images.controller.life import Controller, Options
from runtime_images.controller.observing import Asked, Key, Measurement
from runtime_images.policy.model import CPU, GPU, Backend, ExecutionMode, LaneObservation, Slo
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object

IMAGE = "dev.local/hello"
WAIT_S = 45.0


@dataclass
class Played:
    """An observer that says what the test wants it to: how much there is to do, and how long each backend takes."""

    rate: float = 0.0
    takes_s: dict[Backend, float] = field(default_factory=lambda: {CPU: 0.02, GPU: 0.01})
    errors: dict[Backend, float] = field(default_factory=dict)
    lost: dict[Backend, str] = field(default_factory=dict)
    answered: dict[Key, int] = field(default_factory=dict)
    asked: int = 0

    def burden(self) -> None:
        """Let there be more than the CPU can do within the SLO."""
        self.rate, self.takes_s = 20.0, {CPU: 0.5, GPU: 0.01}

    def rest(self) -> None:
        """Let there be nothing to do."""
        self.rate = 0.0

    async def measure(self, functions: Sequence[Asked], now: float) -> Mapping[Key, Measurement]:
        self.asked += len(functions)
        return {one.key: self._measured(one.key, now) for one in functions}

    def _measured(self, key: Key, now: float) -> Measurement:
        count = round(self.rate)
        total = self.answered[key] = self.answered.get(key, 0) + count
        lanes = {
            backend: LaneObservation(
                available=True, running=True, recent_latencies_s=(takes_s,) * count,
                recent_services_s=(takes_s,) * count, cpu_share=1.0, error_rate=self.errors.get(backend, 0.0),
                answered=count, finished=total,
            )
            for backend, takes_s in self.takes_s.items()
        }  # fmt: skip
        idle_s = 0.0 if self.rate else 100.0
        return Measurement(now, lanes, arrival_rate=self.rate, idle_s=idle_s, lost=dict(self.lost))

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Function:
    """A dynamic function on the cluster, as a deploy would have made it."""

    objects: Objects
    gpu_resource: str
    name: str = "hello"
    mode: ExecutionMode = ExecutionMode.CPU_PREFERRED
    settings: FunctionSettings | None = None

    def deploy(
        self,
        active: Backend = CPU,
        ready: Sequence[Backend] = (CPU, GPU),
        template: Mapping[str, str] | None = None,
        images: Mapping[Backend, str] | None = None,
    ) -> None:
        """Apply its Configurations, wait for those that are to get ready, and give the Route its first traffic."""
        for backend in Backend:
            self.objects.apply(
                self.configuration(backend, (images or {}).get(backend, IMAGE), template),
                words.TEMPLATE_MANAGER,
                force=True,
            )
        for backend in ready:
            name = words.configuration_name(self.name, backend)
            self.objects.until(CONFIGURATION, name, is_ready)
        route = self.route()
        traffic = {"spec": {"traffic": targets(self.name, split(active, ready))}}
        bare = route | {"metadata": {"name": self.name}}
        self.objects.apply(bare | traffic, words.TRAFFIC_MANAGER)
        self.objects.apply(route, words.TEMPLATE_MANAGER)
        self.until_split(split(active, ready))

    def configuration(self, backend: Backend, image: str = IMAGE, template: Mapping[str, str] | None = None) -> Object:
        """Return the Configuration of a backend."""
        labels = {words.FUNCTION: self.name, words.BACKEND: backend.value}
        limits = {"limits": {self.gpu_resource: "1"}} if backend is GPU else {}
        made = {
            "metadata": {"labels": labels, "annotations": dict(template or {})},
            "spec": {"containers": [{"image": image, "resources": limits}]},
        }
        metadata = {"name": words.configuration_name(self.name, backend), "labels": labels}
        return {**_kind(CONFIGURATION), "metadata": metadata, "spec": {"template": made}}

    def route(self) -> Object:
        """Return the Route without its traffic."""
        settings = self.settings or FunctionSettings(
            self.name, self.mode, slo=Slo(latency_p95_ms=100.0), gpu_resource=self.gpu_resource
        )
        annotations = {words.SETTINGS: settings.to_json()}
        metadata = {"name": self.name, "labels": {words.FUNCTION: self.name}, "annotations": annotations}
        return {**_kind(ROUTE), "metadata": metadata}

    def now(self) -> Object:
        """Return the Route as it is."""
        found = self.objects.get(ROUTE, self.name)
        assert found is not None
        return found

    def until_split(self, wanted: Mapping[Backend, int], timeout_s: float = WAIT_S) -> Object:
        """Wait until the Route is ready and serves a split."""
        return self.objects.until(
            ROUTE, self.name, lambda one: is_ready(one) and split_of(one, actual=True) == wanted, timeout_s=timeout_s
        )

    def until_event(self, word: str, timeout_s: float = WAIT_S) -> Object:
        """Wait until an Event of the Route has a word, and return it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = [one for one in self.events() if one["reason"] == word]
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"no Event {word}, but {[(one['reason'], one['message']) for one in self.events()]}")

    def events(self) -> list[Object]:
        """Return the Events that the controller has written about the Route."""
        of_route = [one for one in self.objects.all(EVENT) if one["involvedObject"].get("name") == self.name]
        return [one for one in of_route if (one.get("source") or {}).get("component") == words.TRAFFIC_MANAGER]

    def annotation(self, name: str) -> str:
        """Return an annotation of the Route, empty where it has none."""
        return str((self.now()["metadata"].get("annotations") or {}).get(name, ""))

    def min_scale(self, backend: Backend) -> str:
        """Return what the PodAutoscaler of a backend's first revision asks for at least."""
        found = self.objects.get(POD_AUTOSCALER, f"{self.name}-{backend}-00001") or {"metadata": {}}
        return str((found["metadata"].get("annotations") or {}).get("autoscaling.knative.dev/min-scale", ""))

    def until_asleep(self, backend: Backend) -> None:
        """Wait until Knative has let a backend go to sleep."""
        name = f"{self.name}-{backend}-00001"
        self.objects.until(REVISION, name, lambda one: getattr(condition(one, "Active"), "status", "") == "False")

    def revision(self, backend: Backend, number: int = 1) -> Object | None:
        """Return a revision of a backend."""
        return self.objects.get(REVISION, f"{self.name}-{backend}-{number:05}")


def _kind(kind: Any) -> Object:  # noqa: ANN401 -- one of cluster.kinds
    return {"apiVersion": kind.api_version, "kind": kind.name}


class Beside:
    """A controller in a thread of its own; `hurried` is the clock of its passes alone."""

    def __init__(
        self,
        kubeconfig: Path,
        namespace: str,
        observer: Played,
        hurried: Callable[[], float] | None = None,
        **clocks: Callable[[], float],
    ) -> None:
        access = access_of({}, kubeconfig=kubeconfig, namespace=namespace)
        self.controller: Controller
        self._made, self._stop = threading.Event(), asyncio.Event()
        self._error: BaseException | None = None

        async def work() -> None:
            self._loop = asyncio.get_running_loop()
            self.controller = Controller(access, Options(namespace, namespace, port=0), observer, **clocks)
            self.controller.passes.clock = hurried or self.controller.passes.clock
            self._made.set()
            await self.controller.run(self._stop)

        def live() -> None:
            try:
                asyncio.run(work())
            except BaseException as error:  # noqa: BLE001 -- the test shows it
                self._error = error

        self._thread = threading.Thread(target=live, daemon=True)
        self._thread.start()
        assert self._made.wait(10)

    def stop(self) -> None:
        """End it as SIGTERM would."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        """End it as SIGKILL would: nothing is given back."""

        async def forget() -> None:
            pass

        self.controller.elector.release = forget  # type: ignore[method-assign]
        self.stop()

    def until_leads(self, timeout_s: float = WAIT_S) -> None:
        """Wait until it leads, and has made a pass."""
        self.until(lambda: self.controller.elector.leads() and self.controller.passes.last_pass > 0, timeout_s)

    def until(self, holds: Callable[[], object], timeout_s: float = WAIT_S) -> None:
        """Wait until something holds of it."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if self._error is not None:
                raise self._error
            assert time.monotonic() < deadline, "it does not get there"
            time.sleep(0.02)

    def look(self) -> None:
        """Let it look at each function soon: a load that is only played wakes nobody."""
        for key in list(self.controller.cluster.keys()):
            self._loop.call_soon_threadsafe(self.controller.passes.changed, key)

    def passes(self, count: int) -> None:
        """Let it make so many passes over each function, whether one is due or not."""
        for _ in range(count):
            asked = asyncio.run_coroutine_threadsafe(self._pass(), self._loop)
            asked.result(WAIT_S)

    async def _pass(self) -> None:
        passes = self.controller.passes
        await passes.idle()  # as in its own loop: what has orders under way is looked at after them
        await passes.once(list(self.controller.cluster.keys()))
        await passes.idle()

    def writes(self, *, done: bool = False) -> dict[str, float]:
        """Return how many writes it has tried, by kind; those that were `done` changed something.

        One that is refused since the object has just changed, by Knative's hand, is tried again.
        """
        found: dict[str, float] = {}
        for metric in self.controller.metrics.writes.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total") and (sample.labels["outcome"] == "done" or not done):
                    found[sample.labels["kind"]] = found.get(sample.labels["kind"], 0) + sample.value
        return found


@contextmanager
def beside(kubeconfig: Path, namespace: str, observer: Played, **clocks: Callable[[], float]) -> Iterator[Beside]:
    """Run a controller until the end of the block."""
    running = Beside(kubeconfig, namespace, observer, **clocks)
    try:
        yield running
    finally:
        running.stop()


def times(factor: float) -> Callable[[], float]:
    """Return a clock that runs so many times as fast: what takes minutes by it is over in seconds."""
    began = time.monotonic()
    return lambda: began + (time.monotonic() - began) * factor
