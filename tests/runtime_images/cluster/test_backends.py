from typing import Any

import pytest

from runtime_images.cluster.backends import BackendState
from runtime_images.cluster.warming import is_warm, min_scale
from runtime_images.policy.model import GPU


def _revision(number: int, status: str, message: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    conditions = [{"type": "Ready", "status": status, "reason": "Because", "message": message}]
    return {
        "metadata": {"name": f"hello-gpu-{number:05}", "generation": 1} | more,
        "status": {"observedGeneration": 1, "conditions": conditions},
    }


def _backend(ready: int | None, created: int, *revisions: dict[str, Any]) -> BackendState:
    named = {"latestCreatedRevisionName": f"hello-gpu-{created:05}"}
    if ready is not None:
        named["latestReadyRevisionName"] = f"hello-gpu-{ready:05}"
    return BackendState(GPU, {"metadata": {"name": "hello-gpu"}, "status": named}, revisions)


def test_a_backend_serves_with_its_latest_ready_revision_while_a_newer_one_is_awaited() -> None:
    first, third = _revision(1, "True"), _revision(3, "Unknown")
    state = _backend(1, 3, third, _revision(2, "Unknown"), first)
    assert (state.serving, state.awaited, state.is_ready, state.failure) == (first, third, True, None)


def test_a_backend_whose_revision_was_ready_once_and_is_lost_is_not_ready_and_says_why() -> None:
    state = _backend(1, 1, _revision(1, "False", "0/2 nodes are available"))
    assert not state.is_ready
    assert state.awaited is None
    assert state.failure is not None
    assert state.failure.message == "0/2 nodes are available"


def test_a_backend_that_was_never_ready_says_what_its_first_revision_says() -> None:
    state = _backend(None, 1, _revision(1, "False", "image not found"))
    assert state.serving is None
    assert state.failure is not None
    assert state.failure.message == "image not found"


def test_a_revision_on_its_way_out_is_not_ready() -> None:
    assert not _backend(1, 1, _revision(1, "True", deletionTimestamp="2026-11-28T12:00:00Z")).is_ready


def test_pods_that_no_longer_count_as_active_are_not_warm() -> None:
    active = {"type": "Active", "status": "True"}
    assert is_warm({"status": {"actualReplicas": 2, "conditions": [active]}}, pods=2)
    assert not is_warm({"status": {"actualReplicas": 1, "conditions": [active]}}, pods=2)
    assert not is_warm({"status": {"actualReplicas": 1, "conditions": [active | {"status": "False"}]}})
    assert not is_warm({"status": {}})


@pytest.mark.parametrize(("annotations", "pods"), [(None, 0), ({"x": "1"}, 0), ("3", 3), ("many", 0)])
def test_the_pods_that_are_asked_for_stand_in_an_annotation(annotations: Any, pods: int) -> None:  # noqa: ANN401
    if isinstance(annotations, str):
        annotations = {"autoscaling.knative.dev/min-scale": annotations}
    assert min_scale({"metadata": {"annotations": annotations}}) == pods
