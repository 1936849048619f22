"""`gaia deploy` on a real control plane: what stands, what a second deploy changes, and what is refused before all."""

import json
from pathlib import Path

import pytest
import yaml

from gaia_cli.project.settings import LONGEST_NAME
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.deploying import (
    emulated,
    function,
    image,
    managers_of,
    revisions,
    route,
    shares,
    versions,
    with_gpus,
)


def test_both_backends_stand_and_the_traffic_begins_where_the_mode_says(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    done = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}
    assert route(objects)["status"]["url"] in done.stdout
    assert "emulated" in done.stdout
    assert managers_of(route(objects), "traffic") == {"gaia-controller"}
    assert managers_of(objects.until(CONFIGURATION, "hello-cpu", is_ready), "template") == {"gaia"}
    assert "faas.gaia/project" in route(objects)["metadata"]["annotations"]


def test_a_function_that_prefers_the_gpu_begins_there(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated(), mode="gpu_preferred")

    assert gaia("deploy", str(directory), "--image", image(), "-y").returncode == 0
    assert shares(route(objects)) == {"cpu": 0, "gpu": 100}


def test_the_same_again_writes_nothing(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(
        tmp_path / "f", emulated('env = {MODEL = "large", A = "1", B = "2"}\n') + '[run.env]\nMODEL="s"\n'
    )
    gaia("deploy", str(directory), "--image", image(), "-y")
    before, stood = versions(objects), revisions(objects)

    again = gaia("deploy", str(directory), "--image", image(), "-y")
    other_order = function(
        tmp_path / "f", emulated('env = {B = "2", A = "1", MODEL = "large"}\n') + '[run.env]\nMODEL="s"\n'
    )
    sorted_otherwise = gaia("deploy", str(other_order), "--image", image(), "-y")
    difference = gaia("diff", str(other_order), "--image", image())

    assert (again.returncode, sorted_otherwise.returncode) == (0, 0)
    assert "MODEL: the value of target here goes before the function's" in again.stdout
    assert (difference.returncode, difference.stdout) == (0, "")
    assert revisions(objects) == stood
    assert versions(objects) == before


def test_one_name_stands_once_and_the_targets_value_wins(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated('env = {MODEL = "large"}\n') + '[run.env]\nMODEL = "small"\n')
    gaia("deploy", str(directory), "--image", image(), "-y")

    found = objects.until(CONFIGURATION, "hello-cpu", is_ready)
    env = found["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [one for one in env if one["name"] == "MODEL"] == [{"name": "MODEL", "value": "large"}]


def test_a_cluster_without_a_free_gpu_serves_on_the_cpu_and_says_so(
    gaia: Gaia, objects: Objects, gpus: Gpus, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", with_gpus(gpus.resource))
    gpus.set(1)
    gpus.take()

    without = gaia("deploy", str(directory), "--image", image(), "-y")
    assert without.returncode == 0, without.stderr
    assert "no free GPU" in without.stdout
    assert shares(route(objects)) == {"cpu": 100}

    gpus.set(2)
    objects.until(REVISION, "hello-gpu-00001", is_ready)
    assert gaia("deploy", str(directory), "--image", image(), "-y").returncode == 0
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}


def test_a_function_that_needs_the_gpu_fails_loudly_without_one(
    gaia: Gaia, objects: Objects, gpus: Gpus, tmp_path: Path
) -> None:
    gpus.set(1)
    gpus.take()
    directory = function(tmp_path / "f", with_gpus(gpus.resource), mode="gpu")

    done = gaia("deploy", str(directory), "--image", image(), "-y", "--timeout", "8s")

    assert done.returncode == 4
    assert f"Insufficient {gpus.resource}" in done.stderr
    assert objects.get(CONFIGURATION, "hello-cpu") is None


def test_nothing_is_applied_where_nobody_says_yes(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    done = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image())

    assert done.returncode == 2
    assert "-y" in done.stderr
    assert versions(objects) == {}


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_dry_run_writes_nothing(gaia: Gaia, objects: Objects, tmp_path: Path, who: str) -> None:
    directory = function(tmp_path / "f", emulated())
    done = gaia("deploy", str(directory), "--image", image(), f"--dry-run={who}", "-o", "json")
    as_yaml = gaia("deploy", str(directory), "--image", image(), f"--dry-run={who}", "-o", "yaml")

    made = json.loads(done.stdout)["items"]
    assert [one["kind"] for one in made] == ["Configuration", "Configuration", "Route"]
    assert [one["metadata"] for one in yaml.safe_load_all(as_yaml.stdout)] == [one["metadata"] for one in made]
    assert versions(objects) == {}
    assert not (directory / "gaia.id").exists()


def test_a_difference_is_one_and_shows_both_sides(gaia: Gaia, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")

    done = gaia("diff", str(directory), "--image", image("other"))

    assert done.returncode == 1
    assert f"-      - image: {image()}" in done.stdout or f"image: {image()}" in done.stdout
    assert f"image: {image('other')}" in done.stdout
    assert "managedFields" not in done.stdout


def test_a_name_whose_addresses_do_not_fit_is_refused_before_all(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    done = gaia("deploy", str(function(tmp_path / "f", emulated(), name="a" * 60)), "--image", image(), "-y")

    assert done.returncode == 2
    assert "60 letters" in done.stderr
    assert str(LONGEST_NAME) in done.stderr
    assert versions(objects) == {}


def test_the_longest_name_works_with_both_of_its_addresses(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    name = "a" * LONGEST_NAME
    done = gaia("deploy", str(function(tmp_path / "f", emulated(), name=name)), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    assert {one["tag"] for one in route(objects, name)["status"]["traffic"]} == {"cpu", "gpu"}


def test_a_mode_that_loses_a_backend_takes_it_away_once_the_other_serves(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y")
    done = gaia("deploy", str(function(tmp_path / "f", emulated(), mode="gpu")), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"gpu": 100}
    assert [one["metadata"]["name"] for one in objects.all(CONFIGURATION)] == ["hello-gpu"]


def test_what_a_user_set_in_the_traffic_by_hand_stays(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    by_hand = [{"revisionName": "hello-gpu-00001", "percent": 100, "tag": "mine"}]
    objects.merge(ROUTE, "hello", {"spec": {"traffic": by_hand}})

    done = gaia("deploy", str(directory), "--image", image("other"), "-y")

    assert done.returncode == 0, done.stderr
    assert "kubectl-patch" in done.stdout
    assert shares(route(objects), actual=False) == {"mine": 100}


def test_the_commands_of_the_readme_work(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    function(tmp_path / "hello", emulated().replace("targets.here", "targets.prod"))
    section = (Path(__file__).parents[2] / "README.md").read_text().partition("```sh cluster\n")[2].partition("```")[0]
    beside = {"deploy": ["--image", image(), "-y"], "diff": ["--image", image()], "delete": ["-y"]}

    for line in section.splitlines():
        _, verb, *rest = line.split()
        done = gaia(verb, *rest, *beside.get(verb, []), cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    assert objects.all(ROUTE) == objects.all(CONFIGURATION) == []
