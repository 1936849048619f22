"""Where no node could ever serve a function that needs a GPU, a deploy says so at once."""

import pytest

from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.checks import State
from gaia_cli.targets.knative.preflight.gpu_nodes import check_nodes
from runtime_images.cluster.api import Object

GPU = "nvidia.com/gpu"
TARGET = TargetSettings("here")


def node(name: str = "a", *, labels: dict[str, str] | None = None, taint: str = "", **has: str) -> Object:
    taints = [{"key": taint, "effect": "NoSchedule"}] if taint else []
    resources = {"cpu": "4", "example.com/fpga" if "fpga" in has else GPU: next(iter(has.values()), "1")}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {"taints": taints},
            "status": {"allocatable": resources}}  # fmt: skip


NO_GPU: Object = {"metadata": {"name": "plain"}, "status": {"allocatable": {"cpu": "4", "ephemeral-storage": "1"}}}


def test_a_resource_that_no_node_knows_fails_and_names_those_that_there_are() -> None:
    check = check_nodes([NO_GPU, node(fpga="1")], {}, TARGET)

    assert check is not None
    assert (check.state, check.message) == (
        State.FAILED, "no node knows nvidia.com/gpu, so that nothing would ever serve",
    )  # fmt: skip
    assert check.hint.startswith('the nodes have example.com/fpga: write gpu_resource = "example.com/fpga"')
    assert "gpus_from_zero = true" in check.hint


def test_without_any_gpu_the_way_to_try_it_is_told() -> None:
    check = check_nodes([NO_GPU], {}, TARGET)

    assert check is not None
    assert 'accelerator = "emulated"' in check.hint


@pytest.mark.parametrize(
    "one",
    [node(), node(gpu="0"), node(taint="node.kubernetes.io/not-ready"), node() | {"spec": {"unschedulable": True}}],
)
def test_what_may_come_free_or_come_back_is_worth_waiting_for(one: Object) -> None:
    assert check_nodes([NO_GPU, one], {}, TARGET) is None


def test_nodes_that_keep_the_pods_away_are_named_with_their_taint() -> None:
    check = check_nodes([node("gpu-1", taint="nvidia.com/gpu")], {}, TARGET)

    assert check is not None
    assert "(gpu-1) keep its pods away, by the taint nvidia.com/gpu" in check.message
    assert "tolerations" in check.hint
    assert check_nodes([node(taint=GPU)], {"tolerations": [{"key": GPU, "operator": "Exists"}]}, TARGET) is None


def test_nodes_that_the_selector_leaves_out_are_told_of() -> None:
    check = check_nodes([node(labels={"zone": "b"})], {"nodeSelector": {"zone": "a"}}, TARGET)

    assert check is not None
    assert "node_selector" in check.hint


def test_nothing_is_said_where_the_cluster_starts_such_nodes_itself() -> None:
    assert check_nodes([NO_GPU], {}, TargetSettings("here", gpus_from_zero=True)) is None
