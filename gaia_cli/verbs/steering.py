"""The verbs that move a function by hand, here or on a cluster: `switch`, `pin` and `unpin`."""

from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import BackendName
from gaia_cli.verbs.cluster_options import ContextName, Kubeconfig, Namespace, TargetName, place_of
from gaia_cli.verbs.durations import Timeout
from gaia_cli.verbs.inspecting import FunctionName


def switch(
    name: FunctionName,
    backend: Annotated[BackendName, typer.Argument(metavar="cpu|gpu", help="The backend that is to serve.")],
    timeout: Timeout = 60.0,
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Move a function to the CPU or the GPU now.

    The policy goes on deciding, and may move it back. A function of this name that `gaia run` serves on this
    machine goes first; with --target, --context, --kubeconfig or --namespace, or where none runs here, it is
    the one on the cluster.

    Example: gaia switch hello gpu
    """
    from gaia_cli.commands import steering as command

    return command.switch(name, backend, place_of(target, context, kubeconfig, namespace), timeout)


def pin(
    name: FunctionName,
    backend: Annotated[
        BackendName | None, typer.Argument(metavar="[cpu|gpu]", help="The backend; by default where it serves now.")
    ] = None,
    timeout: Timeout = 60.0,
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Keep a function on one backend until it is unpinned.

    It finds the function as `gaia switch` does.

    Example: gaia pin hello cpu
    """
    from gaia_cli.commands import steering as command

    return command.pin(name, backend, place_of(target, context, kubeconfig, namespace), timeout)


def unpin(
    name: FunctionName,
    timeout: Timeout = 60.0,
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Let the policy decide again.

    On a cluster this also takes back the traffic that somebody has set by hand.

    Example: gaia unpin hello
    """
    from gaia_cli.commands import steering as command

    return command.unpin(name, place_of(target, context, kubeconfig, namespace), timeout)
