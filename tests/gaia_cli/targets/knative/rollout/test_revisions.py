"""Which Revisions are dead, and which were superseded before they served."""

from typing import Any

import pytest

from gaia_cli.targets.knative.rollout.revisions import is_dead, of_this_one, retry_word, superseded, written
from runtime_images.cluster.backends import BackendState
from runtime_images.policy.model import Backend

GENERATION = "serving.knative.dev/configurationGeneration"


def revision(number: int, ready: str = "True", message: str = "", code: str = "") -> dict[str, Any]:
    said = {"type": "Ready", "status": ready, "reason": code, "message": message}
    metadata = {"name": f"hello-gpu-{number:05}", "labels": {GENERATION: str(number)}, "generation": 1}
    return {"metadata": metadata, "status": {"conditions": [said], "observedGeneration": 1}}


def state(*revisions: dict[str, Any], serving: int = 0, retried: str = "") -> BackendState:
    names = [one["metadata"]["name"] for one in revisions]
    annotations = {"faas.gaia/retry": retried} if retried else {}
    status = {"latestCreatedRevisionName": names[-1], "latestReadyRevisionName": f"hello-gpu-{serving:05}"}
    configuration = {"spec": {"template": {"metadata": {"annotations": annotations}}}, "status": status}
    return BackendState(Backend.GPU, configuration, tuple(reversed(revisions)))


def names(found: list[dict[str, Any]]) -> list[str]:
    return sorted(one["metadata"]["name"][-1] for one in found)


DEAD = revision(2, "False", "Initial scale was never achieved")


def test_a_revision_whose_time_is_over_is_dead_and_a_waiting_one_is_not() -> None:
    assert is_dead(DEAD)
    assert is_dead(revision(2, "False", code="ProgressDeadlineExceeded"))
    assert not is_dead(revision(2, "False", "0/2 nodes are available", "Unschedulable"))
    assert not is_dead(revision(2, "Unknown"))
    assert not is_dead(None)


def test_a_dead_revision_is_retried_by_its_name_and_the_word_stays_afterwards() -> None:
    assert retry_word(state(revision(1), DEAD, serving=1)) == "hello-gpu-00002"
    assert retry_word(state(revision(1), serving=1, retried="hello-gpu-00000")) == "hello-gpu-00000"
    assert retry_word(state(revision(1), serving=1)) == retry_word(None) == ""


@pytest.mark.parametrize(("is_replaced", "expected"), [(False, ["2"]), (True, ["2", "3"])])
def test_what_was_superseded_before_it_was_ready_goes(is_replaced: bool, expected: list[str]) -> None:
    found = state(revision(1), revision(2, "Unknown"), revision(3, "False"), serving=1)

    assert names(superseded(found, None, is_replaced=is_replaced)) == expected


def test_what_served_once_stays_to_roll_back_to() -> None:
    found = state(revision(1), revision(2), revision(3, "Unknown"), serving=2)

    assert names(superseded(found, None, is_replaced=False)) == []


def test_what_the_route_names_stays() -> None:
    found = state(revision(1, "False"), revision(2, "Unknown"), revision(3), serving=3)
    route = {"spec": {"traffic": [{"revisionName": "hello-gpu-00002"}]}, "status": {}}

    assert names(superseded(found, route, is_replaced=True)) == []


def test_events_of_an_earlier_revision_of_the_same_name_are_none_of_this_one() -> None:
    def event(made: str, version: str, **about: str) -> dict[str, Any]:
        return {"metadata": {"creationTimestamp": made, "resourceVersion": version}, "involvedObject": about}

    named = {"name": "hello-cpu-00001", "uid": "new", "creationTimestamp": "2026-11-28T10:00:00Z"}
    old = event("2026-11-28T09:59:59Z", "1", kind="ReplicaSet", name="hello-cpu-00001-deployment-1")
    other = event("2026-11-28T10:00:00Z", "2", kind="Revision", name="hello-cpu-00001", uid="old")
    own = event("2026-11-28T10:00:00Z", "3", kind="Revision", name="hello-cpu-00001", uid="new")
    pods = event("2026-11-28T10:00:01Z", "4", kind="Pod", name="hello-cpu-00001-deployment-1-x", uid="pod")

    found = of_this_one([old, other, own, pods], {"metadata": named})

    assert found == [own, pods]
    assert written(found) == {"3", "4"}
    assert of_this_one([own], None) == []
