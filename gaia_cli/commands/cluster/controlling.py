"""`gaia controller`: run it here, install it in a cluster, see how it does, take it away."""

import asyncio
import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gaia_cli.errors import ClusterRefused, ExitCode, UsageError
from gaia_cli.project.choices import ClusterChoice, DryRun
from gaia_cli.targets.knative import connection
from gaia_cli.targets.knative.controlling import NAME, controller_objects, is_own, removable
from gaia_cli.views import console
from runtime_images.cluster.kinds import EVERYWHERE

if TYPE_CHECKING:
    from runtime_images.cluster.access import Access
    from runtime_images.cluster.api import Api, Object


def run(choice: ClusterChoice, *, all_namespaces: bool, port: int | None) -> ExitCode:
    """Run the controller in this process until Ctrl-C, on the functions of a namespace or of all."""
    access = connection.connect(choice)

    from gaia_cli.targets.failures import cluster_failures  # loads what `connect` looks for

    namespace = EVERYWHERE if all_namespaces else access.namespace
    connection.run(access, lambda api: _first_look(api, namespace))
    where = "all namespaces" if all_namespaces else f"namespace {access.namespace}"
    console.note(f"controller for {where} of {access.context} ({access.server}); Ctrl-C ends it")
    with cluster_failures(access):
        number = asyncio.run(_run(access, namespace, port))
    return ExitCode(128 + number)


async def _first_look(api: "Api", namespace: str) -> None:
    """Look once at what is to be watched: a controller waits for a cluster that is gone, a person can mend it now."""
    from gaia_cli.targets.knative.inspecting.rows import OURS
    from gaia_cli.targets.knative.namespaces import check_namespace
    from runtime_images.cluster.kinds import ROUTE

    if namespace != EVERYWHERE:
        await check_namespace(api, namespace)
    await api.list(ROUTE, namespace, labels=OURS)


async def _run(access: "Access", namespace: str, port: int | None) -> int:
    from runtime_images.cluster.words import CONTROLLER_PORT
    from runtime_images.controller.life import Controller, Options, log_json_lines, run_until_signal
    from runtime_images.controller.measuring.observer import THROUGH_API, observer_of

    log_json_lines()
    where = CONTROLLER_PORT if port is None else port
    options = Options(namespace, lease_namespace=access.namespace, port=where)
    try:
        return await run_until_signal(Controller(access, options, observer_of(access, namespace, THROUGH_API)))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        problem = "is taken" if error.errno == errno.EADDRINUSE else "is not for this user"
        raise UsageError(f"port {where} {problem}", "choose another: --port; 0 takes any that is free") from None


def install(
    choice: ClusterChoice, *, image: str, cluster_wide: bool, dry_run: DryRun | None, wait_s: float
) -> ExitCode:
    """Apply the controller's objects, or show them, and wait until it runs."""
    from gaia_cli.images.references import parse_reference
    from gaia_cli.targets.yaml_text import as_documents

    parse_reference(image, "--image")
    access = connection.connect(choice)
    objects = controller_objects(access.namespace, image, cluster_wide=cluster_wide)
    if dry_run is DryRun.CLIENT:
        console.exact(as_documents(objects))
        return ExitCode.OK
    connection.run(access, lambda api: _install(api, objects, dry_run=dry_run is not None, wait_s=wait_s))
    done = "would be installed" if dry_run else "installed"
    console.line(f"{NAME} {done} in namespace {access.namespace} of {access.context}: {image}")
    return ExitCode.OK


async def _install(api: "Api", objects: "list[Object]", *, dry_run: bool, wait_s: float) -> None:
    from runtime_images.cluster.words import TEMPLATE_MANAGER

    for wanted in objects:
        await _refuse_others(api, wanted)
    for wanted in objects:
        await api.apply(wanted, TEMPLATE_MANAGER, dry_run=dry_run)
    if not dry_run and wait_s:
        await _wait_until_it_runs(api, objects[-1], wait_s)


