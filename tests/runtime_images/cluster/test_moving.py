from typing import Any

from runtime_images.cluster.moving import is_confirmed, traffic_write
from runtime_images.cluster.traffic import targets
from runtime_images.policy.model import CPU, GPU

_TARGETS = targets("hello", {CPU: 90, GPU: 10})


def _route(*held: dict[str, Any], **status: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {
        "metadata": {
            "name": "hello",
            "namespace": "team",
            "uid": "1",
            "resourceVersion": "7",
            "generation": 2,
            "annotations": {"faas.gaia/state": "{}", "faas.gaia/decision": "old", "faas.gaia/project": "p"},
            "managedFields": list(held),
        },
        "spec": {"traffic": targets("hello", {CPU: 100})},
        "status": {
            "observedGeneration": 2,
            "conditions": [{"type": "Ready", "status": "True"}],
            "traffic": [
                {"tag": "cpu", "percent": 90, "revisionName": "hello-cpu-00001"},
                {"tag": "gpu", "percent": 10, "revisionName": "hello-gpu-00001"},
            ],
        }
        | status,
    }


def _applied(manager: str, *annotations: str, traffic: bool = True) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in annotations}}}
    return {
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": fields | ({"f:spec": {"f:traffic": {}}} if traffic else {}),
    }


def test_a_write_repeats_what_its_manager_holds_and_nothing_of_others() -> None:
    route = _route(
        _applied("gaia", "faas.gaia/project", traffic=False),
        _applied("gaia-controller", "faas.gaia/state", "faas.gaia/decision"),
    )
    written = traffic_write(route, _TARGETS, {"faas.gaia/decision": "new"})
    assert written["metadata"] == {
        "name": "hello",
        "namespace": "team",
        "uid": "1",
        "resourceVersion": "7",
        "annotations": {"faas.gaia/state": "{}", "faas.gaia/decision": "new"},
    }
    assert written["spec"]["traffic"] == _TARGETS


def test_a_write_of_annotations_alone_keeps_the_traffic_that_its_manager_holds() -> None:
    route = _route(_applied("gaia-controller", "faas.gaia/state"))
    assert traffic_write(route, None)["spec"]["traffic"] == targets("hello", {CPU: 100})


def test_a_write_of_annotations_alone_says_nothing_of_traffic_that_somebody_else_holds() -> None:
    route = _route(_applied("gaia-controller", "faas.gaia/state", traffic=False), _applied("kubectl"))
    assert "spec" not in traffic_write(route, None)


def test_what_an_update_of_the_same_manager_wrote_stays_without_being_repeated() -> None:
    pinned = {"manager": "gaia-controller", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": {}}}}
    assert "annotations" not in traffic_write(_route(pinned), _TARGETS)["metadata"]


def test_traffic_has_moved_when_the_status_of_this_generation_shows_it() -> None:
    assert is_confirmed(_route(), _TARGETS)
    assert not is_confirmed(_route(), targets("hello", {CPU: 100}))
    assert not is_confirmed(_route(observedGeneration=1), _TARGETS)
    assert not is_confirmed(_route(conditions=[{"type": "Ready", "status": "False"}]), _TARGETS)
    assert not is_confirmed(_route(traffic=None), _TARGETS)


def test_a_target_that_names_a_revision_is_confirmed_by_that_revision_only() -> None:
    def back_to(revision: str) -> list[dict[str, Any]]:
        return [{"tag": "cpu", "percent": 90, "revisionName": revision}, {"tag": "gpu", "percent": 10}]

    assert is_confirmed(_route(), back_to("hello-cpu-00001"))
    assert not is_confirmed(_route(), back_to("hello-cpu-00002"))
