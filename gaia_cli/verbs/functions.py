"""The verbs for a function's files: `init`, `analyze`, `manifest`, `build`; and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import ModeName, Report, Template

FunctionPath = Annotated[Path, typer.Argument(metavar="PATH", help="The function: a directory or one Python file.")]
ReportFormat = Annotated[
    Report, typer.Option("--output-format", "-o", help="A report for people, or one JSON object for programs.")
]
TargetName = Annotated[
    str, typer.Option("--target", metavar="NAME", help="Name it as `gaia deploy --target NAME` would look for it.")
]
Mode = Annotated[
    ModeName | None,
    typer.Option(envvar="GAIA_MODE", help="Pin the execution mode, whatever the analyzer says."),
]


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the function.")],
    template: Annotated[
        Template, typer.Option(help="A plain handler(payload), or Knative's new() with an ASGI handle.")
    ] = Template.HANDLER,
    name: Annotated[str, typer.Option(help="The function's name; by default made from DIR.")] = "",
) -> ExitCode:
    """Write a small working function to begin with.

    Writes func.py, gaia.toml and requirements.txt, and overwrites nothing.

    Example: gaia init hello
    """
    from gaia_cli.commands import init as command

    return command.init(directory, template, name)


def analyze(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATHS",
            readable=False,  # one that is not is reported, and the others are analyzed
            help="Functions: directories, Python files, notebooks; or trees that hold several.",
        ),
    ],
    output_format: ReportFormat = Report.FULL,
    write: Annotated[bool, typer.Option("--write", help="Write gaia.manifest.toml beside the function.")] = False,
    hardware: Annotated[
        str,
        typer.Option(
            envvar="GAIA_HARDWARE",
            metavar="PROFILE|FILE",
            help="The GPU to predict for, such as l4 or h100; needs an SLO.",
        ),
    ] = "",
    as_list: Annotated[
        bool, typer.Option("--all", help="Write JSON as a list, and a row for each function, however many there are.")
    ] = False,
) -> ExitCode:
    """Say which execution mode the code needs, and why.

    Reads the code and never runs it. Of several functions it shows a row each; the exit code is the worst.

    Example: gaia analyze samples/02-matmul
    """
    from gaia_cli.commands import analyze as command

    return command.analyze(*paths, output_format=output_format, write=write, hardware=hardware, as_list=as_list)


def manifest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATHS", show_default=False, help="Functions; by default every one below that has one."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Update the manifests that are out of date.")] = False,
) -> ExitCode:
    """Check that every gaia.manifest.toml is up to date.

    Exits with 1 if one is not.

    Example: gaia manifest --write
    """
    from gaia_cli.commands import manifest as command

    return command.manifest(paths or (), write=write)


def build(
    path: FunctionPath,
    tag: Annotated[str, typer.Option(help="The image's name and tag; by default made from the function's name.")] = "",
    base_image: Annotated[str, typer.Option(help="Build on this image instead of the mode's default.")] = "",
    mode: Mode = None,
    output_format: ReportFormat = Report.FULL,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Rebuild every layer.")] = False,
    push: Annotated[
        bool, typer.Option("--push", help="Push it to the registry of --tag or --target, and print its digest.")
    ] = False,
    target: TargetName = "",
) -> ExitCode:
    """Build the function's container image.

    The image holds the function, its requirements, the runtime and the manifest. Needs a Docker engine.

    Example: gaia build samples/01-hello --tag hello:1
    """
    from gaia_cli.commands import build as command

    options = command.BuildOptions(tag, base_image, mode, output_format, no_cache, push, target)
    return command.build(path, options)
