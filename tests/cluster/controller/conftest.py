"""A function, a load, and controllers that may do what an install lets them do, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gaia_cli.targets.knative.controlling import FUNCTION_RULES, LEASE_RULES
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.objects import Objects
from tests.support.controlling import Beside, Function, Played, beside

Start = Callable[..., Beside]


@pytest.fixture
def function(objects: Objects, gpus: Gpus) -> Function:
    """A dynamic function, not deployed yet, on a cluster with one GPU for it."""
    gpus.set(1)
    return Function(objects, gpus.resource)


@pytest.fixture
def played() -> Played:
    """What the controllers are told of the load."""
    return Played()


@pytest.fixture
def account(user: Callable[..., Path]) -> Path:
    """A kubeconfig with exactly the rights of an install in one namespace."""
    return user([*FUNCTION_RULES, *LEASE_RULES], name="gaia-controller")


@pytest.fixture
def start(account: Path, namespace: str, played: Played) -> Iterator[Start]:
    """Starts controllers; all of them end with the test."""
    with ExitStack() as running:

        def one(**clocks: Callable[[], float]) -> Beside:
            return running.enter_context(beside(account, namespace, played, **clocks))

        yield one
