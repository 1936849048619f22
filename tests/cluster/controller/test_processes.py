"""Controllers as processes of their own: ended by a signal, crashed in a pod."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gaia_cli.targets.knative.controlling import NAME
from runtime_images.cluster.kinds import LEASE, POD
from runtime_images.cluster.words import NAME_LABEL
from tests.cluster.conftest import Gaia
from tests.support.cli import GAIA
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object


def holder(lease: Object) -> str:
    return str(lease["spec"].get("holderIdentity") or "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_its_code_and_gives_the_lease_back(
    objects: Objects, account: Path, number: signal.Signals, code: int
) -> None:
    command = [GAIA, "controller", "run", "--kubeconfig", str(account), "--port", "0"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        objects.until(LEASE, NAME, holder)
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()

    assert running.returncode == code, said
    assert "Traceback" not in said
    lease = objects.get(LEASE, NAME)
    assert lease
    assert holder(lease) == ""


def test_a_port_that_is_taken_is_said_before_anything_is_led(gaia: Gaia, objects: Objects) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = gaia("controller", "run", "--port", str(port), process=True)

    assert done.returncode == 2
    assert f"error: port {port} is taken" in done.stderr
    assert objects.get(LEASE, NAME) is None


def test_a_pod_that_ends_at_once_is_no_install_and_its_last_words_are_shown(
    gaia: Gaia, a_plane: Plane, objects: Objects
) -> None:
    image = f"dev.local/real/ends-{objects.namespace}"
    a_plane.provide(image, Path("/"), [sys.executable, "-c", "raise SystemExit('there is no such metrics source')"])

    failed = gaia("controller", "install", "--image", image, "--timeout", "15s")

    assert failed.returncode == 4
    assert "there is no such metrics source" in failed.stderr


def test_an_upgrade_is_not_done_while_only_the_pod_before_it_is_ready(gaia: Gaia, objects: Objects) -> None:
    assert gaia("controller", "install", "--image", "dev.local/gaia-controller").returncode == 0

    failed = gaia("controller", "install", "--image", "dev.local/missing/controller", "--timeout", "5s")

    assert failed.returncode == 4, objects.namespace
    assert "has no ready pod" in failed.stderr


def test_a_real_controller_in_a_pod_is_ready_once_it_has_seen_everything(
    gaia: Gaia, a_plane: Plane, objects: Objects
) -> None:
    image = f"dev.local/real/controller-{objects.namespace}"
    a_plane.provide(image, Path("/"), [sys.executable, "-m", "runtime_images.controller"])

    done = gaia("controller", "install", "--image", image, "--timeout", "90s")

    assert done.returncode == 0, done.stderr
    (pod,) = objects.all(POD, labels=f"{NAME_LABEL}={NAME}")
    assert holder(objects.until(LEASE, NAME, holder)).endswith(pod["metadata"]["uid"])
