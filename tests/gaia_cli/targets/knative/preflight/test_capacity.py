"""How many GPUs are free for a pod, counted from what nodes have and pods hold."""

from decimal import Decimal

import pytest

from gaia_cli.targets.knative.preflight.capacity import Room, room
from gaia_cli.targets.knative.preflight.quantities import quantity, shown
from runtime_images.cluster.api import Object

GPU = "nvidia.com/gpu"


def node(name: str, gpus: int, *, labels: dict[str, str] | None = None, **spec: object) -> Object:
    ready = spec.pop("ready", "True")
    status = {"allocatable": {GPU: str(gpus)}, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec, "status": status}


def pod(place: str, gpus: int, *, phase: str = "Running", function: str = "", init: int = 0) -> Object:
    def asking(count: int) -> Object:
        return {"resources": {"limits": {GPU: str(count)}}}

    spec = {"nodeName": place, "containers": [asking(gpus)], "initContainers": [asking(init)] if init else []}
    labels = {"faas.gaia/function": function} if function else {}
    return {"metadata": {"name": "p", "labels": labels}, "spec": spec, "status": {"phase": phase}}


def test_the_rest_of_one_node_counts_and_not_the_sum() -> None:
    found = room([node("a", 4), node("b", 2)], [pod("a", 3), pod("b", 1)], {}, GPU)

    assert found == Room(total=6, free=2, largest=1, largest_node=4)


@pytest.mark.parametrize(
    ("held", "free"),
    [
        (pod("a", 1), 1),
        (pod("a", 1, phase="Succeeded"), 2),
        (pod("a", 1, phase="Failed"), 2),
        (pod("a", 1, phase="Pending"), 1),
        (pod("", 1, phase="Pending"), 2),
        (pod("a", 1, function="hello"), 2),
        (pod("a", 1, function="other"), 1),
        (pod("a", 1, init=2), 0),
    ],
)
def test_what_is_placed_and_not_over_holds_what_it_asked_for(held: Object, free: int) -> None:
    assert room([node("a", 2)], [held], {}, GPU, ignored="hello").free == free


TAINT = {"key": GPU, "value": "present", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("spec", "where", "is_open"),
    [
        ({}, node("a", 1), True),
        ({}, node("a", 1, unschedulable=True), False),
        ({}, node("a", 1, ready="Unknown"), False),
        ({}, node("a", 1, taints=[TAINT]), False),
        ({}, node("a", 1, taints=[TAINT | {"effect": "PreferNoSchedule"}]), True),
        ({"tolerations": [{"operator": "Exists"}]}, node("a", 1, taints=[TAINT]), True),
        ({"tolerations": [{"key": GPU, "operator": "Exists"}]}, node("a", 1, taints=[TAINT]), True),
        ({"tolerations": [{"key": GPU, "value": "present"}]}, node("a", 1, taints=[TAINT]), True),
        ({"tolerations": [{"key": GPU, "value": "other"}]}, node("a", 1, taints=[TAINT]), False),
        (
            {"tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoExecute"}]},
            node("a", 1, taints=[TAINT]),
            False,
        ),
        ({"nodeSelector": {"zone": "x"}}, node("a", 1), False),
        ({"nodeSelector": {"zone": "x"}}, node("a", 1, labels={"zone": "x"}), True),
    ],
)
def test_nodes_where_the_pod_may_not_go_do_not_count(spec: Object, where: Object, is_open: bool) -> None:
    assert room([where], [], spec, GPU).free == int(is_open)


@pytest.mark.parametrize(
    ("operator", "values", "is_open"),
    [
        ("In", ["l4", "a10"], True),
        ("In", ["h100"], False),
        ("NotIn", ["h100"], True),
        ("NotIn", ["l4"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_required_affinity_to_nodes_counts(operator: str, values: list[str], is_open: bool) -> None:
    terms = [{"matchExpressions": [{"key": "gpu", "operator": operator, "values": values}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}

    found = room([node("a", 1, labels={"gpu": "l4"})], [], {"affinity": {"nodeAffinity": required}}, GPU)

    assert found.free == int(is_open)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("2", "2"), ("500m", "0.5"), ("1Gi", "1073741824"), ("1G", "1000000000"), ("1e3", "1000"), ("0.5", "0.5"),
        (".5", "0.5"), ("1.5Gi", "1610612736"), ("12E", "12000000000000000000"), ("-1", "-1"), (3, "3"),
        ("x", "0"), ("", "0"), ("1 Gi", "0"), ("1ki", "0"), ("1mi", "0"),
    ],
)  # fmt: skip
def test_quantities_are_read_as_the_server_reads_them(written: object, amount: str) -> None:
    assert quantity(written) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "resource", "text"),
    [
        ("1073741824", "memory", "1Gi"),
        ("1000", "limits.memory", "1000"),
        ("2.025", "cpu", "2.025"),
        ("10", "pods", "10"),
    ],
)
def test_amounts_are_shown_in_the_largest_unit_that_fits(amount: str, resource: str, text: str) -> None:
    assert shown(Decimal(amount), resource) == text
