"""The verbs that look at what is deployed, and take it away: `list`, `describe`, `logs` and `delete`."""

from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import BackendName, ListForm, ObjectForm
from gaia_cli.verbs.cluster_options import FORM_FLAGS, ContextName, Kubeconfig, Namespace, TargetName, Yes, place_of
from gaia_cli.verbs.durations import Since, Timeout

FunctionName = Annotated[str, typer.Argument(metavar="NAME", help="The function's name.")]


def list_functions(
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")] = False,
    form: Annotated[ListForm | None, typer.Option(*FORM_FLAGS, help="For programs, in place of a table.")] = None,
) -> ExitCode:
    """Show the functions that are deployed.

    Example: gaia list -n team -o json
    """
    from gaia_cli.commands.cluster import listing as command

    return command.list_functions(place_of(target, context, kubeconfig, namespace), form, everywhere=everywhere)


def describe(
    name: FunctionName,
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
    form: Annotated[ObjectForm | None, typer.Option(*FORM_FLAGS, help="For programs, in place of a text.")] = None,
) -> ExitCode:
    """Show a deployed function: backends, traffic, decisions.

    Example: gaia describe hello
    """
    from gaia_cli.commands.cluster import describing as command

    return command.describe(name, place_of(target, context, kubeconfig, namespace), form)


def logs(
    name: FunctionName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with the lines that come.")] = False,
    tail: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The last N lines of each pod; by default all.")
    ] = None,
    since: Since = None,
    backend: Annotated[BackendName | None, typer.Option(help="The pods of this backend only.")] = None,
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Show what the pods of a deployed function have written.

    Example: gaia logs hello -f --tail 20 --backend gpu
    """
    from gaia_cli.commands.cluster import logs as command

    asked = command.Asked(backend, tail, since, follow)
    return command.logs(name, place_of(target, context, kubeconfig, namespace), asked)


def delete(
    name: FunctionName,
    yes: Yes = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is gone.")] = True,
    timeout: Timeout = 60.0,
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> ExitCode:
    """Take a deployed function away.

    It shows what will go, and asks. The image stays in the registry.

    Example: gaia delete hello -y
    """
    from gaia_cli.commands.cluster import deleting as command

    place = place_of(target, context, kubeconfig, namespace)
    return command.delete(name, place, timeout if wait else None, yes=yes)
