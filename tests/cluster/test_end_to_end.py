"""Load flows through a real cluster while its parts move and fail: no request is lost, and none is served twice.

The function runs in pods with Knative's queue-proxy, reached through its activator and a gateway. It writes down the
number of each request, when it was served and in which pod.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from gaia_cli.targets.knative.controlling import NAME
from gaia_cli.targets.knative.objects import route_traffic
from runtime_images.cluster import words
from runtime_images.cluster.kinds import CONFIGURATION, LEASE, POD, REVISION, ROUTE
from runtime_images.cluster.traffic import Split, split, split_of
from runtime_images.policy.model import CPU, GPU
from tests.cluster.conftest import Gaia
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.load import Load, load
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object
from tests.support.registry import Pusher
from tests.support.serving import write_function

FUNCTION = """
import os, time

FILE = os.open(os.environ["SERVED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def handler(payload):
    until = time.thread_time() + 0.15
    while payload["heavy"] and os.environ["GAIA_BACKEND"] == "cpu" and time.thread_time() < until:
        pass
    os.write(FILE, f"{payload['number']} {time.time()} {os.environ['HOSTNAME']}\\n".encode())
    return payload
"""

GAIA_TOML = """
[function]
name = "hello"

[mode]
pin = "cpu_preferred"

[slo]
latency_p95_ms = 100

[targets.here]
accelerator = "emulated"

[targets.here.env]
SERVED = "{served}"
"""


_OTHERS = 1_000_000
"""Where the numbers of a second load begin."""
_MOVED_S = 150.0
"""A busy machine is no failure, and a controller pauses after a failure before it tries again."""


@dataclass
class Deployed:
    """A function on the cluster, and what it has written down."""

    plane: Plane
    objects: Objects
    host: str
    served: Path

    def move(self, wanted: Split) -> None:
        """Write the traffic as the controller does, and wait until the Route confirms it."""
        self.objects.apply(route_traffic("hello", self.objects.namespace, wanted), words.TRAFFIC_MANAGER)
        self.until(wanted)

    def until(self, wanted: Split) -> Object:
        """Wait until the Route serves a split."""
        return self.objects.until(
            ROUTE, "hello", lambda one: is_ready(one) and split_of(one, actual=True) == wanted, timeout_s=_MOVED_S
        )

    def ask_for(self, gpus: Gpus) -> None:
        """Let the gpu backend, which is emulated, hold a GPU of this test all the same."""
        configuration = self.objects.get(CONFIGURATION, "hello-gpu")
        assert configuration is not None
        (container,) = configuration["spec"]["template"]["spec"]["containers"]
        container["resources"] = {"limits": {gpus.resource: "1"}}
        self.objects.call("PUT", self.objects.path(CONFIGURATION, "hello-gpu"), configuration)
        self.objects.until(REVISION, "hello-gpu-00002", is_ready)

    def until_another_split(self) -> None:
        """Wait until the Route is asked for another split than now."""
        route = self.objects.get(ROUTE, "hello")
        assert route is not None
        before = split_of(route)
        self.objects.until(ROUTE, "hello", lambda one: split_of(one) != before, timeout_s=_MOVED_S)

    def kill(self, name: str) -> None:
        """Kill the pods of a Deployment, which makes others."""
        for pod in self.objects.all(POD, labels=f"{words.NAME_LABEL}={name}"):
            self.objects.delete(POD, pod["metadata"]["name"], grace_s=0)

    def replace(self, name: str) -> None:
        """Kill the controller, and wait until the one that is made in its place leads."""
        lease = self.objects.get(LEASE, name)
        assert lease is not None
        before = lease["spec"]["holderIdentity"]
        self.kill(name)
        self.objects.until(LEASE, name, lambda one: one["spec"]["holderIdentity"] != before, timeout_s=_MOVED_S)

    def check(self, seen: Load) -> None:
        """Check that each request was served once, by a runtime that was ready."""
        lines = [line.split() for line in self.served.read_text().splitlines()]
        times = Counter(int(number) for number, _, _ in lines)
        ready = self._ready_times()

        assert seen.lost == [], seen.summary()
        assert [number for number in seen.answered if times[number] != 1] == []
        assert [line for line in lines if float(line[1]) < ready[line[2]]] == []

    def _ready_times(self) -> dict[str, float]:
        """Return when each pod's runtime has said that it is ready, by the names of pods."""
        found = {}
        for directory in (self.plane.layout.directory / "pods").iterdir():
            name, log = directory / "name", directory / "user-container-0.log"
            if name.exists() and log.exists():
                events = [
                    json.loads(line.partition(" ")[2]) for line in log.read_text().splitlines() if '"ready"' in line
                ]
                found[name.read_text()] = min((one["t"] for one in events if one["event"] == "ready"), default=0.0)
        return found


@pytest.fixture
def deployed(a_plane: Plane, objects: Objects, gaia: Gaia, registry: str, tmp_path: Path) -> Deployed:
    """A dynamic function, both of whose backends are ready."""
    served = tmp_path / "served"
    directory = write_function(tmp_path / "function", FUNCTION)
    (directory / "gaia.toml").write_text(GAIA_TOML.format(served=served))
    name = f"{objects.namespace}/real/hello"
    digest = Pusher(registry, name).image("1")
    a_plane.provide(f"{registry}/{name}", directory)
    done = gaia("deploy", str(directory), "--target", "here", "--image", f"{registry}/{name}@{digest}", "-y")
    assert done.returncode == 0, done.stderr
    url = objects.until(ROUTE, "hello", is_ready)["status"]["url"]
    return Deployed(a_plane, objects, url.removeprefix("http://"), served)


@pytest.mark.timeout(300, func_only=True)
def test_no_request_is_lost_over_twenty_switches(deployed: Deployed, a_plane: Plane) -> None:
    with load(a_plane.layout.address, deployed.host) as seen:
        for turn in range(20):
            deployed.move(split(GPU if turn % 2 == 0 else CPU, (CPU, GPU)))
            seen.go_on(20)

    deployed.check(seen)
    assert min(seen.backends["cpu"], seen.backends["gpu"]) > 100, seen.summary()


@pytest.mark.timeout(300, func_only=True)
def test_no_request_is_lost_while_the_api_server_is_killed_and_started_again(deployed: Deployed, plane: Plane) -> None:
    with load(plane.layout.address, deployed.host) as seen:
        for turn in range(5):
            plane.restart_api_server(lambda: seen.go_on(50))
            deployed.move(split(GPU if turn % 2 == 0 else CPU, (CPU, GPU)))
            seen.go_on(20)

    deployed.check(seen)


@pytest.fixture
def controller(a_plane: Plane, objects: Objects, gaia: Gaia) -> str:
    """A controller in a pod of the cluster, with the rights that its install gives it; its Deployment's name."""
    image = f"dev.local/real/{objects.namespace}-controller"
    a_plane.provide(image, Path("/"), [sys.executable, "-m", "runtime_images.controller"])
    done = gaia("controller", "install", "--image", image)
    assert done.returncode == 0, done.stderr
    return NAME


@pytest.mark.timeout(580, func_only=True)
def test_no_request_is_lost_while_a_controller_acts_and_what_it_rests_on_fails(
    deployed: Deployed, plane: Plane, gpus: Gpus, controller: str
) -> None:
    gpus.set(1)
    deployed.ask_for(gpus)
    on_gpu = split(GPU, (CPU, GPU))
    with load(plane.layout.address, deployed.host, connections=2, heavy=True) as seen:
        deployed.until(on_gpu)
        seen.heavy = False

        deployed.kill(controller)
        gpus.lose(gracefully=True)
        deployed.until(split(CPU, (CPU,)))
        # Those that the activator keeps for the lost backend wait for it; all others are served.
        with load(plane.layout.address, deployed.host, first=_OTHERS) as others:
            others.go_on(20)
            plane.restart_api_server(lambda: others.go_on(20))
            gpus.set(1)
            deployed.until(split(CPU, (CPU, GPU)))
        seen.heavy = True
        deployed.until(on_gpu)
        seen.heavy = False
        seen.go_on(20)

    deployed.check(others)
    deployed.check(seen)


@pytest.mark.timeout(580, func_only=True)
def test_no_request_is_lost_while_the_policy_moves_it_and_the_controller_is_killed_five_times(
    deployed: Deployed, a_plane: Plane, controller: str
) -> None:
    address, host, loads = a_plane.layout.address, deployed.host, list[Load]()
    for turn, wanted in enumerate((GPU, CPU, GPU)):
        # Many that the CPU is too slow for, then so few that the GPU is not worth its price.
        connections, pause_s = (2, 0.0) if wanted is GPU else (1, 30.0)
        first = 2 * turn * _OTHERS
        with load(address, host, connections, pause_s, heavy=wanted is GPU, first=first) as seen:
            deployed.until_another_split()
            with load(address, host, 2, 0.02, first=first + _OTHERS) as others:
                deployed.replace(controller)
                deployed.until(split(wanted, (CPU, GPU)))
                if turn < 2:
                    deployed.replace(controller)
                others.go_on(50)
        loads += [seen, others]

    for seen in loads:
        deployed.check(seen)
    for backend in ("cpu", "gpu"):
        assert sum(seen.backends[backend] for seen in loads) > 100, [seen.summary() for seen in loads]
