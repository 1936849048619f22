"""What a cluster takes and then does not do, and what its policies refuse; and a deploy that somebody breaks off."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import CONFIG_MAP, CONFIGURATION, NAMESPACE, ROUTE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.layout import SYSTEM_NAMESPACE
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.deploying import emulated, function, image, route, shares, versions


def test_a_namespace_of_the_restricted_level_takes_what_gaia_deploys(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    objects.merge(
        NAMESPACE, objects.namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    )

    done = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    found = objects.until(CONFIGURATION, "hello-cpu", is_ready)
    assert isinstance(found["spec"]["template"]["spec"]["containers"][0]["securityContext"]["runAsUser"], int)


@pytest.mark.parametrize("value", ["cluster_local", "local", "private", ""])
def test_a_misspelt_visibility_is_refused_before_all(gaia: Gaia, objects: Objects, tmp_path: Path, value: str) -> None:
    directory = function(tmp_path / "f", emulated(f'visibility = "{value}"\n'))

    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert done.returncode == 2
    assert "visibility" in done.stderr
    assert "cluster-local" in done.stderr
    assert versions(objects) == {}


def test_a_function_of_the_cluster_alone_has_no_address_outside(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated('visibility = "cluster-local"\n'))

    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    status = route(objects)["status"]
    urls = [status["url"], *(one["url"] for one in status["traffic"])]
    assert all(url.endswith(f".{objects.namespace}.svc.cluster.local") for url in urls), urls


def test_ctrl_c_while_it_waits_leaves_what_the_next_deploy_completes(
    gaia: Gaia, objects: Objects, kubeconfig: Path, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", emulated())
    arguments = ["deploy", str(directory), "--image", image("some/never/one"), "-y"]
    started = subprocess.Popen(
        [sys.executable, "-m", "gaia_cli", *arguments],
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    objects.until(ROUTE, "hello", lambda _: True)
    objects.until(CONFIGURATION, "hello-cpu", lambda found: found.get("status"))
    time.sleep(1.0)  # into the wait; an earlier signal would be heeded as well
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)

    assert started.returncode == 130
    assert "deploy again to complete it" in said
    assert "Traceback" not in said
    done = gaia("deploy", str(directory), "--image", image(), "-y")
    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}


def test_a_cluster_that_joins_name_and_namespace_says_why_an_address_is_too_long(
    alone: None,  # noqa: ARG001 -- the form of addresses holds for the whole cluster
    gaia: Gaia,
    objects: Objects,
    tmp_path: Path,
) -> None:
    form = {"domain-template": "{{.Name}}-{{.Namespace}}.{{.Domain}}"}
    objects.merge(CONFIG_MAP, "config-network", {"data": form}, SYSTEM_NAMESPACE)
    try:
        directory = function(tmp_path / "short", emulated(), name="short")
        gaia("deploy", str(directory), "--image", image(), "-y")
        objects.until(ROUTE, "short", lambda found: f"short-{objects.namespace}." in str(found["status"].get("url")))
        name = "a" * 55
        done = gaia("deploy", str(function(tmp_path / "f", emulated(), name=name)), "--image", image(), "-y")
    finally:
        objects.merge(CONFIG_MAP, "config-network", {"data": {"domain-template": None}}, SYSTEM_NAMESPACE)

    assert done.returncode == 4
    assert "invalid domain name" in done.stderr
    assert "55 letters" in done.stderr
    assert f"{objects.namespace} {len(objects.namespace)}" in done.stderr


_OWN = ["get", "list", "watch", "create", "update", "patch", "delete"]
_KINDS = ["configurations", "routes", "revisions", "services"]
_READ = ["pods", "pods/log", "events"]


def test_a_user_with_rights_in_one_namespace_deploys_and_hears_what_is_unknown(
    gaia: Gaia, user: Callable[..., Path], tmp_path: Path
) -> None:
    theirs = user(
        [
            {"apiGroups": ["serving.knative.dev"], "resources": _KINDS, "verbs": _OWN},
            {"apiGroups": [""], "resources": _READ, "verbs": ["get", "list"]},
        ]
    )
    directory = function(tmp_path / "f", emulated())

    done = gaia("deploy", str(directory), "--image", image(), "-y", kubeconfig=theirs)

    assert done.returncode == 0, done.stderr
    assert "unknown" in done.stdout
    assert gaia("deploy", str(directory), "--image", image(), "-y", kubeconfig=theirs).returncode == 0
