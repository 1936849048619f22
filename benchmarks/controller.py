"""The controller with a thousand functions: a pass with nothing to change, memory, and processor time at rest.

    python -m benchmarks.controller KUBECONFIG [--functions 1000] [--seconds 30]

The cluster is real (`python -m tests.support.control_plane up` makes one): each function's Configurations and Route are
applied to it, and the controller lists and watches them. Knative takes hours to make two thousand revisions on one
machine, so what it would add is taken from one function that is ready, and put into the controller's copy under the
names of all others. Each function has a measurement, so that the policy is asked for each one in a pass; none has
pods. Processor time and memory are of the controller's own process.
"""

import argparse
import asyncio
import copy
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gaia_cli.targets.kubeconfig.access import access_of
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.kinds import CONFIGURATION, NAMESPACE, POD_AUTOSCALER, REVISION, ROUTE
from runtime_images.cluster.words import FUNCTION
from runtime_images.controller.life import Controller, Options
from runtime_images.controller.observing import Asked, Key, Measurement
from runtime_images.policy.model import CPU, GPU, Backend, LaneObservation
from tests.support.control_plane.objects import Objects
from tests.support.controlling import Function

SPACE = "gaia-bench"
MODEL = "model"
TOGETHER = 16
"""Writes under way at a time while the functions are made."""


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
        shaped = {name: _shape(Function(objects, "nvidia.com/gpu", name)) for name in names}
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
    await controller.passes.once(keys)
    walls, cpus = [], []
    for _ in range(9):
        wall, cpu = time.perf_counter(), time.process_time()
        await controller.passes.once(keys)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    cpu = time.process_time()
    await asyncio.sleep(seconds)
    resting = (time.process_time() - cpu) / seconds
    writes = sum(s.value for m in controller.metrics.writes.collect() for s in m.samples if s.name.endswith("_total"))
    stop.set()
    await running
    return {
        "functions": len(list(controller.cluster.keys())), "listed after (s)": synced_s,
        "pass, wall (s)": statistics.median(walls), "pass, processor (s)": statistics.median(cpus),
        "processor at rest (% of a core)": 100 * resting,
        "memory, peak (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, "API writes": writes,
    }  # fmt: skip


def _child(kubeconfig: Path, count: int, seconds: float, model: Mapping[str, list[Object]]) -> None:
    figures = asyncio.run(measure(kubeconfig, count, seconds, model))
    for name, value in figures.items():
        print(f"{name:34} {value:10.3f}")


def main() -> None:
    """Make the functions, measure in a process of its own, and take them away."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("--functions", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    with Objects(given.kubeconfig, SPACE) as objects:
        objects.apply({"apiVersion": "v1", "kind": NAMESPACE.name, "metadata": {"name": SPACE}})
        try:
            function = Function(objects, "nvidia.com/gpu", MODEL)
            function.deploy()
            for backend in Backend:
                function.until_asleep(backend)
            label = f"{FUNCTION}={MODEL}"
            kinds = (ROUTE, CONFIGURATION, REVISION, POD_AUTOSCALER)
            model = {kind.plural: objects.all(kind, labels=label) for kind in kinds}
            asyncio.run(make(given.kubeconfig, given.functions))
            child = multiprocessing.get_context("spawn").Process(
                target=_child, args=(given.kubeconfig, given.functions, given.seconds, model)
            )
            child.start()
            child.join()
        finally:
            objects.delete(NAMESPACE, SPACE)


if __name__ == "__main__":
    main()
