"""The verb `gaia lint`, whose flags are made from the table that the hook's quick path reads (linting/options.py)."""

from collections.abc import Callable
from enum import StrEnum
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.linting.options import OPTIONS, Option


def lint(**values: object) -> Callable[[], ExitCode]:
    """Report what keeps functions from switching.

    For hooks and pipelines: findings only, no verdict. Without FILES, the Python files and notebooks below here.
    Exits with 0 when there is nothing, with 1 when there are findings, with 2 when the analysis failed.

    Example: gaia lint src --output sarif:gaia.sarif
    """

    def call() -> ExitCode:
        from gaia_cli.commands.lint import lint as work
        from gaia_cli.linting.options import from_values

        return work(from_values(values))

    return call


def _parameters() -> list[Parameter]:
    files = Annotated[
        list[str] | None,
        typer.Argument(metavar="FILES", show_default=False, help="Files and directories; - for standard input."),
    ]
    first = Parameter("files", Parameter.KEYWORD_ONLY, default=None, annotation=files)
    return [first, *map(_parameter, OPTIONS)]


def _parameter(option: Option) -> Parameter:
    annotation, default = _flag(option)
    return Parameter(option.field, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flag(option: Option) -> tuple[Any, Any]:
    """The annotation and the default of a flag."""
    if option.is_switch:
        return Annotated[bool, typer.Option(option.flag, help=option.help)], False
    if option.repeatable:
        return Annotated[list[str] | None, typer.Option(option.flag, metavar=option.metavar, help=option.help)], None
    kind: Any = StrEnum(option.field, {choice: choice for choice in option.choices}) if option.choices else str
    return Annotated[kind | None, typer.Option(option.flag, metavar=option.metavar or None, help=option.help)], None


_PARAMETERS = _parameters()
lint.__signature__ = Signature(_PARAMETERS)  # type: ignore[attr-defined] # a function may carry one, says PEP 362
lint.__annotations__ = {parameter.name: parameter.annotation for parameter in _PARAMETERS}
