"""A deploy to several targets: errors say which, what is not begun is told, each has files of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import CONFIGURATION, ROUTE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.objects import Objects
from tests.support.deploying import function, image, versions

EMULATED = 'accelerator = "emulated"\n'


@pytest.fixture
def contexts(kubeconfig: Path, objects: Objects) -> Iterator[Path]:
    """A kubeconfig with a context for each of edge, cloud and space, a namespace each; that of cloud is the test's."""
    said = json.loads(kubeconfig.read_text())
    own, others = said["contexts"][0]["context"], {name: f"{objects.namespace}-{name}" for name in ("edge", "space")}
    for name in ("edge", "cloud", "space"):
        said["contexts"].append({"name": name, "context": own | {"namespace": others.get(name, own["namespace"])}})
    kubeconfig.write_text(json.dumps(said))
    for namespace in others.values():
        objects.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    yield kubeconfig
    for namespace in others.values():
        objects.call("DELETE", f"/api/v1/namespaces/{namespace}")


def three(directory: Path, cloud: str, *, mode: str = "gpu") -> Path:
    """Write a function with three targets, of which only `cloud` is special."""
    edge, space = (f'[targets.{name}]\ncontext = "{name}"\n{EMULATED}' for name in ("edge", "space"))
    return function(directory, f'{edge}[targets.cloud]\ncontext = "cloud"\n{cloud}{space}', mode=mode)


ALL = ("--target", "edge", "--target", "cloud", "--target", "space", "--image", image())


@pytest.mark.usefixtures("contexts")
def test_an_error_says_which_target_it_is_about_and_none_is_written_to(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    directory = three(tmp_path / "f", 'namespace = "nowhere"\n')

    done = gaia("deploy", str(directory), *ALL, "-y")

    assert done.returncode == 4
    assert done.stderr.splitlines()[-2] == "error: target cloud: there is no namespace nowhere"
    assert versions(objects) == {}


@pytest.mark.usefixtures("contexts")
def test_those_before_the_one_that_fails_stay_and_those_after_it_are_named(
    gaia: Gaia, gpus: Gpus, tmp_path: Path
) -> None:
    gpus.set(1)
    gpus.take()
    directory = three(tmp_path / "f", f'gpu_resource = "{gpus.resource}"\n')

    done = gaia("deploy", str(directory), *ALL, "-y", "--timeout", "6s")

    assert done.returncode == 4
    assert done.stdout.count("hello serves at") == 1
    assert "error: target cloud: revision hello-gpu-0000" in done.stderr
    assert "not begun: space" in done.stderr


@pytest.mark.usefixtures("contexts")
def test_two_targets_that_are_the_same_place_are_refused(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = three(tmp_path / "f", f'{EMULATED}namespace = "{objects.namespace}-edge"\n')

    done = gaia("deploy", str(directory), *ALL, "-y")

    assert done.returncode == 2
    assert f"the targets edge and cloud are the same place: {objects.namespace}-edge of" in done.stderr


@pytest.mark.usefixtures("contexts")
def test_each_target_has_a_directory_of_its_own(gaia: Gaia, tmp_path: Path) -> None:
    directory, out = three(tmp_path / "f", EMULATED, mode="cpu"), tmp_path / "out"

    assert gaia("deploy", str(directory), *ALL, "--out", str(out)).returncode == 0

    assert sorted(one.name for one in out.iterdir()) == ["cloud", "edge", "space"]
    assert (out / "cloud" / "route-hello.yaml").exists()


def test_files_for_gitops_and_a_deploy_are_of_the_same_project(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory, out = function(tmp_path / "f", f"[targets.here]\n{EMULATED}", mode="cpu"), tmp_path / "out"

    gaia("deploy", str(directory), "--image", image(), "--out", str(out))
    first = (out / "route-hello.yaml").read_text()
    gaia("deploy", str(directory), "--image", image(), "--out", str(out))
    (directory / "func.py").write_text("def handler(payload):\n    return 1\n")
    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    assert (out / "route-hello.yaml").read_text() == first
    kept = (directory / "gaia.id").read_text().strip()
    assert kept in first
    found = objects.get(ROUTE, "hello")
    assert found is not None
    assert found["metadata"]["annotations"]["faas.gaia/project"] == kept


def test_a_function_that_was_renamed_is_told_of_its_old_name(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    configuration = f"[targets.here]\n{EMULATED}"
    directory = function(tmp_path / "f", configuration, mode="cpu")
    assert gaia("deploy", str(directory), "--image", image(), "-y").returncode == 0

    function(directory, configuration, name="hallo", mode="cpu")
    renamed = gaia("deploy", str(directory), "--image", image(), "-y")
    again = gaia("deploy", str(directory), "--image", image(), "-y")

    assert renamed.returncode == 0, renamed.stderr
    assert "gaia delete hello" in " ".join(renamed.stdout.split())
    assert "gaia delete" not in again.stdout
    assert objects.get(CONFIGURATION, "hello-cpu") is not None


def test_a_resource_that_no_node_knows_ends_a_deploy_before_anything_is_written(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    target = '[targets.here]\ngpu_resource = "gaia.test/no-such-gpu"\n'
    directory = function(tmp_path / "f", target, mode="gpu")

    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert done.returncode == 4
    assert "no node knows gaia.test/no-such-gpu" in done.stderr
    assert versions(objects) == {}

    function(directory, f"{target}gpus_from_zero = true\n", mode="gpu")
    waited = gaia("deploy", str(directory), "--image", image(), "-y", "--timeout", "3s")
    assert waited.returncode == 4
    assert "Insufficient gaia.test/no-such-gpu" in waited.stderr
    assert objects.get(CONFIGURATION, "hello-gpu") is not None


def test_a_namespace_that_is_not_there_is_not_an_empty_one(gaia: Gaia) -> None:
    listed = gaia("list", "-n", "no-such-namespace")
    assert listed.returncode == 0
    assert "there is no namespace no-such-namespace" in listed.stderr

    for words in (("describe", "hello"), ("logs", "hello"), ("controller", "run", "--port", "0")):
        done = gaia(*words, "-n", "no-such-namespace")

        assert done.returncode == 4, done.stdout
        assert "there is no namespace no-such-namespace" in done.stderr
