"""From flags and a target to a connection: every verb that speaks with a cluster begins here.

What a flag says goes before the target, the target before the kubeconfig.
"""

import asyncio
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from gaia_cli.errors import MissingPartError
from gaia_cli.project.choices import ClusterChoice
from gaia_cli.targets.knative.namespaces import check_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gaia_cli.project.targets import TargetSettings
    from runtime_images.cluster.access import Access
    from runtime_images.cluster.api import Api

_LIBRARIES = ("lightkube", "httpx2")
_Result = TypeVar("_Result")


def connect(choice: ClusterChoice, target: "TargetSettings | None" = None) -> "Access":
    """Return how to reach the cluster that the flags, else the target, else the kubeconfig choose.

    Nothing is sent yet.

    Raises:
        UsageError: no namespace can have the name that a flag gives.
        MissingPartError: there is no kubeconfig, or a library or plugin is not installed.
        ConfigurationError: the kubeconfig cannot be used.
    """
    _check_libraries()
    if choice.namespace:
        check_name(choice.namespace)
    from gaia_cli.targets.kubeconfig.access import access_of

    context = choice.context or (target.context if target else "")
    namespace = choice.namespace or (target.namespace if target else "")
    return access_of(os.environ, kubeconfig=choice.kubeconfig, context=context, namespace=namespace)


def _check_libraries() -> None:
    for library in _LIBRARIES:
        if find_spec(library) is None:
            raise MissingPartError(
                f"{library}, which speaks with the cluster, is not installed", "pip install 'gaia-faas[deploy]'"
            )


def offline(choice: ClusterChoice, target: "TargetSettings") -> "Access":
    """Return the same for what asks no cluster: without a kubeconfig too, as kubectl's own dry run.

    Raises:
        MissingPartError: the kubeconfig that a flag names is not there.
        ConfigurationError: a kubeconfig cannot be used.
    """
    _check_libraries()
    try:
        return connect(choice, target)
    except MissingPartError:
        if choice.kubeconfig or choice.context:
            raise
    from httpx2 import AsyncHTTPTransport

    from runtime_images.cluster.access import Access

    return Access("", choice.namespace or target.namespace or "default", "", "", AsyncHTTPTransport)


def run(access: "Access", work: "Callable[[Api], Awaitable[_Result]]") -> _Result:
    """Do `work` with a connection to the cluster, and return what it returns.

    Raises:
        ClusterRefused: the cluster said no, or gave no answer.
        MissingPartError: this machine lacks what the credentials need.
    """
    from gaia_cli.targets.failures import cluster_failures
    from runtime_images.cluster.api import Api

    async def connected() -> _Result:
        async with Api(access) as api:
            return await work(api)

    with cluster_failures(access):
        return asyncio.run(connected())
