"""Whose wish for pods it is: only what was asked for from here is taken back."""

from typing import Any

import pytest

from runtime_images.cluster.warming import MIN_SCALE, has_own_min_scale
from runtime_images.cluster.words import TRAFFIC_MANAGER


def asking(pods: str = "", manager: str = "controller") -> dict[str, Any]:
    """Return a Revision or a PodAutoscaler that asks for pods because somebody has said so."""
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{MIN_SCALE}": {}}}}
    managed = [{"manager": manager, "operation": "Update", "fieldsV1": fields}]
    return {"metadata": {"annotations": {MIN_SCALE: pods}, "managedFields": managed}} if pods else {"metadata": {}}


@pytest.mark.parametrize(
    ("revision", "autoscaler", "is_own"),
    [
        (asking(), None, False),
        (asking(), asking(), False),
        (asking(), asking("1", TRAFFIC_MANAGER), True),
        (asking(), asking("3", "kubectl-annotate"), False),
        (asking("1"), asking("1"), False),
        (asking("1"), asking("1", TRAFFIC_MANAGER), False),
        (asking("1"), asking("2", TRAFFIC_MANAGER), True),
        (asking("1", TRAFFIC_MANAGER), asking("1"), True),
    ],
)
def test_a_wish_of_the_template_or_of_a_persons_hand_is_not_taken_for_the_controllers(
    revision: dict[str, Any], autoscaler: dict[str, Any] | None, is_own: bool
) -> None:
    assert has_own_min_scale(revision, autoscaler) is is_own
