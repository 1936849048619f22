"""How far a backend is said to be, and which traffic follows."""

from pathlib import Path
from typing import Any

import pytest

from gaia_cli.project.project import FunctionProject
from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.knative.rollout.judging import leaves_local, report, wanted_split
from gaia_cli.targets.protocol import Deployment, Identity, Progress
from runtime_images.cluster.backends import BackendState
from runtime_images.cluster.pods import Happening
from runtime_images.cluster.traffic import targets
from runtime_images.policy.model import CPU, GPU, Backend, ExecutionMode


def deployment(mode: ExecutionMode = ExecutionMode.CPU_PREFERRED) -> Deployment:
    project = FunctionProject(Path("/nowhere"), "hello")
    return Deployment(project, TargetSettings("here"), mode, "r.example/a/b@sha256:0", Identity("id:1", "a", "b"))


def condition(status: str, code: str = "", message: str = "") -> dict[str, Any]:
    return {"type": "Ready", "status": status, "reason": code, "message": message}


def backend(observed: int, created: int, ready: int, said: dict[str, Any], *, whole: str = "True") -> BackendState:
    def revision(number: int) -> dict[str, Any]:
        conditions = [said if number == created else condition("True")]
        metadata = {"name": f"hello-gpu-{number:05}", "generation": 1}
        return {"metadata": metadata, "status": {"conditions": conditions, "observedGeneration": 1}}

    status = {
        "observedGeneration": observed,
        "conditions": [condition(whole)],
        "latestCreatedRevisionName": f"hello-gpu-{created:05}",
        "latestReadyRevisionName": f"hello-gpu-{ready:05}",
    }
    configuration = {"metadata": {"name": "hello-gpu", "generation": 2}, "spec": {}, "status": status}
    return BackendState(GPU, configuration, tuple(revision(n) for n in sorted({created, ready}, reverse=True) if n))


def test_ready_of_the_generation_before_is_not_ready() -> None:
    assert report(deployment(), GPU, backend(1, 1, 1, condition("True")), (), []).progress is Progress.WAITING
    assert report(deployment(), GPU, backend(2, 2, 1, condition("Unknown")), (), []).progress is Progress.WAITING
    assert report(deployment(), GPU, backend(2, 2, 2, condition("True")), (), []).progress is Progress.READY
    assert report(deployment(), GPU, None, (), []).progress is Progress.WAITING


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("Unschedulable", "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.", Progress.NO_GPU),
        ("Unschedulable", "0/2 nodes are available: 2 Insufficient cpu.", Progress.WAITING),
        ("ImagePullBackOff", "Back-off pulling image", Progress.FAILED),
        ("FailedCreate", 'pods "x" is forbidden: violates PodSecurity "restricted"', Progress.FAILED),
        ("Deploying", "", Progress.WAITING),
        ("ProgressDeadlineExceeded", "Initial scale was never achieved", Progress.FAILED),
    ],
)
def test_what_waiting_does_not_mend_is_told_from_what_it_may(code: str, message: str, expected: Progress) -> None:
    found = report(deployment(), GPU, backend(2, 2, 1, condition("False", code, message), whole="False"), (), [])

    assert found.progress is expected
    assert found.serving == "hello-gpu-00001"


def pod(**status: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {"metadata": {"name": "hello-gpu-00002-deployment-5-x"}, "spec": {}, "status": status}


def container(**state: dict[str, Any]) -> dict[str, Any]:
    return pod(phase="Pending", containerStatuses=[{"name": "user-container", "state": state, "restartCount": 0}])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (container(waiting={"reason": "ErrImagePull", "message": "not found"}), Progress.FAILED),
        (container(waiting={"reason": "CreateContainerConfigError", "message": 'no secret "x"'}), Progress.FAILED),
        (container(waiting={"reason": "ContainerCreating"}), Progress.WAITING),
        (container(waiting={"reason": "SomethingNew", "message": "it was forbidden, ErrImagePull"}), Progress.WAITING),
        (container(terminated={"exitCode": 137, "reason": "OOMKilled"}), Progress.FAILED),
        (container(terminated={"exitCode": 0, "reason": "Completed"}), Progress.WAITING),
        (pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]), Progress.WAITING),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                             "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}]),
            Progress.NO_GPU,
        ),
    ],
)  # fmt: skip
def test_a_pod_is_judged_by_its_reasons_and_not_by_its_sentences(found: dict[str, Any], expected: Progress) -> None:
    state = backend(2, 2, 1, condition("Unknown", "Deploying"), whole="Unknown")

    assert report(deployment(), GPU, state, (found,), []).progress is expected


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("InternalError", "failed to create deployment: limits: Invalid value: must be an integer", Progress.FAILED),
        ("InternalError", "the object has been modified; please apply your changes", Progress.WAITING),
        ("Failed", "Error: ImagePullBackOff", Progress.FAILED),
        ("Failed", "Error: context deadline exceeded", Progress.WAITING),
        ("FailedScheduling", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", Progress.NO_GPU),
        ("FailedMount", "MountVolume.SetUp failed: access was forbidden", Progress.WAITING),
    ],
)
def test_a_sentence_counts_only_where_the_reason_covers_failures_of_all_kinds(
    code: str, message: str, expected: Progress
) -> None:
    state = backend(2, 2, 1, condition("Unknown", "Deploying"), whole="Unknown")
    warning = Happening("10:00", "Pod", "hello-gpu-00002-deployment-5-x", True, code, message)

    assert report(deployment(), GPU, state, (), [warning]).progress is expected


