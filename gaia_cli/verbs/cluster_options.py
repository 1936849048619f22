"""The options that the verbs for a cluster share, so that each is called, read and explained alike everywhere."""

import re
from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.project.choices import ClusterChoice, ObjectForm

_PART = re.compile(r"(\d{1,9}+(?:\.\d{1,9}+)?+)(ms|s|m|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY_S = 86400.0


def duration_s(text: str | float) -> float:
    """Return a time such as 60s, 2m or 1h30m in seconds; a number alone counts seconds.

    Raises:
        typer.BadParameter: it is none, is zero, or is longer than a day.
    """
    written = f"{text}s" if str(text).replace(".", "", 1).isdecimal() else str(text)
    parts = _PART.findall(written)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != written or not 0 < seconds <= _DAY_S:
        raise typer.BadParameter(f"{text} is no time of up to a day: write 60s, 2m or 1h30m")
    return seconds


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
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="TIME", parser=duration_s, help="How long to wait, such as 60s or 2m."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Form = Annotated[ObjectForm | None, typer.Option("--output", "-o", help="Write the objects instead of a report.")]


def place_of(target: str, context: str, kubeconfig: Path | None, namespace: str) -> ClusterChoice:
    """Return what these four options choose together."""
    return ClusterChoice(context, kubeconfig, namespace, target)
