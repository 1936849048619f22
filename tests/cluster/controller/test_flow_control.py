"""A real API server that turns requests away (429) is waited for, and asked again."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import ROUTE
from runtime_images.policy.model import CPU, GPU
from tests.cluster.controller.conftest import Start
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object, RestError
from tests.support.controlling import Function, Played

_FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
_TURNED_AWAY_S = 60.0


@contextmanager
def one_seat(admin: Objects) -> Iterator[None]:
    """Let the server do one patch of a Route of the namespace at a time, and turn all others away."""
    limits = {"nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0}
    limited = {"type": "Limited", "limited": limits | {"limitResponse": {"type": "Reject"}}}
    patches = {"verbs": ["patch"], "apiGroups": [ROUTE.group], "resources": [ROUTE.plural]}
    everybody = {"kind": "Group", "group": {"name": "system:authenticated"}}
    chosen = {
        "priorityLevelConfiguration": {"name": admin.namespace},
        "matchingPrecedence": 2,
        "rules": [{"subjects": [everybody], "resourceRules": [patches | {"namespaces": [admin.namespace]}]}],
    }
    level = _standing(admin, "PriorityLevelConfiguration", limited)
    with level, _standing(admin, "FlowSchema", chosen):
        yield


@contextmanager
def _standing(admin: Objects, kind: str, spec: Object) -> Iterator[None]:
    path = f"{_FLOW}/{kind.lower()}s"
    made = {"apiVersion": _FLOW.removeprefix("/apis/"), "kind": kind, "metadata": {"name": admin.namespace}}
    admin.call("POST", path, made | {"spec": spec})
    try:
        yield
    finally:
        admin.call("DELETE", f"{path}/{admin.namespace}")


@contextmanager
def seat_taken(kubeconfig: Path, namespace: str, name: str) -> Iterator[None]:
    """Keep patching a Route, one patch after the other."""
    ended = threading.Event()

    def patch() -> None:
        with Objects(kubeconfig, namespace) as theirs:
            while not ended.is_set():
                try:
                    theirs.merge(ROUTE, name, {"metadata": {"annotations": {"asked": "yes"}}})
                except RestError:  # the webhook gives no answer, or another patch has the seat
                    ended.wait(0.01)

    thread = threading.Thread(target=patch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.long
def test_a_server_that_turns_a_move_away_is_asked_again_until_it_is_written(
    function: Function,
    start: Start,
    played: Played,
    user: Callable[..., Path],
    plane: Plane,
    caplog: pytest.LogCaptureFixture,
) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()
    rule = {"apiGroups": [ROUTE.group], "resources": [ROUTE.plural], "verbs": ["patch"]}
    another = user([rule], name="another")
    with one_seat(function.objects):
        plane.send("webhook", signal.SIGSTOP)
        with seat_taken(another, function.objects.namespace, function.name):
            played.burden()
            controller.look()
            controller.until(lambda: "Too many requests" in caplog.text, _TURNED_AWAY_S)
            assert controller.writes(done=True).get("Route", 0) == 0
            assert controller.controller.elector.leads()
        plane.restore()
        function.until_split({CPU: 0, GPU: 100})
