"""`gaia delete` on a real control plane: all of a function goes, and nothing of anybody else."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE, Kind
from tests.cluster.conftest import Gaia
from tests.cluster.inspecting.conftest import Deployed
from tests.cluster.inspecting.test_listing import others_configuration, others_route
from tests.support.cli import GAIA
from tests.support.control_plane.objects import Objects
from tests.support.processes import eventually

FINALIZER = "gaia.test/held"


def hold(objects: Objects, kind: Kind, name: str) -> None:
    found = objects.get(kind, name)
    assert found is not None
    finalizers = [*(found["metadata"].get("finalizers") or ()), FINALIZER]
    objects.merge(kind, name, {"metadata": {"finalizers": finalizers}})


def let_go(objects: Objects, kind: Kind, name: str) -> None:
    objects.merge(kind, name, {"metadata": {"finalizers": None}})


def test_a_function_goes_with_all_that_it_stood_on(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    deployed(name="other")

    done = gaia("delete", "hello", "-y")

    assert (done.returncode, done.stdout) == (0, "deleted hello\n"), done.stderr
    assert "Route hello, deployed by anna from git.test/team/hello" in done.stderr
    assert "Configuration hello-gpu" in done.stderr
    assert "hello-cpu-00001" in done.stderr
    assert [one["metadata"]["name"] for one in objects.all(ROUTE)] == ["other"]
    assert [one["metadata"]["name"] for one in objects.all(CONFIGURATION)] == ["other-cpu", "other-gpu"]
    assert {one["metadata"]["name"] for one in objects.all(REVISION)} == {"other-cpu-00001", "other-gpu-00001"}


def test_a_function_that_is_not_there_is_an_error_as_for_kubectl(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    done = gaia("delete", "hello", "-y")
    assert (done.returncode, "there is no function hello in namespace" in done.stderr) == (4, True)

    deployed()
    assert gaia("delete", "hello", "-y").returncode == 0
    assert gaia("delete", "hello", "-y").returncode == 4
    assert objects.all(CONFIGURATION) == []


def test_nothing_of_somebody_else_goes(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    objects.apply(others_configuration("hello-cpu"))
    objects.apply(others_route("hello", "hello-cpu"))

    done = gaia("delete", "hello", "-y")

    assert (done.returncode, "was not made by Gaia" in done.stderr) == (4, True)
    assert objects.get(ROUTE, "hello") is not None

    deployed(name="mine")
    objects.apply(others_configuration("mine-extra"))
    labels = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    objects.merge(CONFIGURATION, "mine-gpu", labels)
    assert gaia("delete", "mine", "-y").returncode == 0
    left = {one["metadata"]["name"] for one in objects.all(CONFIGURATION)}
    assert left == {"hello-cpu", "mine-extra", "mine-gpu"}


@pytest.mark.parametrize(("kind", "name"), [(ROUTE, "hello"), (CONFIGURATION, "hello-gpu")])
def test_what_a_finalizer_holds_is_named_and_the_next_delete_completes_it(
    gaia: Gaia, objects: Objects, deployed: Deployed, kind: Kind, name: str
) -> None:
    deployed()
    hold(objects, kind, name)

    done = gaia("delete", "hello", "-y", "--timeout", "2s")

    assert done.returncode == 4
    assert f"{name} (held by the finalizer {FINALIZER}" in done.stderr.replace("routes.serving.knative.dev, ", "")
    described = gaia("describe", "hello")
    assert described.returncode == 0
    let_go(objects, kind, name)
    assert gaia("delete", "hello", "-y").returncode in (0, 4)  # it may have gone by itself meanwhile
    assert objects.all(ROUTE) == objects.all(CONFIGURATION) == []


def test_without_waiting_the_answer_comes_at_once_and_says_so(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    hold(objects, ROUTE, "hello")

    done = gaia("delete", "hello", "-y", "--no-wait")

    assert (done.returncode, done.stdout) == (0, "hello is being deleted\n")
    assert "being deleted" in gaia("describe", "hello").stdout
    refused = gaia("switch", "hello", "gpu")
    assert (refused.returncode, "is being deleted" in refused.stderr) == (4, True)
    let_go(objects, ROUTE, "hello")
    objects.until_gone(ROUTE, "hello")


def test_where_nobody_can_be_asked_nothing_goes(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()

    done = gaia("delete", "hello", process=True)

    assert (done.returncode, "give -y" in done.stderr) == (2, True)
    assert objects.get(ROUTE, "hello") is not None


@pytest.mark.parametrize(("answer", "goes"), [("n\n", False), ("\n", False), ("y\n", True)])
def test_a_person_is_asked(objects: Objects, deployed: Deployed, kubeconfig: Path, answer: str, goes: bool) -> None:
    deployed()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [GAIA, "delete", "hello"],
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    while b"Delete this?" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, answer.encode())

    assert process.wait(60) == 0
    assert b"Route hello" in shown
    assert (objects.get(ROUTE, "hello") is None) is goes
    os.close(ours)


def test_ctrl_c_while_waiting_leaves_what_the_next_delete_completes(
    gaia: Gaia, objects: Objects, deployed: Deployed, kubeconfig: Path
) -> None:
    deployed()
    hold(objects, ROUTE, "hello")
    process = subprocess.Popen(
        [GAIA, "delete", "hello", "-y"],
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: objects.get(CONFIGURATION, "hello-gpu") is None)
    process.send_signal(signal.SIGINT)

    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "gaia delete hello again takes away what is left" in said
    assert "Traceback" not in said
    let_go(objects, ROUTE, "hello")
    objects.until_gone(ROUTE, "hello")
    assert gaia("delete", "hello", "-y").returncode == 4
