"""Functions that stand on the control plane, for tests of what looks at them and moves them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gaia_cli.project.project import load_project
from gaia_cli.project.settings import target_of
from gaia_cli.targets.knative.objects import objects as objects_of
from gaia_cli.targets.knative.objects import route_traffic
from gaia_cli.targets.protocol import Deployment, Identity, Stamp
from runtime_images.cluster.conditions import condition
from runtime_images.cluster.kinds import CONFIGURATION, DEPLOYMENT, REVISION, ROUTE
from runtime_images.cluster.words import TEMPLATE_MANAGER, TRAFFIC_MANAGER, configuration_name
from runtime_images.policy.model import Backend, ExecutionMode
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.deploying import emulated, function, image

Deployed = Callable[..., None]


@pytest.fixture
def deployed(objects: Objects, tmp_path: Path) -> Deployed:
    """`deployed()` lets the function `hello` stand there and serve, by the objects that a deploy applies.

    `name`, `mode`, `target` (its table) and `path` as keywords; `path` is that of its image, and says how its pods
    fare. With `serves=False` it is not waited for, and the traffic stays; `without` is a backend that cannot get ready.
    """

    def deploy(
        *,
        name: str = "hello",
        mode: str = "cpu_preferred",
        target: str = "",
        path: str = "hello",
        serves: bool = True,
        without: Backend | None = None,
    ) -> None:
        project = load_project(function(tmp_path / "deployed" / name, target or emulated(), name=name, mode=mode))
        identity = Identity("project-1", "git.test/team/hello", "sources-1")
        deployment = Deployment(project, target_of(project), ExecutionMode(mode), image(path), identity)
        stamp = Stamp("anna", "2026-11-28T12:00:00Z", "git.test/team/hello")
        *configurations, route = objects_of(deployment, objects.namespace, stamp)
        for one in configurations:
            objects.apply(dict(one), TEMPLATE_MANAGER)
        if serves:
            first = ExecutionMode(mode).initial_backend
            split = {one: 100 if one is first else 0 for one in deployment.backends if one is not without}
            for backend in split:
                objects.until(CONFIGURATION, configuration_name(name, backend), is_ready)
            objects.apply(route_traffic(name, objects.namespace, split), TRAFFIC_MANAGER)
        objects.apply(dict(route), TEMPLATE_MANAGER)
        if serves:
            objects.until(ROUTE, name, is_ready)

    return deploy


def asleep(objects: Objects, revision: str) -> None:
    """Wait until nobody asks for a revision, and let it have no pods, as the autoscaler does after a while."""
    objects.until(REVISION, revision, lambda one: (found := condition(one, "Active")) and found.status == "False")
    objects.merge(DEPLOYMENT, f"{revision}-deployment", {"spec": {"replicas": 0}})
    objects.until(REVISION, revision, lambda _: not objects.pods(revision))
