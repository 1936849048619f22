"""The verbs that bring a function to a cluster: `deploy` and `diff`."""

from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import ClusterChoice, DryRun
from gaia_cli.verbs.cluster_options import ContextName, Form, Kubeconfig, Namespace, TargetNames, Yes
from gaia_cli.verbs.durations import Timeout
from gaia_cli.verbs.functions import FunctionPath

Image = Annotated[
    str, typer.Option(metavar="REF", help="Deploy this image, which is pushed already: no build and no push.")
]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        "--force-conflicts",
        help="Replace another project's function of this name; never another tool's objects.",
    ),
]


def deploy(
    path: FunctionPath = Path(),
    targets: TargetNames = None,
    image: Image = "",
    dry_run: Annotated[
        DryRun | None,
        typer.Option("--dry-run", help="Write nothing: only show what would be sent, or ask the server as well."),
    ] = None,
    output: Form = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the objects as files, for a repository that GitOps applies."),
    ] = None,
    yes: Yes = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the function serves.")] = True,
    timeout: Timeout = 60.0,
    take_over: TakeOver = False,
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Bring the function to a cluster with Knative.

    Analyzes, builds and pushes it, shows what would change, asks, applies, and waits until it serves.
    The same again changes nothing.

    Example: gaia deploy samples/01-hello --target prod
    """
    from gaia_cli.commands.cluster import deploy as command

    options = command.DeployOptions(
        targets=tuple(targets or ()),
        image=image,
        dry_run=dry_run,
        form=output,
        out=out,
        yes=yes,
        wait=wait,
        timeout_s=timeout,
        take_over=take_over,
        choice=ClusterChoice(context, kubeconfig, namespace),
    )
    return command.deploy(path, options)


def diff(
    path: FunctionPath = Path(),
    targets: TargetNames = None,
    image: Image = "",
    timeout: Timeout = 60.0,
    take_over: TakeOver = False,
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Show what a deploy would change in the cluster.

    Asks the server with a dry run. Exits with 1 where something is other.

    Example: gaia diff samples/01-hello --target prod
    """
    from gaia_cli.commands.cluster import deploy as command

    choice = ClusterChoice(context, kubeconfig, namespace)
    options = command.DeployOptions(
        targets=tuple(targets or ()), image=image, timeout_s=timeout, take_over=take_over, choice=choice
    )
    return command.diff(path, options)
