from typing import Any

import pytest

from runtime_images.cluster.pods import Problem, container_of, happenings, is_ready, last_warning, pod_problem


def _pod(**status: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {"metadata": {"name": "p"}, "spec": {"containers": []}, "status": status}


def _container(**state: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {"name": "user-container"} | state


@pytest.mark.parametrize(
    ("pod", "problem"),
    [
        (_pod(phase="Running", containerStatuses=[_container(state={"running": {}})]), ""),
        (_pod(containerStatuses=[_container(state={"waiting": {"reason": "ContainerCreating"}})]), ""),
        (_pod(), ""),
        (
            _pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2"}]),
            "Unschedulable: 0/2",
        ),
        (
            _pod(containerStatuses=[_container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no x"}})]),
            "container user-container: ImagePullBackOff: no x",
        ),
        (
            _pod(
                containerStatuses=[
                    _container(
                        state={"waiting": {"reason": "CrashLoopBackOff"}},
                        lastState={"terminated": {"exitCode": 3, "reason": "Error", "message": "no module torch\n"}},
                    )
                ]
            ),
            "container user-container: CrashLoopBackOff; ended with exit code 3: no module torch",
        ),
        (
            _pod(containerStatuses=[_container(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})]),
            "container user-container: ended with exit code 137 (OOMKilled)",
        ),
        (_pod(containerStatuses=[_container(state={"terminated": {"exitCode": 0}})]), ""),
        (
            _pod(phase="Failed", reason="UnexpectedAdmissionError", message="no GPU is left"),
            "UnexpectedAdmissionError: no GPU is left",
        ),
    ],
)
def test_a_pod_says_what_keeps_it_from_serving(pod: dict[str, Any], problem: str) -> None:
    assert pod_problem(pod) == problem


def test_a_pod_that_is_being_deleted_takes_no_requests() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert is_ready({"metadata": {}, "status": ready})
    assert not is_ready({"metadata": {"deletionTimestamp": "2026-11-28T12:00:00Z"}, "status": ready})


def test_the_container_of_the_function_is_not_the_sidecar_whatever_its_name() -> None:
    assert container_of({"spec": {"containers": [{"name": "queue-proxy"}, {"name": "mine"}]}}) == "mine"
    assert container_of({"spec": {"containers": [{"name": "user-container"}, {"name": "x"}]}}) == "user-container"
    assert container_of({"spec": {"containers": [{"name": "queue-proxy"}]}}) == "user-container"


def _event(name: str, message: str, at: str, kind: str = "Warning") -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": "2026-11-28T10:00:00Z"},
        "involvedObject": {"kind": "ReplicaSet", "name": name},
        "type": kind,
        "reason": "FailedCreate",
        "message": message,
        "lastTimestamp": at,
    }


def test_events_of_a_function_are_those_of_its_objects_and_of_what_was_made_for_them() -> None:
    events = [
        _event("hello-gpu-00001-deployment-5", "later", "2026-11-28T12:00:00Z"),
        _event("hello-gpu-00001-deployment-5", "sooner", "2026-11-28T11:00:00Z"),
        _event("hello-gpu-gpu-00001-deployment-5", "of another function", "2026-11-28T12:30:00Z"),
        _event("hello", "of the Route", "2026-11-28T10:30:00Z", "Normal"),
    ]
    found = happenings(events, ("hello",), ("hello-gpu-00001",))
    assert [one.message for one in found] == ["of the Route", "sooner", "later"]
    assert last_warning(found, "hello-gpu-00001") == Problem("FailedCreate", "FailedCreate: later")
    assert last_warning(found, "hello-gpu-00002") is None


def test_an_event_of_the_newer_form_has_its_time_and_count_in_its_series() -> None:
    newer = {
        "metadata": {"creationTimestamp": "2026-11-28T10:00:00Z"},
        "regarding": {"kind": "Pod", "name": "hello-cpu-1"},
        "eventTime": "2026-11-28T10:00:00.000001Z",
        "series": {"count": 7, "lastObservedTime": "2026-11-28T13:00:00.000001Z"},
        "note": "again",
    }
    (found,) = happenings([newer], ["hello-cpu-1"], [])
    assert (found.at, found.count, found.message) == ("2026-11-28T13:00:00.000001Z", 7, "again")