def test_a_warning_of_an_earlier_attempt_ends_no_wait_and_is_told() -> None:
    state = backend(2, 2, 1, condition("Unknown", "Deploying"), whole="Unknown")
    warning = Happening("10:00", "ReplicaSet", "hello-gpu-00002-deployment-1", True, "FailedCreate", "exceeded quota")

    now = report(deployment(), GPU, state, (), [warning])
    before = report(deployment(), GPU, state, (), [], [warning])

    assert now.progress is Progress.FAILED
    assert before.progress is Progress.WAITING
    assert before.message == now.message == "FailedCreate: exceeded quota"


def test_two_writes_of_knatives_that_met_are_no_news() -> None:
    state = backend(2, 2, 0, condition("Unknown"))
    message = 'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; please apply'
    met = Happening("10:00", "Revision", "hello-gpu-00002", True, "InternalError", message)

    assert report(deployment(), GPU, state, (), [met], [met]).message == ""


def test_what_a_revision_says_of_its_waiting_is_told_where_nothing_else_is_known() -> None:
    state = backend(2, 2, 1, condition("Unknown", "Deploying"), whole="Unknown")

    assert report(deployment(), GPU, state, (), []).message == "Deploying"


def route(split: dict[Backend, int], **annotations: str) -> dict[str, Any]:
    named = {f"faas.gaia/{name}": value for name, value in annotations.items()}
    return {
        "metadata": {"name": "hello", "annotations": named},
        "spec": {"traffic": targets("hello", split)},
    }


def test_a_backend_joins_with_nothing_and_shares_stay() -> None:
    assert wanted_split(deployment(), route({CPU: 100}), [CPU, GPU], begins=False) == {CPU: 100, GPU: 0}
    half = {CPU: 90, GPU: 10}
    assert wanted_split(deployment(), route(half), [CPU, GPU], begins=False) == half


def test_a_backend_that_is_not_ready_leaves_with_its_share() -> None:
    assert wanted_split(deployment(), route({CPU: 0, GPU: 100}), [CPU], begins=False) == {CPU: 100}
    assert wanted_split(deployment(), route({CPU: 100}), [], begins=False) is None


def test_a_function_begins_where_its_mode_says_whoever_is_ready_first() -> None:
    assert wanted_split(deployment(), route({GPU: 100}), [CPU, GPU], begins=True) == {CPU: 100, GPU: 0}
    prefers = deployment(ExecutionMode.GPU_PREFERRED)
    assert wanted_split(prefers, route({CPU: 100}), [CPU, GPU], begins=False) == {CPU: 0, GPU: 100}
    decided = route({CPU: 100}, decision="[]")
    assert wanted_split(prefers, decided, [CPU, GPU], begins=False) == {CPU: 100, GPU: 0}


def test_a_mode_that_has_one_backend_keeps_to_it() -> None:
    assert wanted_split(deployment(ExecutionMode.GPU), route({CPU: 100, GPU: 0}), [CPU, GPU], begins=False) == {
        GPU: 100
    }


def test_an_address_outside_of_the_cluster_is_seen() -> None:
    local = "http://hello.team.svc.cluster.local"
    inside = {"status": {"url": local, "address": {"url": local}, "traffic": [{"url": local}]}}
    outside = {"status": {"url": "http://hello.team.example.com", "address": {"url": local}}}

    assert leaves_local(inside) == []
    assert leaves_local(outside) == ["http://hello.team.example.com"]
