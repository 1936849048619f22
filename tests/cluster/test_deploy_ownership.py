"""Whose is it: what stands under a function's names is found before the first write, and never taken silently."""

import shutil
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import CONFIGURATION, KNATIVE_SERVICE, REVISION, ROUTE, SERVICE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object
from tests.support.deploying import emulated, function, image, revisions, route, shares, versions


def knative_service(name: str) -> Object:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [{"image": image("theirs")}]}}},
    }


def plain_service(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
    }


def test_another_persons_function_of_the_same_name_is_refused_and_unharmed(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    hers = function(tmp_path / "hers", emulated('env = {WHOSE = "hers"}\n'))
    his = function(tmp_path / "his", emulated('env = {WHOSE = "his"}\n'))
    assert gaia("deploy", str(hers), "--image", image(), "-y").returncode == 0
    objects.merge(CONFIGURATION, "hello-cpu", {"metadata": {"labels": {"team": "red"}}})
    before = versions(objects)

    refused = gaia("deploy", str(his), "--image", image("his"), "-y")

    assert refused.returncode == 4
    assert (hers / "gaia.id").read_text().strip() in refused.stderr
    assert "deployed by" in refused.stderr
    assert "--take-over" in refused.stderr
    assert versions(objects) == before
    assert not (his / "gaia.id").exists()


def test_an_explicit_flag_takes_over_and_the_plan_shows_what_is_lost(gaia: Gaia, tmp_path: Path) -> None:
    hers = function(tmp_path / "hers", emulated('env = {HERS = "1"}\n'))
    his = function(tmp_path / "his", emulated('env = {HIS = "1"}\n'))
    gaia("deploy", str(hers), "--image", image(), "-y")

    taken = gaia("deploy", str(his), "--image", image("his"), "-y", "--take-over")

    assert taken.returncode == 0, taken.stderr
    assert "takes over" in taken.stdout
    assert "env HERS: gone" in taken.stdout
    refused = gaia("deploy", str(hers), "--image", image(), "-y")
    assert refused.returncode == 4


def test_the_same_project_deploys_from_another_machine_without_a_question(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    first = function(tmp_path / "first", emulated())
    copied_before = Path(shutil.copytree(first, tmp_path / "copied-before"))
    gaia("deploy", str(first), "--image", image(), "-y")
    copied_after = Path(shutil.copytree(first, tmp_path / "somewhere" / "copied-after"))
    (copied_after / "func.py").write_text("def handler(payload):\n    return None\n")
    before = versions(objects)

    assert gaia("deploy", str(copied_before), "--image", image(), "-y").returncode == 0
    assert versions(objects) == before
    assert gaia("deploy", str(copied_after), "--image", image("new"), "-y").returncode == 0
    assert gaia("deploy", str(copied_before), "--image", image("newer"), "-y").returncode == 0


@pytest.mark.parametrize("name", ["hello-cpu", "hello-gpu", "hello"])
@pytest.mark.parametrize("flag", [(), ("--force-conflicts",)])
def test_a_child_of_a_knative_service_is_never_forced(
    gaia: Gaia, objects: Objects, tmp_path: Path, name: str, flag: tuple[str, ...]
) -> None:
    objects.apply(knative_service(name))
    service = objects.until(KNATIVE_SERVICE, name, is_ready)

    refused = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y", *flag)

    assert refused.returncode == 4
    assert f"Knative Service {name}" in refused.stderr
    found = objects.get(KNATIVE_SERVICE, name)
    assert found is not None
    assert found["spec"] == service["spec"]
    assert len(objects.all(CONFIGURATION)) == len(objects.all(ROUTE)) == 1


@pytest.mark.parametrize("name", ["hello", "cpu-hello", "gpu-hello"])
def test_a_plain_service_with_a_name_that_knative_will_need_stands_in_the_way(
    gaia: Gaia, objects: Objects, tmp_path: Path, name: str
) -> None:
    before = objects.apply(plain_service(name))

    refused = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y")

    assert refused.returncode == 4
    assert f"Service {name}" in refused.stderr
    after = objects.get(SERVICE, name)
    assert after is not None
    assert after["spec"] == before["spec"]
    assert versions(objects) == {}


@pytest.mark.parametrize("flag", [(), ("--take-over",)])
def test_another_tools_objects_are_refused_by_name(
    gaia: Gaia, objects: Objects, tmp_path: Path, flag: tuple[str, ...]
) -> None:
    theirs = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Configuration",
        "metadata": {"name": "hello-gpu", "labels": {"app.kubernetes.io/managed-by": "theirs"}},
        "spec": {"template": {"spec": {"containers": [{"image": image("theirs")}]}}},
    }
    objects.apply(theirs, manager="theirs")
    refused = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y", *flag)

    assert refused.returncode == 4
    assert "Configuration hello-gpu" in refused.stderr
    assert "theirs" in refused.stderr
    assert [one["metadata"]["name"] for one in objects.all(CONFIGURATION)] == ["hello-gpu"]
    assert objects.all(ROUTE) == []


def test_a_field_that_somebody_has_set_by_hand_is_not_overwritten(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    theirs = {"spec": {"template": {"spec": {"timeoutSeconds": 17}}}}
    objects.merge(CONFIGURATION, "hello-cpu", theirs)

    refused = gaia("deploy", str(directory), "--image", image("new"), "-y")

    assert refused.returncode == 4
    assert "kubectl-patch" in refused.stderr
    assert "timeoutSeconds" in refused.stderr
    assert revisions(objects) == ["hello-cpu-00001", "hello-cpu-00002", "hello-gpu-00001"]


def test_a_difference_that_somebody_else_holds_is_shown_with_who_holds_it(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    assert gaia("diff", str(directory), "--image", image()).returncode == 0
    before = route(objects)["spec"]["traffic"]

    objects.merge(CONFIGURATION, "hello-cpu", {"spec": {"template": {"spec": {"timeoutSeconds": 17}}}})
    template = gaia("diff", str(directory), "--image", image())
    objects.merge(CONFIGURATION, "hello-cpu", {"spec": {"template": {"spec": {"timeoutSeconds": 300}}}})
    objects.merge(ROUTE, "hello", {"spec": {"traffic": [one | {"percent": 100 - one["percent"]} for one in before]}})
    traffic = gaia("diff", str(directory), "--image", image())

    assert template.returncode == traffic.returncode == 1
    assert "-      timeoutSeconds: 17" in template.stdout
    assert "Configuration hello-cpu has fields that somebody else has set" in template.stderr
    assert "kubectl-patch" in template.stderr
    assert "the traffic stays as" in traffic.stderr
    assert "gaia unpin takes it back" in traffic.stderr


def test_several_targets_are_all_checked_before_the_first_is_written_to(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    objects.apply(plain_service("hello"))
    both = f'{emulated()}[targets.other]\naccelerator = "emulated"\nnamespace = "nowhere-at-all"\n'
    directory = function(tmp_path / "f", both)

    for order in (("here", "other"), ("other", "here")):
        targets = [word for name in order for word in ("--target", name)]
        refused = gaia("deploy", str(directory), "--image", image(), "-y", *targets)
        assert refused.returncode == 4

    assert versions(objects) == {}


def test_who_took_over_holds_the_traffic_where_it_was(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    hers, his = function(tmp_path / "hers", emulated()), function(tmp_path / "his", emulated("min_scale = 1\n"))
    gaia("deploy", str(hers), "--image", image(), "-y")
    uid = route(objects)["metadata"]["uid"]

    gaia("deploy", str(his), "--image", image("his"), "-y", "--take-over")

    assert route(objects)["metadata"]["uid"] == uid
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}
    assert revisions(objects)[-1] == "hello-gpu-00002"
    assert len(objects.all(REVISION)) == 4
