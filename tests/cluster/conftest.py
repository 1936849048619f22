"""Fixtures for tests on a cluster: `make test-cluster`, or GAIA_TEST_KUBECONFIG=FILE for a cluster of your own.

Without the variable all tests of a run share one control plane (tests/support/control_plane): one that
`python -m tests.support.control_plane up` has started and that stays, or one that is started now and ends with the run,
however that ends. GAIA_TEST_PLANE_INSTANCE chooses its number; without it, several runs side by side take several.

Each test has a namespace of its own and is alone in it. What holds for the whole cluster is changed only by tests that
ask for `features` or `plane`: those run while no other test of the run does.
"""

import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from gaia_cli.targets.kubeconfig.access import access_of
from runtime_images.cluster.api import Api
from tests.support.cli import call_gaia, run_gaia
from tests.support.control_plane import lifecycle, people
from tests.support.control_plane.faults import Features, Gpus
from tests.support.control_plane.layout import Layout, chosen
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.people import Rule

OWN_CLUSTER = "GAIA_TEST_KUBECONFIG"
_HERE = Path(__file__).parent
_TEST_S = 240
_LONG = ("test_end_to_end", "test_pipelines", "test_planes", "test_real_pods", "test_faults")
"""Modules whose tests take a minute each, since load flows, programs are stopped, or images are built in them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here; what is long, or has the cluster for itself, runs with LONG=1."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("cluster")
            if item.path.stem in _LONG or "alone" in getattr(item, "fixturenames", ()):
                item.add_marker("long")
            if item.get_closest_marker("timeout") is None:
                # Waiting for another test that wants to be alone is no part of a test's time.
                item.add_marker(pytest.mark.timeout(_TEST_S, func_only=True))


@pytest.fixture(scope="session")
def shared_plane(tmp_path_factory: pytest.TempPathFactory) -> Plane | None:
    """The control plane of this run; None on a cluster of somebody's own. Skips, saying why, where there is neither."""
    if os.environ.get(OWN_CLUSTER):
        return None
    if reason := lifecycle.unavailable():
        pytest.skip(reason)
    directory = _of_the_run(tmp_path_factory)
    with (directory / "plane.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        number = directory / "plane"
        if not number.exists():
            number.write_text(str(_start().layout.number))
        return Plane(Layout(int(number.read_text())))


def _of_the_run(factory: pytest.TempPathFactory) -> Path:
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def _start() -> Plane:
    runner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    if layout := chosen():
        return lifecycle.up(layout, runner)
    left_running = Layout(0)
    if lifecycle.is_up(left_running) and not lifecycle.has_owner(left_running):
        return Plane(left_running)
    return lifecycle.up_anywhere(runner)


@pytest.fixture(scope="session")
def admin_kubeconfig(shared_plane: Plane | None) -> Path:
    """The kubeconfig of whoever may do everything."""
    return shared_plane.kubeconfig if shared_plane else Path(os.environ[OWN_CLUSTER])


@contextmanager
def _held(path: Path, how: int) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, how)
        yield


@pytest.fixture
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Other tests may run at the same time, unless this one, or one of them, needs the cluster for itself."""
    directory = _of_the_run(tmp_path_factory)
    is_alone = "alone" in request.fixturenames
    with ExitStack() as held:
        # Who waits to be alone holds the door, so that those who come later do not keep it waiting for ever.
        door = held.enter_context(ExitStack())
        door.enter_context(_held(directory / "door.lock", fcntl.LOCK_EX))
        held.enter_context(_held(directory / "room.lock", fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH))
        if not is_alone:
            door.close()
        yield


@pytest.fixture
def alone(company: None) -> None:
    """No other test of this run uses the cluster meanwhile."""


@pytest.fixture
def a_plane(shared_plane: Plane | None) -> Plane:
    """The control plane of this run, for pods that really run: `a_plane.provide(image, directory)`."""
    if shared_plane is None:
        pytest.skip(f"this test runs pods by a kubelet of its own, which the cluster of {OWN_CLUSTER} has not")
    return shared_plane


@pytest.fixture
def plane(shared_plane: Plane | None, alone: None) -> Iterator[Plane]:  # noqa: ARG001 -- see `alone`
    """The control plane itself, to stop and start its programs; all of them run again after the test."""
    if shared_plane is None:
        pytest.skip(f"this test stops programs of the cluster, which {OWN_CLUSTER} does not allow")
    yield shared_plane
    shared_plane.restore()


@pytest.fixture
def namespace(admin_kubeconfig: Path, company: None) -> Iterator[str]:  # noqa: ARG001 -- others may be alone now
    """A namespace of the test's own; it is deleted afterwards, with everything in it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    with Objects(admin_kubeconfig) as admin:
        admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        try:
            yield name
        finally:
            admin.call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def objects(admin_kubeconfig: Path, namespace: str) -> Iterator[Objects]:
    """What is in the namespace, for the administrator."""
    with Objects(admin_kubeconfig, namespace) as found:
        yield found


@pytest.fixture
def kubeconfig(admin_kubeconfig: Path, namespace: str, tmp_path: Path) -> Path:
    """A kubeconfig for the whole cluster whose own namespace is the test's."""
    return people.in_namespace(admin_kubeconfig, namespace, tmp_path / "kubeconfig")


@pytest.fixture
def user(admin_kubeconfig: Path, objects: Objects, tmp_path: Path) -> Callable[..., Path]:
    """Makes users: `user(rules, name="anna", everywhere=False)` is the kubeconfig of one who may do just that."""

    def make(rules: list[Rule], *, name: str = "someone", everywhere: bool = False) -> Path:
        path = tmp_path / f"kubeconfig-{name}"
        return people.with_rules(objects, admin_kubeconfig, rules, path, name=name, everywhere=everywhere)

    return make


@pytest.fixture
def connect(kubeconfig: Path) -> Callable[..., Api]:
    """A way to open Gaia's own client on the test's namespace, or with another kubeconfig."""

    def open_client(theirs: Path = kubeconfig) -> Api:
        return Api(access_of({"KUBECONFIG": str(theirs)}))

    return open_client


Gaia = Callable[..., CompletedProcess[str]]


@pytest.fixture
def gaia(kubeconfig: Path) -> Gaia:
    """`gaia(...)` in this process, on the test's namespace; `cwd`, `env` and `kubeconfig` as keywords.

    For signals, prompts and the like `process=True` runs a process of its own.
    """

    def run(
        *arguments: str,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        kubeconfig: Path = kubeconfig,
        process: bool = False,
    ) -> CompletedProcess[str]:
        environment = {"KUBECONFIG": str(kubeconfig), **(env or {})}
        return (run_gaia if process else call_gaia)(*arguments, cwd=cwd, env=environment)

    return run


@pytest.fixture
def gpus(shared_plane: Plane | None, objects: Objects) -> Iterator[Gpus]:
    """GPUs of a name that only this test uses; none until it says how many: `gpus.set(2)`, `gpus.lose()`."""
    if shared_plane is None:
        pytest.skip(f"this test adds GPUs to nodes, which {OWN_CLUSTER} does not allow")
    mine = Gpus(objects)
    yield mine
    mine.set(0)


@pytest.fixture
def features(objects: Objects, alone: None) -> Iterator[Features]:  # noqa: ARG001 -- see `alone`
    """Knative's feature flags: `features.set("kubernetes.podspec-nodeselector")`; set back afterwards."""
    flags = Features(objects)
    yield flags
    flags.restore()
