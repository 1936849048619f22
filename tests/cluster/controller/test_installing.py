"""`gaia controller` on a real cluster: installed with few rights, seen, and taken away, with nothing of others'."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gaia_cli.targets.knative.controlling import NAME, cluster_name, controller_objects
from runtime_images.cluster.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    DEPLOYMENT,
    LEASE,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
)
from tests.cluster.conftest import Gaia
from tests.cluster.controller.conftest import Start
from tests.support.control_plane.objects import Objects

IMAGE = "dev.local/gaia-controller"


@pytest.mark.parametrize("wide", [[], ["--cluster-wide"]])
def test_what_is_installed_can_be_taken_away_again(gaia: Gaia, objects: Objects, wide: list[str]) -> None:
    installed = gaia("controller", "install", "--image", IMAGE, *wide)
    assert installed.returncode == 0, installed.stderr
    again = gaia("controller", "install", "--image", IMAGE, *wide)
    assert again.returncode == 0

    deployment = objects.get(DEPLOYMENT, NAME)
    assert deployment
    assert deployment["metadata"]["generation"] == 1
    assert (objects.get(CLUSTER_ROLE, cluster_name(objects.namespace)) is not None) == bool(wide)

    assert gaia("controller", "uninstall").returncode == 0
    for kind in (DEPLOYMENT, ROLE, ROLE_BINDING, SERVICE_ACCOUNT):
        objects.until_gone(kind, NAME)
    for kind in (CLUSTER_ROLE, CLUSTER_ROLE_BINDING):
        assert objects.get(kind, cluster_name(objects.namespace)) is None
    gone = gaia("controller", "uninstall")
    assert gone.returncode == 2
    assert "is not installed" in gone.stderr


def test_a_dry_run_writes_nothing(gaia: Gaia, objects: Objects) -> None:
    shown = gaia("controller", "install", "--image", IMAGE, "--dry-run=client")
    checked = gaia("controller", "install", "--image", IMAGE, "--dry-run=server")

    assert [one["kind"] for one in yaml.safe_load_all(shown.stdout)] == [
        one["kind"] for one in controller_objects(objects.namespace, IMAGE, cluster_wide=False)
    ]
    assert checked.returncode == 0, checked.stderr
    assert objects.get(DEPLOYMENT, NAME) is None


def test_an_image_that_never_starts_is_told_of(gaia: Gaia, objects: Objects) -> None:
    failed = gaia("controller", "install", "--image", "dev.local/missing/controller", "--timeout", "5s")

    assert failed.returncode == 4
    assert "has no ready pod after 5 s" in failed.stderr
    assert objects.get(DEPLOYMENT, NAME) is not None


def test_anothers_objects_are_neither_replaced_nor_deleted(gaia: Gaia, objects: Objects) -> None:
    theirs = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "labels": {"team": "vision"}}}
    objects.apply(theirs)

    refused = gaia("controller", "install", "--image", IMAGE)
    assert refused.returncode == 4
    assert "is there already and not Gaia's" in refused.stderr
    assert objects.get(DEPLOYMENT, NAME) is None
    assert gaia("controller", "uninstall").returncode == 2
    assert objects.get(SERVICE_ACCOUNT, NAME) is not None


def test_a_reference_that_is_none_is_refused_before_anything_is_sent(gaia: Gaia) -> None:
    assert gaia("controller", "install", "--image", "UPPER:1:2").returncode == 2


def test_the_status_says_who_leads(gaia: Gaia, start: Start, objects: Objects) -> None:
    nobody = gaia("controller", "status")
    assert (nobody.returncode, "nobody leads" in nobody.stdout) == (1, True)

    controller = start()
    controller.until_leads()

    led = gaia("controller", "status")
    assert led.returncode == 0
    assert controller.controller.elector.identity in led.stdout
    assert objects.get(LEASE, NAME) is not None


def test_a_user_without_rights_is_told_which(gaia: Gaia, user: Callable[..., Path]) -> None:
    denied = gaia("controller", "install", "--image", IMAGE, kubeconfig=user([], name="nobody"))

    assert denied.returncode == 4
    assert "may not" in denied.stderr
