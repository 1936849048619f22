"""`gaia list` and `gaia describe` on a real control plane."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from runtime_images.cluster.answers import Checked
from runtime_images.cluster.kinds import CONFIGURATION, POD, REVISION, ROUTE
from runtime_images.cluster.words import SETTINGS
from tests.cluster.conftest import Gaia
from tests.cluster.inspecting.conftest import Deployed
from tests.cluster.test_control_plane import message
from tests.support.control_plane.faults import Gpus, fail_pod
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.people import Rule
from tests.support.control_plane.rest import Object
from tests.support.deploying import emulated, image
from tests.support.schemas import misfits

SERVING = "serving.knative.dev"
ONE_ROLE: list[Rule] = [
    {"apiGroups": [SERVING], "resources": ["configurations", "routes", "revisions", "services"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list"]},
]
"""What somebody has who may work in one namespace, and no more."""


def test_a_list_shows_each_function_of_the_namespace(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    deployed(name="second", mode="gpu")

    done = gaia("list")

    titles, hello, second = done.stdout.splitlines()
    assert titles.split() == ["NAME", "MODE", "BACKEND", "TRAFFIC", "READY", "AGE", "URL", "IMAGE"]
    assert hello.split("  ")[0] == "hello"
    assert "cpu_preferred (emulated GPU)  cpu      cpu 100%, gpu 0%  yes" in hello
    assert f"http://hello.{objects.namespace}" in hello
    assert image().rpartition("@sha256:")[2][:12] in hello
    assert "gpu (emulated GPU)" in second
    assert f"namespace {objects.namespace}, context test" in done.stderr


def test_a_list_for_programs_keeps_to_its_schema_and_yaml_says_the_same(gaia: Gaia, deployed: Deployed) -> None:
    deployed()

    said = json.loads(gaia("list", "-o", "json").stdout)

    assert misfits("functions.json", [said]) == []
    assert yaml.safe_load(gaia("list", "-o", "yaml").stdout) == said
    assert [one["traffic"] for one in said["functions"]] == [{"cpu": 100, "gpu": 0}]
    assert gaia("list", "-o", "name").stdout == "hello\n"


def test_an_empty_namespace_has_an_empty_list(gaia: Gaia) -> None:
    done = gaia("list")

    assert (done.returncode, done.stdout) == (0, "")
    assert "there is no function in namespace" in done.stderr
    assert json.loads(gaia("list", "-o", "json").stdout)["functions"] == []


def test_what_others_have_made_is_not_listed(gaia: Gaia, objects: Objects) -> None:
    objects.apply(others_configuration("hello-cpu"))
    objects.apply(others_route("hello", "hello-cpu"))

    assert gaia("list", "-o", "name").stdout == ""
    done = gaia("describe", "hello")
    assert (done.returncode, "was not made by Gaia" in done.stderr) == (4, True)


def test_a_list_of_all_namespaces_says_which(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()

    assert f"{objects.namespace}/hello" in gaia("list", "-A", "-o", "name").stdout.splitlines()
    assert gaia("list", "-A").stdout.startswith("NAMESPACE")


def test_a_user_with_rights_in_one_namespace_can_do_all_of_it_there(
    gaia: Gaia, objects: Objects, user: Callable[..., Path], deployed: Deployed
) -> None:
    deployed()
    theirs = user(ONE_ROLE)

    for verb in (("list",), ("describe", "hello"), ("logs", "hello"), ("switch", "hello", "gpu"), ("pin", "hello")):
        done = gaia(*verb, kubeconfig=theirs)
        assert done.returncode == 0, (verb, done.stderr)
    done = gaia("list", "-A", kubeconfig=theirs)
    assert done.returncode == 4
    assert "may not list routes.serving.knative.dev in the whole cluster" in done.stderr
    assert 'ClusterRole with verbs ["list"] on resources ["routes"]' in done.stderr
    assert gaia("delete", "hello", "-y", kubeconfig=theirs).returncode == 0
    assert objects.get(ROUTE, "hello") is None


def test_what_a_user_may_not_read_is_unknown_and_no_failure(
    gaia: Gaia, user: Callable[..., Path], deployed: Deployed
) -> None:
    deployed()

    done = gaia("describe", "hello", kubeconfig=user(ONE_ROLE[:1]))

    assert done.returncode == 0, done.stderr
    assert "needs the right to list pods in namespace" in done.stdout
    assert "needs the right to list events in namespace" in done.stdout
    said = json.loads(gaia("describe", "hello", "-o", "json", kubeconfig=user(ONE_ROLE[:1])).stdout)
    assert (said["events"], [one["pods"] for one in said["backends"]]) == (None, [None, None])
    assert misfits("function.json", [said]) == []


def test_a_description_shows_both_backends(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()

    text, said = gaia("describe", "hello").stdout, described(gaia)

    assert [one["serving"] for one in said["backends"]] == ["hello-cpu-00001", "hello-gpu-00001"]
    assert all(one["ready"] for one in said["backends"])
    assert said["routing"]["confirmed"] == said["routing"]["wanted"] == {"cpu": 100, "gpu": 0}
    assert said["backends"][0]["url"] == f"http://cpu-hello.{objects.namespace}.gaia.test"
    assert (said["routing"]["held_by"], said["routing"]["is_gaias"]) == ("gaia-controller", True)
    for part in ("backend cpu: ready", "backend gpu: ready", "decisions", "events", "(emulated GPU)", "deployed   "):
        assert part in text


@pytest.mark.parametrize(
    ("path", "words"),
    [("missing/hello", "ImagePullBackOff"), ("crashing/hello", "CrashLoopBackOff")],
)
def test_a_backend_that_fails_says_what_its_pod_says(
    gaia: Gaia, objects: Objects, deployed: Deployed, path: str, words: str
) -> None:
    deployed()
    deployed(path=path, serves=False)
    objects.until(CONFIGURATION, "hello-cpu", lambda _: words in json.dumps(objects.pods("hello-cpu-00002")))

    cpu = described(gaia)["backends"][0]

    assert (cpu["serving"], cpu["awaited"], cpu["ready"]) == ("hello-cpu-00001", "hello-cpu-00002", True)
    assert words in cpu["problem"]
    assert words in gaia("describe", "hello").stdout
    assert "no (cpu: " in gaia("list").stdout


def test_a_pod_that_fails_later_says_its_last_words(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    (pod,) = objects.pods("hello-cpu-00001")

    fail_pod(objects, pod["metadata"]["name"], message="out of memory")

    text = gaia("describe", "hello").stdout
    assert "CrashLoopBackOff: back-off 10s restarting failed container; ended with exit code 1: out of memory" in text
    assert "1 restarts" in text


def test_of_two_deploys_in_a_row_the_last_is_waited_for_and_the_other_is_superseded(
    gaia: Gaia, objects: Objects, gpus: Gpus, deployed: Deployed
) -> None:
    gpus.set(1)
    target = f'[targets.here]\ngpu_resource = "{gpus.resource}"\nmin_scale = 1\n'
    deployed(target=target, mode="gpu_preferred")
    for path in ("second", "third"):
        change = {"spec": {"template": {"metadata": {"annotations": {"try": path}}}}}
        objects.merge(CONFIGURATION, "hello-gpu", change)
        number = {"second": 2, "third": 3}[path]
        objects.until(REVISION, f"hello-gpu-{number:05}", lambda item: "Insufficient" in message(item))

    gpu = described(gaia)["backends"][1]

    assert (gpu["serving"], gpu["awaited"], gpu["superseded"]) == (
        "hello-gpu-00001",
        "hello-gpu-00003",
        ["hello-gpu-00002"],
    )
    assert "Insufficient" in gpu["problem"]
    text = gaia("describe", "hello").stdout
    assert "waited for hello-gpu-00003" in text
    assert "superseded hello-gpu-00002" in text


def test_a_half_of_a_function_is_listed_and_says_what_is_missing(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    deployed()
    objects.delete(ROUTE, "hello")
    objects.until_gone(ROUTE, "hello")

    assert "there is no Route hello" in described(gaia)["problems"][0]
    assert "no (there is no Route hello" in gaia("list").stdout


def test_a_description_names_variables_and_secrets_and_shows_no_value(gaia: Gaia, deployed: Deployed) -> None:
    variables = '[targets.here.env]\nMODEL = "large-hush"\n[targets.here.secrets]\nTOKEN = "hub/key"\n'
    deployed(mode="cpu", target=emulated(variables))

    text, said = gaia("describe", "hello").stdout, described(gaia)

    (backend,) = said["backends"]
    assert (backend["variables"], backend["secrets"]) == (["MODEL", "TOKEN"], {"TOKEN": "hub/key"})
    assert "env        MODEL, TOKEN (secret hub/key)" in text
    assert "hush" not in text + json.dumps(said)
    assert misfits("function.json", [said]) == []


def test_a_function_that_the_controller_cannot_read_serves_and_says_so(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    deployed()
    objects.merge(ROUTE, "hello", {"metadata": {"annotations": {SETTINGS: "{rubbish"}}})

    said = described(gaia)

    assert said["ready"]
    assert said["problems"] == [
        "route: the annotation faas.gaia/settings cannot be read, so the controller decides nothing here"
    ]


def test_a_target_of_the_folder_says_where_to_look(gaia: Gaia, deployed: Deployed, tmp_path: Path) -> None:
    deployed()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "func.py").touch()
    (elsewhere / "gaia.toml").write_text('[targets.edge]\nnamespace = "edge"\n')

    assert "there is no function in namespace edge" in gaia("list", cwd=elsewhere).stderr
    assert "there is no function in namespace edge" in gaia("list", "--target", "edge", cwd=elsewhere).stderr
    assert gaia("list", "--target", "sky", cwd=elsewhere).returncode == 2
    assert gaia("list", "--context", "nowhere").returncode == 2
    assert "hello" in gaia("list", "--context", "test", cwd=elsewhere).stdout


def others_configuration(name: str) -> Object:
    container = {"image": "dev.local/hello"}
    return {
        "apiVersion": f"{SERVING}/v1",
        "kind": "Configuration",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def others_route(name: str, configuration: str) -> Object:
    return {
        "apiVersion": f"{SERVING}/v1",
        "kind": "Route",
        "metadata": {"name": name},
        "spec": {"traffic": [{"configurationName": configuration, "latestRevision": True, "percent": 100}]},
    }


def described(gaia: Gaia, name: str = "hello") -> Any:  # noqa: ANN401 -- JSON
    done = gaia("describe", name, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _event(objects: Objects, about: str, kind: str, number: int) -> None:
    place = {"namespace": objects.namespace}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about}.{number}", **place},
        "involvedObject": {"apiVersion": "v1", "kind": kind, "name": about, **place},
        "type": "Warning",
        "reason": "Told",
        "message": f"{about} {number}",
        "lastTimestamp": "2099-01-01T00:00:00Z",
    }
    objects.call("POST", f"/api/v1/namespaces/{objects.namespace}/events", event)


def test_of_a_namespace_with_many_events_only_those_about_the_function_are_fetched(
    gaia: Gaia, objects: Objects, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(target=emulated("min_scale = 1"))
    own = [("hello", "Route"), ("hello-gpu", "Configuration"), ("hello-cpu-00001", "Revision")]
    own += [("hello-cpu-00001-deployment-5", "ReplicaSet"), (objects.all(POD)[0]["metadata"]["name"], "Pod")]
    for about, kind in own:
        _event(objects, about, kind, 1)
    for number in range(40):
        _event(objects, "hello-too", "Pod", number)
    selectors, send = [], Checked.handle_async_request

    async def noted(self: Checked, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/events"):
            selectors.append(request.url.params.get("fieldSelector", "all"))
        return await send(self, request)

    monkeypatch.setattr(Checked, "handle_async_request", noted)
    said = described(gaia)

    assert {one["message"] for one in said["events"]} >= {f"{about} 1" for about, _ in own}
    assert {one for one in selectors if "involvedObject.name=hello" not in one} == {"involvedObject.kind=ReplicaSet"}
