"""`gaia logs` on a real control plane, whose played pods have said two lines each, or what a file of the test says."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import POD
from tests.cluster.conftest import Gaia
from tests.cluster.inspecting.conftest import Deployed, asleep
from tests.support.cli import GAIA
from tests.support.control_plane.objects import Objects


def name_of(objects: Objects, revision: str) -> str:
    (pod,) = objects.pods(revision)
    name: str = pod["metadata"]["name"]
    return name


def test_the_lines_of_all_pods_stand_behind_backend_and_pod(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    cpu, gpu = name_of(objects, "hello-cpu-00001"), name_of(objects, "hello-gpu-00001")

    done = gaia("logs", "hello")

    assert done.returncode == 0, done.stderr
    assert f"[cpu {cpu.rpartition('-')[2]}] user-container of {cpu} is ready" in done.stdout.splitlines()
    assert f"[gpu {gpu.rpartition('-')[2]}] user-container of {gpu} is ready" in done.stdout.splitlines()
    assert "queue-proxy" not in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_lines_can_be_of_one_backend_and_few(gaia: Gaia, deployed: Deployed) -> None:
    deployed()

    lines = gaia("logs", "hello", "--backend", "gpu", "--tail", "1").stdout.splitlines()

    assert len(lines) == 1
    assert lines[0].startswith("[gpu ")
    assert gaia("logs", "hello", "--since", "5m").returncode == 0
    assert gaia("logs", "hello", "--since", "soon").returncode == 2
    assert gaia("logs", "hello", "--backend", "tpu").returncode == 2


def test_a_backend_without_pods_says_why(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    asleep(objects, "hello-gpu-00001")

    done = gaia("logs", "hello", "--backend", "gpu")

    assert (done.returncode, done.stdout) == (0, "")
    assert "hello has no pod on gpu: it is scaled to zero, since nobody asks for it" in done.stderr


def test_what_is_not_deployed_has_no_log(gaia: Gaia) -> None:
    done = gaia("logs", "hello")
    assert (done.returncode, "there is no function hello" in done.stderr) == (4, True)


@pytest.fixture
def follower() -> Iterator[list["subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_new_pods_are_followed_and_gone_ones_end_nothing(
    objects: Objects, deployed: Deployed, kubeconfig: Path, follower: "list[subprocess.Popen[str]]"
) -> None:
    deployed(target='[targets.here]\naccelerator = "emulated"\nmin_scale = 1\n')
    first = name_of(objects, "hello-cpu-00001")
    process = subprocess.Popen(
        [GAIA, "logs", "hello", "-f", "--backend", "cpu"],
        env=os.environ | {"KUBECONFIG": str(kubeconfig), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    follower.append(process)
    assert process.stdout is not None
    assert f"of {first} has started" in process.stdout.readline()
    assert f"of {first} is ready" in process.stdout.readline()

    objects.delete(POD, first, grace_s=0)

    line = process.stdout.readline()
    assert "has started" in line
    assert first not in line
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
