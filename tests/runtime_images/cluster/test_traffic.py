"""Whose the traffic of a Route is, and what it may be."""

from typing import Any

import pytest

from runtime_images.cluster.traffic import holder, is_shared, split, targets
from runtime_images.policy.model import Backend

TRAFFIC: dict[str, Any] = {"f:spec": {"f:traffic": {}}}
MARK: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:faas.gaia/moved-by": {}}}}
WHOLE = {"f:metadata": {"f:labels": {"f:faas.gaia/function": {}}}, **TRAFFIC}


def entry(manager: str, fields: dict[str, Any], operation: str = "Apply") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, "time": "2026-11-28T12:00:00Z"}


def route(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "hello", "managedFields": list(entries)}, "spec": {}}


def test_what_a_person_has_set_is_the_persons() -> None:
    found = route(entry("gaia-controller", MARK), entry("kubectl-patch", TRAFFIC, "Update"))

    assert holder(found).manager == "kubectl-patch"
    assert not is_shared(found)


def test_what_a_tool_only_repeats_is_gaias() -> None:
    found = route(entry("gaia-controller", TRAFFIC), entry("argocd-controller", WHOLE))

    assert holder(found).is_gaia
    assert is_shared(found)


def test_what_a_tool_has_made_a_route_with_is_gaias_to_move() -> None:
    found = route(entry("argocd-controller", WHOLE))

    assert holder(found).is_gaia
    assert is_shared(found)


def test_what_a_tool_takes_after_gaia_has_moved_it_is_the_tools() -> None:
    assert (
        holder(route(entry("gaia-controller", MARK), entry("argocd-controller", WHOLE))).manager == "argocd-controller"
    )


def test_a_patch_of_the_traffic_alone_makes_no_route() -> None:
    assert holder(route(entry("kubectl", TRAFFIC))).manager == "kubectl"


def test_traffic_that_nobody_holds_is_gaias_and_shared_with_nobody() -> None:
    assert holder(route()).is_gaia
    assert not is_shared(route())


def test_a_split_names_only_what_is_ready_and_sums_to_a_hundred() -> None:
    assert split(Backend.GPU, [Backend.CPU]) == {Backend.CPU: 100}
    assert split(Backend.GPU, list(Backend), 10) == {Backend.CPU: 90, Backend.GPU: 10}
    with pytest.raises(ValueError, match="no backend"):
        split(Backend.CPU, [])
    with pytest.raises(ValueError, match="100"):
        targets("hello", {Backend.CPU: 99})
