import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import docker
import pytest

from gaia_cli.engines import Launch
from gaia_cli.engines.docker import DockerEngine, RunningContainer
from gaia_cli.errors import RuntimeDiedError, UsageError
from gaia_cli.project.project import load_project
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.lifecycle import Ready, SetupFailed, Started, Stopped
from runtime_images.events.model import Event
from runtime_images.events.traffic import LogLine, Window
from runtime_images.policy.model import Accelerator, ExecutionMode

pytestmark = pytest.mark.docker
REPORT = """
import os
def handler(payload):
    return {"backend": os.environ["GAIA_BACKEND"], "cuda": os.environ.get("CUDA_VISIBLE_DEVICES", "unset")}
"""
SLOW = """
import time
def handler(payload):
    print("begun")
    time.sleep(payload)
    return {"slept": payload}
"""


def launch(directory: Path, mode: str = "cpu", accelerator: str = "none", port: int = 0) -> Launch:
    project = load_project(directory)
    settings = Settings(project.directory, function_name=project.name, mode=ExecutionMode(mode), port=port)
    return Launch(project, settings, Accelerator(accelerator))


Awaited = TypeVar("Awaited", bound=Event)


@contextmanager
def running(wanted: Launch) -> Iterator[tuple[RunningContainer, Iterator[Event]]]:
    started = DockerEngine().start(wanted, lambda _step: None)
    assert isinstance(started, RunningContainer)
    try:
        yield started, started.events()
    finally:
        started.close()


def until(events: Iterator[Event], kind: type[Awaited]) -> Awaited:
    return next(event for event in events if isinstance(event, kind))


