"""A person's hand, or another tool's, on the traffic: it is left there, told of once, and obeyed."""

from runtime_images.cluster import words
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import CONFIGURATION, ROUTE
from runtime_images.cluster.traffic import split_of
from runtime_images.policy.model import CPU, GPU, ExecutionMode
from tests.cluster.controller.conftest import Start
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object
from tests.support.controlling import Function, Played


def by_hand(function: Function) -> list[Object]:
    """Point all traffic at the first revision of the CPU side, as a user does with kubectl."""
    traffic: list[Object] = [{"revisionName": f"{function.name}-cpu-00001", "latestRevision": False, "percent": 100}]
    function.objects.merge(ROUTE, function.name, {"spec": {"traffic": traffic}})
    return traffic


def test_traffic_set_by_hand_stays_through_passes_and_restarts(
    function: Function, start: Start, played: Played
) -> None:
    function.deploy()
    first = start()
    first.until_leads()
    traffic = by_hand(function)
    played.burden()
    first.look()

    first.until(function.events)
    first.passes(10)
    first.stop()
    second = start()
    second.until_leads()
    second.passes(5)

    assert function.now()["spec"]["traffic"] == traffic
    assert [one["reason"] for one in function.events()] == ["TrafficHeld"]
    assert first.writes() == {"Event": 1}
    assert second.writes() == {}


def test_traffic_that_is_given_back_is_moved_again(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()
    by_hand(function)
    controller.until(function.events)
    played.burden()
    controller.look()

    route = function.now()
    back = {**function.route(), "metadata": {"name": function.name}, "spec": {"traffic": _both(function)}}
    function.objects.apply(back, words.TRAFFIC_MANAGER, force=True)

    function.until_split({CPU: 0, GPU: 100})
    assert split_of(route) == {}


def _both(function: Function) -> list[Object]:
    return [
        {
            "configurationName": words.configuration_name(function.name, backend),
            "latestRevision": True,
            "percent": percent,
            "tag": backend.value,
        }
        for backend, percent in ((CPU, 100), (GPU, 0))
    ]


def test_a_tool_that_forces_its_traffic_is_not_fought(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()
    played.burden()
    controller.look()
    function.until_event("Switched")
    before = controller.writes()["Route"]

    for _ in range(5):
        repository = {**function.route(), "spec": {"traffic": _both(function)}}
        function.objects.apply(repository, "argocd-controller", force=True)
        controller.passes(2)

    assert split_of(function.now()) == {CPU: 100, GPU: 0}
    assert controller.writes()["Route"] == before
    assert [one["reason"] for one in function.events()].count("TrafficHeld") == 1


def test_a_tool_that_made_the_route_may_leave_its_traffic_out_from_then_on(
    function: Function, objects: Objects, start: Start
) -> None:
    function.settings = FunctionSettings(function.name, ExecutionMode.CPU)
    objects.apply(function.configuration(CPU), words.TEMPLATE_MANAGER)
    objects.until(CONFIGURATION, f"{function.name}-cpu", is_ready)
    bare = function.route()
    objects.apply(bare | {"spec": {"traffic": _both(function)[:1]}}, "argocd-controller")
    controller = start()
    controller.until_leads()
    controller.until(lambda: controller.writes().get("Route"))
    controller.passes(3)

    objects.apply(bare, "argocd-controller")

    assert split_of(function.now()) == {CPU: 100}
    assert controller.writes(done=True)["Route"] == 1


def test_what_the_user_has_on_the_route_stays(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    theirs = {"metadata": {"annotations": {"team": "vision"}, "labels": {"cost-centre": "7"}}}
    function.objects.merge(ROUTE, function.name, theirs)
    controller = start()
    controller.until_leads()

    played.burden()
    controller.look()
    function.until_event("Switched")

    metadata = function.now()["metadata"]
    assert metadata["annotations"]["team"] == "vision"
    assert metadata["labels"]["cost-centre"] == "7"
    assert function.annotation(words.SETTINGS)


def test_a_pin_is_obeyed(function: Function, start: Start) -> None:
    function.deploy()
    start().until_leads()

    function.objects.merge(ROUTE, function.name, {"metadata": {"annotations": {words.PIN: "gpu"}}})

    function.until_split({CPU: 0, GPU: 100})


def test_a_paused_function_is_left_alone(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    function.objects.merge(ROUTE, function.name, {"metadata": {"annotations": {words.PAUSED: "true"}}})
    controller = start()
    controller.until_leads()

    played.burden()
    controller.passes(10)

    assert controller.writes() == {}
