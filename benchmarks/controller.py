"""The controller: switches, then a thousand functions: a pass with nothing to change, memory, processor time at rest.

    python -m benchmarks.controller [KUBECONFIG] [--switches 20] [--functions 1000] [--seconds 30]

The cluster is real, and made for it where none is given: each function's Configurations and Route are applied to it,
and the controller lists and watches them. Knative takes hours to make two thousand revisions on one machine, so what it
would add is taken from one function that is ready, and put into the controller's copy under the names of all others.
In a cluster that was made for it Knative's own controller is stopped then: at rest nothing changes. Each function has a
measurement, so that the policy is asked for each one in a pass; none has pods. Processor time and memory are of the
controller's own process. The first pass reads all objects, later ones what has changed: at rest nothing.

A switch is timed from its first order, which is given in the pass that decides, to the pass that sees the Route confirm
all traffic. Both backends run, and answer well; a pin that changes sides asks for each one.
"""

import argparse
import asyncio
import copy
import json
import logging
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gaia_cli.targets.kubeconfig.access import access_of
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.kinds import CONFIGURATION, NAMESPACE, POD_AUTOSCALER, REVISION, ROUTE
from runtime_images.cluster.warming import MIN_SCALE
from runtime_images.cluster.words import FUNCTION, PIN
from runtime_images.controller.life import Controller, Options
from runtime_images.controller.observing import Asked, Key, Measurement
from runtime_images.policy.model import CPU, GPU, Backend, LaneObservation
from tests.support.control_plane import lifecycle
from tests.support.control_plane.objects import Objects
from tests.support.controlling import Function, Played, beside

SPACE = "gaia-bench"
MODEL = "model"
SWITCHED = "switched"
GPU_RESOURCE = "nvidia.com/gpu"
TOGETHER = 16
"""Writes under way at a time while the functions are made."""


class Orders(logging.Handler):
    """The orders of a controller, as its log has them: when, and which."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note an order."""
        if record.getMessage() == "order":
            self.given.append((record.created, getattr(record, "said", {})["order"]))


def switch(kubeconfig: Path, objects: Objects, count: int) -> None:
    """Switch a function there and back, and print how long that took, and what was written."""
    function, orders, taken_s = Function(objects, GPU_RESOURCE, SWITCHED), Orders(), list[float]()
    function.deploy(template={MIN_SCALE: "1"})
    log = logging.getLogger("runtime_images.controller.passes")
    log.addHandler(orders)
    log.setLevel(logging.INFO)
    with beside(kubeconfig, SPACE, Played(rate=5.0)) as controller:
        controller.until_leads()
        for number in range(count):
            orders.given.clear()
            pin = (GPU, CPU)[number % 2].value
            objects.merge(ROUTE, SWITCHED, {"metadata": {"annotations": {PIN: pin}}})
            controller.until(lambda: orders.given and orders.given[-1][1] == "tell")
            taken_s.append(orders.given[-1][0] - orders.given[0][0])
        controller.until(lambda: not controller.controller.passes.busy)
        writes = sum(controller.writes().values())
    _show({
        "switches": count, "switch, median (s)": statistics.median(taken_s), "switch, longest (s)": max(taken_s),
        "API writes a switch, tried": writes / count,
    })  # fmt: skip
    objects.merge(ROUTE, SWITCHED, {"metadata": {"annotations": {PIN: None}}})


