"""The verb `doctor`: is everything there that this machine, or a target, must have?"""

from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import Report
from gaia_cli.verbs.cluster_options import ContextName, Kubeconfig, Namespace, TargetName, place_of
from gaia_cli.verbs.functions import ReportFormat


def doctor(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", show_default=False, help="The function; by default the one here.")
    ] = Path(),
    target: TargetName = "",
    context: ContextName = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
    output_format: ReportFormat = Report.FULL,
) -> ExitCode:
    """Say what this machine, or a cluster, lacks.

    Without a target or a context it looks at this machine, and at what a run of the function needs. With one
    it makes the checks that a deploy of the function makes first, and changes nothing. Exits with 4 if the
    cluster lacks something.

    Example: gaia doctor samples/01-hello --target prod
    """
    from gaia_cli.commands import doctor as command

    place = place_of(target, context, kubeconfig, namespace)
    return command.doctor(path, place, as_json=output_format is Report.JSON)