def post(url: str, payload: object, token: str = "") -> dict[str, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    with urlopen(Request(url, json.dumps(payload).encode(), headers), timeout=20) as answer:  # noqa: S310 -- http
        return dict(json.load(answer))


def exists(client: docker.DockerClient, identifier: str) -> bool:
    return any(found.id == identifier for found in client.containers.list(all=True, ignore_removed=True))


def test_a_function_is_served_from_a_container_that_is_gone_afterwards(
    docker_client: docker.DockerClient, function: Path
) -> None:
    with running(launch(function)) as (started, events):
        ready = until(events, Ready)
        assert post(ready.url, {"name": "you"}) == {"hello": "you"}
        started.stop()
        assert until(events, Stopped).requests == 1
        assert list(events) == []
        assert started.close() == 0

    assert not exists(docker_client, started.identifier)


def test_the_admin_address_leads_in_and_asks_for_the_token(function: Path) -> None:
    with running(launch(function)) as (started, events):
        ready = until(events, Ready)
        with pytest.raises(HTTPError, match="401"):
            post(f"{ready.admin}/pin", {})

        assert post(f"{ready.admin}/pin", {}, started.admin_token) == {"pinned": True}


def test_the_container_is_read_only_bounded_and_without_privileges(
    docker_client: docker.DockerClient, function: Path
) -> None:
    with (function / "gaia.toml").open("a") as file:
        file.write('\n[run]\nmemory = "256m"\ncpus = 0.5\n')
    with running(launch(function)) as (started, _events):
        seen = docker_client.containers.get(started.identifier).attrs
        host = seen["HostConfig"]

    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert (host["Memory"], host["NanoCpus"]) == (256 * 1024 * 1024, 500_000_000)
    assert host["PidsLimit"] > 0
    assert seen["Config"]["StopTimeout"] > Settings(function).drain_timeout_s, "`docker stop` cuts no request off"
    assert {binding[0]["HostIp"] for binding in host["PortBindings"].values()} == {"127.0.0.1"}


@pytest.mark.parametrize("seconds", [2.0, pytest.param(14.0, marks=pytest.mark.long)])
def test_docker_stop_lets_a_request_end(docker_client: docker.DockerClient, function: Path, seconds: float) -> None:
    """Docker itself gives 10 s to a container that asks for no more: the long one shows that ours does."""
    (function / "func.py").write_text(SLOW)
    with running(launch(function)) as (started, events), ThreadPoolExecutor() as pool:
        asking = pool.submit(post, until(events, Ready).url, seconds)
        assert until(events, LogLine).line == "begun"
        docker_client.containers.get(started.identifier).stop()
        ended = until(events, Stopped)

        assert asking.result() == {"slept": seconds}
        assert started.close() == 0
    assert ended.requests == 1


def test_the_emulated_lane_is_a_gpu_backend_without_a_gpu(docker_client: docker.DockerClient, function: Path) -> None:
    (function / "func.py").write_text(REPORT)
    with running(launch(function, "gpu_preferred", "emulated")) as (started, events):
        assert until(events, Started).accelerator == "emulated"
        ready = until(events, Ready)

        assert post(ready.url, {})["backend"] == "gpu"
        assert not docker_client.containers.get(started.identifier).attrs["HostConfig"]["DeviceRequests"]


@pytest.mark.usefixtures("fake_gpu")
def test_the_gpu_is_passed_through_and_nvml_sees_it(function: Path) -> None:
    (function / "func.py").write_text(REPORT)
    assert DockerEngine().accelerators() == (Accelerator.NVIDIA, Accelerator.EMULATED)
    with running(launch(function, "gpu_preferred", "nvidia")) as (_started, events):
        assert until(events, Started).accelerator == "nvidia"
        ready = until(events, Ready)
        assert ready.backend == "gpu"
        assert post(ready.url, {}) == {"backend": "gpu", "cuda": "unset"}

        gpu = until(events, Window).gpu
        assert gpu is not None
        assert gpu.name == "Fake L4"


@pytest.mark.usefixtures("fake_gpu")
def test_a_switch_to_the_cpu_hides_the_gpu_from_the_function(function: Path) -> None:
    (function / "func.py").write_text(REPORT)
    with running(launch(function, "gpu_preferred", "nvidia")) as (started, events):
        ready = until(events, Ready)
        post(f"{ready.admin}/switch", {"backend": "cpu"}, started.admin_token)

        assert post(ready.url, {}) == {"backend": "cpu", "cuda": ""}


def test_a_port_that_is_taken_is_named_and_nothing_stays(docker_client: docker.DockerClient, function: Path) -> None:
    name = load_project(function).name
    with running(launch(function)) as (_first, events):
        port = int(until(events, Ready).url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"port {port} is in use"):
            DockerEngine().start(launch(function, port=port), lambda _step: None)

        mine = docker_client.containers.list(all=True, filters={"label": f"faas.gaia.name={name}"})
        assert len(mine) == 1


def test_a_function_that_cannot_be_loaded_says_so_in_its_events(function: Path) -> None:
    (function / "func.py").write_text("import no_such_module\ndef handler(payload): ...\n")
    with running(launch(function)) as (_started, events):
        failed = until(events, SetupFailed)

    assert failed.kind == "import"
    assert "no_such_module" in failed.message


def test_a_container_that_is_killed_from_outside_ends_the_events_with_an_error(
    docker_client: docker.DockerClient, function: Path
) -> None:
    with running(launch(function)) as (started, events):
        until(events, Ready)
        docker_client.containers.get(started.identifier).kill()

        with pytest.raises(RuntimeDiedError, match="killed"):
            list(events)


def test_the_container_goes_when_whoever_started_it_is_killed(
    docker_client: docker.DockerClient, function: Path, tmp_path: Path
) -> None:
    script = tmp_path / "starter.py"
    script.write_text(_STARTER)
    starter = subprocess.Popen([sys.executable, str(script), str(function)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter:
        identifier = starter.stdout.readline().strip()
        assert exists(docker_client, identifier)
        os.kill(starter.pid, signal.SIGKILL)

    deadline = time.monotonic() + 30
    while exists(docker_client, identifier) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not exists(docker_client, identifier)


_STARTER = """
import sys
from pathlib import Path
from gaia_cli.engines.docker import DockerEngine
from runtime_images.events.lifecycle import Ready
from tests.gaia_cli.engines.test_docker import launch, until
running = DockerEngine().start(launch(Path(sys.argv[1])), lambda step: None)
events = running.events()
until(events, Ready)
print(running.identifier, flush=True)
list(events)
"""
