"""`gaia logs`: what the pods of a function have written, up to now or on and on."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import BackendName, ClusterChoice
from gaia_cli.project.names import checked_name
from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.inspecting.place import reach
from gaia_cli.views import console
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from runtime_images.cluster.api import Api
    from runtime_images.cluster.backends import FunctionState


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines are asked for."""

    backend: BackendName | None = None
    tail: int | None = None
    since_s: float | None = None
    follow: bool = False


def logs(name: str, choice: ClusterChoice, asked: Asked) -> ExitCode:
    """Write the lines, each behind its backend and pod.

    Raises:
        UsageError: no function can have that name.
        ClusterRefused: there is no such function, or its pods may not be read.
    """
    checked_name(name)
    access, _ = reach(choice)
    from gaia_cli.targets.knative.inspecting.logs import Wanted, follow, snapshot

    backend = Backend(asked.backend) if asked.backend else None
    wanted = Wanted(backend, asked.tail, math.ceil(asked.since_s) if asked.since_s else None)

    async def follow_on(api: "Api") -> None:
        async for line in follow(api, name, wanted, lambda state: _explain(name, state, backend)):
            console.line(line)

    async def so_far(api: "Api") -> None:
        lines, state, pods = await snapshot(api, name, wanted)
        for line in lines:
            console.line(line)
        if not pods:
            _explain(name, state, backend)

    run(access, follow_on if asked.follow else so_far)
    return ExitCode.OK


def _explain(name: str, state: "FunctionState", backend: Backend | None) -> None:
    """Say why there is no pod to read from."""
    from runtime_images.cluster.backends import why_no_pod

    for one, behind in state.backends.items():
        if backend in (None, one):
            console.note(f"{name} has no pod on {one}: {why_no_pod(behind)}")
    if backend is not None and backend not in state.backends:
        console.note(f"{name} has no {backend} backend here")
