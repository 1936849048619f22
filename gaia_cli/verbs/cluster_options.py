"""The options that the verbs for a cluster share, so that each is called, read and explained alike everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.project.choices import ClusterChoice, ObjectForm

TargetName = Annotated[
    str,
    typer.Option("--target", metavar="NAME", help="The target in gaia.toml; by default the kubeconfig's context."),
]
TargetNames = Annotated[
    list[str] | None,
    typer.Option(
        "--target", metavar="NAME", help="A target in gaia.toml; may be repeated. By default the kubeconfig's context."
    ),
]
ContextName = Annotated[str, typer.Option("--context", metavar="NAME", help="The kubeconfig's context to use.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", metavar="FILE", help="The kubeconfig; by default $KUBECONFIG, else ~/.kube/config."),
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAME", help="The namespace; by default the target's or context's.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
FORM_FLAGS = ("--output", "-o", "--output-format")
"""As kubectl has it, and as the verbs that ask no cluster have it."""
Form = Annotated[ObjectForm | None, typer.Option(*FORM_FLAGS, help="Write the objects instead of a report.")]


def place_of(target: str, context: str, kubeconfig: Path | None, namespace: str) -> ClusterChoice:
    """Return what these four options choose together."""
    return ClusterChoice(context, kubeconfig, namespace, target)
