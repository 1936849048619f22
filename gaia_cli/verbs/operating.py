"""The verb `controller`: who runs it, and where."""

from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import ClusterChoice, DryRun
from gaia_cli.verbs.cluster_options import ContextName, Kubeconfig, Namespace
from gaia_cli.verbs.durations import Timeout

AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Serve the functions of all namespaces.")]


def controller_run(
    all_namespaces: AllNamespaces = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where to answer /metrics and /healthz.  [default: 9465]")
    ] = None,
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Run the controller here, against the current context, until Ctrl-C.

    Of several controllers one leads; the others wait.

    Example: gaia controller run -n prod
    """
    from gaia_cli.commands.cluster import controlling

    return controlling.run(ClusterChoice(context, kubeconfig, namespace), all_namespaces=all_namespaces, port=port)


def controller_install(
    image: Annotated[str, typer.Option(metavar="REF", help="The controller's image, which is pushed already.")],
    cluster_wide: Annotated[
        bool, typer.Option("--cluster-wide", help="Serve all namespaces, by a ClusterRole; else only its own.")
    ] = False,
    dry_run: Annotated[
        DryRun | None,
        typer.Option("--dry-run", help="Write nothing: only show the objects, or let the server check them."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it runs.")] = True,
    timeout: Timeout = 60.0,
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Install the controller in a namespace, with the rights that it needs and no other.

    Example: gaia controller install --image ghcr.io/me/gaia-controller:1 -n gaia
    """
    from gaia_cli.commands.cluster import controlling

    choice = ClusterChoice(context, kubeconfig, namespace)
    wait_s = timeout if wait else 0.0
    return controlling.install(choice, image=image, cluster_wide=cluster_wide, dry_run=dry_run, wait_s=wait_s)


def controller_status(context: ContextName = "", kubeconfig: Kubeconfig = None, namespace: Namespace = "") -> ExitCode:
    """Show whether the controller is installed, and who leads; exit 1 where nobody does.

    Example: gaia controller status -n gaia
    """
    from gaia_cli.commands.cluster import controlling

    return controlling.status(ClusterChoice(context, kubeconfig, namespace))


def controller_uninstall(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Take the controller away. Functions stay, with their traffic as it is.

    Example: gaia controller uninstall -n gaia
    """
    from gaia_cli.commands.cluster import controlling

    return controlling.uninstall(ClusterChoice(context, kubeconfig, namespace), dry_run=dry_run)