async def _refuse_others(api: "Api", wanted: "Object") -> None:
    from runtime_images.cluster.kinds import kind_of

    kind, metadata = kind_of(wanted["apiVersion"], wanted["kind"]), wanted["metadata"]
    found = await api.get(kind, metadata["name"], metadata.get("namespace"))
    if found is not None and not is_own(found):
        raise ClusterRefused(
            f"{kind.name} {metadata['name']} is there already and not Gaia's", "choose another namespace: -n NAME"
        )


async def _wait_until_it_runs(api: "Api", deployment: "Object", wait_s: float) -> None:
    from runtime_images.cluster.kinds import DEPLOYMENT
    from runtime_images.cluster.moving import until

    namespace = deployment["metadata"]["namespace"]
    found = await until(lambda: api.get(DEPLOYMENT, NAME, namespace), _is_rolled_out, wait_s)
    if found is None:
        raise ClusterRefused(
            f"{NAME} has no ready pod after {wait_s:.0f} s: {await _why(api, namespace)}",
            f"look at its pods: kubectl get pods -n {namespace}; the next install goes on from here",
        )


async def _why(api: "Api", namespace: str) -> str:
    from runtime_images.cluster.kinds import POD
    from runtime_images.cluster.pods import pod_problem
    from runtime_images.cluster.words import NAME_LABEL

    pods, _ = await api.list(POD, namespace, labels={NAME_LABEL: NAME})
    return next((problem for pod in pods if (problem := pod_problem(pod))), "no pod says why")


def _is_rolled_out(deployment: Mapping[str, Any]) -> bool:
    """Return whether the pod of this very install is ready, and that of the one before has gone."""
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    pods = [int(status.get(field) or 0) for field in ("replicas", "updatedReplicas", "readyReplicas")]
    return _ready_pods(deployment) > 0 and pods == [wanted] * 3


def _ready_pods(deployment: Mapping[str, Any] | None) -> int:
    status = (deployment or {}).get("status") or {}
    is_current = deployment is not None and status.get("observedGeneration") == deployment["metadata"]["generation"]
    return int(status.get("readyReplicas") or 0) if is_current else 0


def status(choice: ClusterChoice) -> ExitCode:
    """Show whether a controller is installed, who leads, and what is held from it."""
    access = connection.connect(choice)
    lines, is_led = connection.run(access, _status)
    for line in lines:
        console.line(line)
    return ExitCode.OK if is_led else ExitCode.FINDINGS


async def _status(api: "Api") -> tuple[list[str], bool]:
    from runtime_images.cluster.kinds import DEPLOYMENT, LEASE

    namespace = api.access.namespace
    deployment, lease = await api.get(DEPLOYMENT, NAME), await api.get(LEASE, NAME)
    spec = (lease or {}).get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if deployment is None:
        first = f"{NAME} is not installed in namespace {namespace}"
    else:
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        first = f"{NAME} in namespace {namespace}: {_ready_pods(deployment)} pods ready, {image}"
    second = f"leads: {holder}, renewed at {spec.get('renewTime')}" if holder else "nobody leads"
    return [first, second], bool(holder)


def uninstall(choice: ClusterChoice, *, dry_run: bool) -> ExitCode:
    """Take the controller's objects away; functions, and how their traffic is, stay."""
    access = connection.connect(choice)
    gone = connection.run(access, lambda api: _uninstall(api, dry_run=dry_run))
    if not gone:
        raise UsageError(f"{NAME} is not installed in namespace {access.namespace}", "choose its namespace: -n NAME")
    for line in gone:
        console.line(f"{'would delete' if dry_run else 'deleted'}: {line}")
    return ExitCode.OK


async def _uninstall(api: "Api", *, dry_run: bool) -> list[str]:
    gone = []
    for kind, name in removable(api.access.namespace):
        found = await api.get(kind, name)
        if found is None or not is_own(found):
            continue
        if dry_run or await api.delete(kind, name, uid=found["metadata"]["uid"]):
            gone.append(f"{kind.name} {name}")
    return gone
