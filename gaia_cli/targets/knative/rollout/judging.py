"""How far each backend has got with what was applied, and which traffic follows from that. Pure.

A backend is ready when its Configuration has seen this apply's generation and the Revision that came of it is the one
that is ready; what an older one says counts for nothing. A failure that no time mends is told from one that it may.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gaia_cli.targets.knative.rollout.revisions import is_dead
from gaia_cli.targets.protocol import BackendOutcome, Deployment, Progress
from runtime_images.cluster import traffic, words
from runtime_images.cluster.api import Object
from runtime_images.cluster.backends import BackendState
from runtime_images.cluster.conditions import Readiness, condition, is_current, readiness
from runtime_images.cluster.pods import EXIT_CODE, Happening, Problem, last_warning, problem, problem_of
from runtime_images.cluster.traffic import Split
from runtime_images.policy.model import Backend, ExecutionMode

_CERTAIN = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff", "StartError",
    "FailedCreate", "ContainerMissing",
})  # fmt: skip
"""Reasons that waiting does not mend; Kubernetes itself tries some of them again, ever more seldom.

Most are of a container's state; FailedCreate is of what makes pods, ContainerMissing of a Revision whose image Knative
cannot find.
"""
_TOLD = {
    "InternalError": re.compile(
        r"must be an integer|exceeded quota|failed quota|violates PodSecurity|forbidden|denied the request"
    ),
    "Failed": re.compile(
        r"ErrImage|ImagePullBackOff|InvalidImageName|ImageInspectError|CreateContainer(Config)?Error|RunContainerError"
    ),
}
"""Where a reason covers failures of all kinds, the words of those that waiting does not mend.

InternalError is Knative's for whatever the API server answers when it makes a Deployment; Failed is a kubelet's, in
events of pods that one who may not read pods may still read, and its sentence is the container's reason.
"""
_UNPLACED = ("Unschedulable", "FailedScheduling")
"""The reason of a pod's condition, which a Revision repeats, and that of the scheduler's event."""
_AGAIN = "the object has been modified"
"""What Knative warns of where two of its writes have met: it tries again at once, and nothing is wrong."""


def report(
    deployment: Deployment,
    backend: Backend,
    state: BackendState | None,
    pods: Sequence[Object],
    events: list[Happening],
    earlier: Sequence[Happening] = (),
) -> BackendOutcome:
    """Return how far a backend has got, with the pod's own message where something is wrong.

    `earlier` is what happened to the same Revision before this apply: it may be mended, so that it ends no wait; it is
    told where nothing else is known.
    """
    if state is None or not is_current(state.configuration):
        return BackendOutcome(backend, Progress.WAITING)
    version = str((state.configuration.get("status") or {}).get("latestCreatedRevisionName") or "")
    serving = state.serving["metadata"]["name"] if state.is_ready and state.serving else ""
    revision = next((one for one in state.revisions if one["metadata"]["name"] == version), None)
    if serving and serving == version and readiness(state.configuration) is Readiness.READY:
        return BackendOutcome(backend, Progress.READY, version, serving)
    found = _problem(revision, pods, _news(events), version)
    progress = _progress(deployment, backend, revision, found)
    known = found or last_warning(_news(earlier), version)
    return BackendOutcome(backend, progress, version, serving, known.words if known else _unknown(revision))


def _news(events: Sequence[Happening]) -> list[Happening]:
    return [one for one in events if _AGAIN not in one.message]


def _unknown(revision: Object | None) -> str:
    """Return what a Revision says of itself that is neither ready nor not."""
    said = condition(revision)
    return problem(said.code, said.message).words if said is not None and said.status == "Unknown" else ""


def _problem(revision: Object | None, pods: Sequence[Object], events: list[Happening], version: str) -> Problem | None:
    """Return the most telling problem: the pod's, else the event's, else what a condition says."""
    for pod in pods:
        if found := problem_of(pod):
            return found
    warning = last_warning(events, version) if version else None
    said = [one for type_ in ("Ready", "ResourcesAvailable", "ContainerHealthy") if (one := condition(revision, type_))]
    failed = next((problem(one.code, one.message) for one in said if one.status == "False" and one.message), None)
    if warning is None or (failed is not None and (_is_certain(failed) or not _is_certain(warning))):
        return failed
    return warning


def _is_certain(found: Problem) -> bool:
    """Return whether waiting does not mend it; where the reason is a word of machines, nothing else is asked."""
    told = _TOLD.get(found.code)
    is_told = told is not None and told.search(found.words) is not None
    return found.code in _CERTAIN or found.code.startswith(EXIT_CODE) or is_told


def _progress(deployment: Deployment, backend: Backend, revision: Object | None, found: Problem | None) -> Progress:
    """Return how far a backend is. Which resource a node lacks stands in the scheduler's sentence only."""
    if is_dead(revision):
        return Progress.FAILED
    if found is not None and found.code in _UNPLACED:
        wants_gpu = backend is Backend.GPU and deployment.uses_gpus
        return Progress.NO_GPU if wants_gpu and deployment.target.gpu_resource in found.words else Progress.WAITING
    return Progress.FAILED if found is not None and _is_certain(found) else Progress.WAITING


def wanted_split(
    deployment: Deployment, route: Mapping[str, Any], ready: Iterable[Backend], *, begins: bool
) -> Split | None:
    """Return the traffic that the Route is to have, None where nobody is ready, or it is not Gaia's to move.

    Shares stay as they are while their backends are ready, and a backend that got ready joins with 0 %. Where the
    function `begins`, and nothing has served yet, its mode says where.
    """
    present = [backend for backend in ready if backend in deployment.backends]
    if not present or not traffic.holder(route).is_gaia:
        return None
    current = traffic.split_of(route)
    if not current or begins or _is_at_birth(deployment, route, current):
        return traffic.split(deployment.mode.initial_backend, present)
    if set(current) <= set(present) and sum(current.values()) == 100:
        return {backend: current.get(backend, 0) for backend in present}
    return traffic.split(max(current, key=lambda backend: current[backend]), present)


def _is_at_birth(deployment: Deployment, route: Mapping[str, Any], current: Split) -> bool:
    """Return whether a function that prefers the GPU still has the traffic that it was born with."""
    annotations = route["metadata"].get("annotations") or {}
    is_decided = words.DECISION in annotations or words.PIN in annotations
    return deployment.mode is ExecutionMode.GPU_PREFERRED and not is_decided and current == {Backend.CPU: 100}


def leaves_local(route: Mapping[str, Any]) -> list[str]:
    """Return the addresses of a Route that reach outside of the cluster, in as far as its status tells."""
    status = route.get("status") or {}
    local = _host(str((status.get("address") or {}).get("url", "")))
    domain = local.partition(".svc.")[2]
    urls = [status.get("url", ""), *(one.get("url", "") for one in status.get("traffic") or ())]
    return [url for url in urls if url and not _host(url).endswith(f".svc.{domain}" if domain else ".svc")]


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0]