def _show(figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        print(f"{name:34} {value:10.3f}", flush=True)


class Resting:
    """An observer that knows every function, and that none has anything to do."""

    async def measure(self, functions: Sequence[Asked], now: float) -> Mapping[Key, Measurement]:
        """Return that nothing waits and nothing is late."""
        lane = LaneObservation(available=True, running=True, finished=100, answered=100)
        return {one.key: Measurement(now, {CPU: lane, GPU: lane}, idle_s=100.0) for one in functions}

    async def close(self) -> None:
        """Nothing is open."""


async def make(kubeconfig: Path, count: int) -> list[str]:
    """Apply the objects of so many functions; return their names."""
    names = [f"f{number:04}" for number in range(count)]
    gate = asyncio.Semaphore(TOGETHER)
    with Objects(kubeconfig, SPACE) as objects:
        shaped = {name: _shape(Function(objects, GPU_RESOURCE, name)) for name in names}
    async with Api(access_of({}, kubeconfig=kubeconfig, namespace=SPACE)) as api:

        async def one(wanted: Object) -> None:
            async with gate:
                await api.apply(
                    wanted, "gaia-controller" if "spec" in wanted and "traffic" in wanted["spec"] else "gaia"
                )

        await asyncio.gather(*(one(wanted) for wanted_all in shaped.values() for wanted in wanted_all))
    return names


def _shape(function: Function) -> list[Object]:
    route = function.route()
    traffic = [
        {"configurationName": f"{function.name}-{backend}", "latestRevision": True, "percent": share, "tag": backend}
        for backend, share in (("cpu", 100), ("gpu", 0))
    ]
    found = [*(function.configuration(backend) for backend in Backend), route | {"spec": {"traffic": traffic}}]
    for one in found:
        one["metadata"]["namespace"] = SPACE
    return found


async def complete(controller: Controller, names: Sequence[str], model: Mapping[str, list[Object]]) -> None:
    """Give every function what Knative would have made for it, as it has for the model."""
    for name in names:
        for watched in controller.cluster.watches:
            for one in model[watched.kind.plural]:
                watched.take(_renamed(one, name))


def _renamed(one: Object, name: str) -> Object:
    text = json.dumps(one).replace(f'"{MODEL}"', f'"{name}"').replace(f'"{MODEL}-', f'"{name}-')
    made: Object = json.loads(text)
    made["metadata"]["resourceVersion"] = str(2**62)
    return made


async def measure(kubeconfig: Path, count: int, seconds: float, model: Mapping[str, list[Object]]) -> dict[str, float]:
    """Run a controller over the functions, and return the figures."""
    access = access_of({}, kubeconfig=kubeconfig, namespace=SPACE)
    controller, stop = Controller(access, Options(SPACE, SPACE, port=0), Resting()), asyncio.Event()
    began = time.monotonic()
    running = asyncio.create_task(controller.run(stop))
    await controller.cluster.synced()
    synced_s = time.monotonic() - began
    names = [f"f{number:04}" for number in range(count)]
    await complete(controller, names, copy.deepcopy(dict(model)))
    keys = [(SPACE, name) for name in names]
    await controller.elector.stand()
    cpu = time.process_time()
    await controller.passes.once(keys)
    first = time.process_time() - cpu
    walls, cpus = [], []
    for _ in range(9):
        wall, cpu = time.perf_counter(), time.process_time()
        await controller.passes.once(keys)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    seen = _counting(controller)
    cpu = time.process_time()
    await asyncio.sleep(seconds)
    resting = (time.process_time() - cpu) / seconds
    writes = sum(s.value for m in controller.metrics.writes.collect() for s in m.samples if s.name.endswith("_total"))
    stop.set()
    await running
    return {
        "functions": len(list(controller.cluster.keys())), "listed after (s)": synced_s,
        "first pass, processor (s)": first,
        "pass, wall (s)": statistics.median(walls), "pass, processor (s)": statistics.median(cpus),
        "processor at rest (% of a core)": 100 * resting, "changes then (1/s)": len(seen) / seconds,
        "memory, peak (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, "API writes": writes,
    }  # fmt: skip


def _counting(controller: Controller) -> list[Object]:
    """Return a list to which all is added that the controller's watches bring from now on."""
    seen = list[Object]()
    for watched in controller.cluster.watches:
        take = watched.take

        def counted(object_: Object, take: Callable[[Object], None] = take) -> None:
            seen.append(object_)
            take(object_)

        watched.take = counted  # type: ignore[method-assign]
    return seen


def _child(kubeconfig: Path, count: int, seconds: float, model: Mapping[str, list[Object]]) -> None:
    _show(asyncio.run(measure(kubeconfig, count, seconds, model)))


def main() -> None:
    """Switch one function, make all the others, measure in a process of its own, and take them away."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kubeconfig", type=Path, nargs="?")
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--functions", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    plane = None if given.kubeconfig else lifecycle.up_anywhere(os.getpid())
    kubeconfig = plane.kubeconfig if plane else given.kubeconfig
    with Objects(kubeconfig, SPACE) as objects:
        objects.apply({"apiVersion": "v1", "kind": NAMESPACE.name, "metadata": {"name": SPACE}})
        try:
            switch(kubeconfig, objects, given.switches)
            function = Function(objects, GPU_RESOURCE, MODEL)
            function.deploy()
            for backend in Backend:
                function.until_asleep(backend)
            label = f"{FUNCTION}={MODEL}"
            kinds = (ROUTE, CONFIGURATION, REVISION, POD_AUTOSCALER)
            model = {kind.plural: objects.all(kind, labels=label) for kind in kinds}
            if plane:
                plane.stop("controller")
            asyncio.run(make(kubeconfig, given.functions))
            child = multiprocessing.get_context("spawn").Process(
                target=_child, args=(kubeconfig, given.functions, given.seconds, model)
            )
            child.start()
            child.join()
        finally:
            objects.delete(NAMESPACE, SPACE)


if __name__ == "__main__":
    main()
