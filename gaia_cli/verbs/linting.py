"""The verbs of the linter: `lint`, `rule`, `rules`.

The flags of `lint` are made from the table that the hook's quick path reads (linting/options.py).
"""

from enum import StrEnum
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.linting.options import OPTIONS, Option, from_values
from gaia_cli.project.choices import Report
from gaia_cli.verbs.functions import ReportFormat


def lint(**values: object) -> ExitCode:
    """Report what keeps functions from switching.

    For hooks and pipelines: findings only, no verdict. Without FILES, lints the Python files and notebooks below here.
    Exits with 0 without findings, with 1 if there are any, with 2 if the analysis failed.

    Example: gaia lint src --output sarif:gaia.sarif
    """
    from gaia_cli.commands import lint as command

    return command.lint(from_values(values))


def rule(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The rule's code or name.")],
    output_format: ReportFormat = Report.FULL,
) -> ExitCode:
    """Explain a rule.

    Example: gaia rule GA201
    """
    from gaia_cli.commands import rules as command

    return command.rule(code, output_format)


def rules(output_format: ReportFormat = Report.FULL) -> ExitCode:
    """List the rules.

    Example: gaia rules --output-format json
    """
    from gaia_cli.commands import rules as command

    return command.rules(output_format)


def _parameters() -> list[Parameter]:
    files = typer.Argument(metavar="FILES", show_default=False, help="Files and directories; - for standard input.")
    first = Parameter("files", Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[list[str] | None, files])
    return [first, *map(_parameter, OPTIONS)]


def _parameter(option: Option) -> Parameter:
    flag = typer.Option(option.flag, metavar=option.metavar or None, help=option.help)
    if option.is_switch:
        return Parameter(option.field, Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, flag])
    words: Any = StrEnum(option.field, {choice: choice for choice in option.choices}) if option.choices else str
    kind = list[str] if option.repeatable else words
    return Parameter(option.field, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, flag])


_PARAMETERS = _parameters()
lint.__signature__ = Signature(_PARAMETERS)  # type: ignore[attr-defined] # a function may carry one, says PEP 362
lint.__annotations__ = {parameter.name: parameter.annotation for parameter in _PARAMETERS}
