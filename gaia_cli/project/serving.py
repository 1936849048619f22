"""What serving a function takes: an entry point, a mode with its reason, the settings; the same for every command."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from analyzers.project.parsing import syntax_tree
from analyzers.project.reading import read_entry
from gaia_cli.errors import AnalysisError, FunctionError
from gaia_cli.project.choices import ModeName
from gaia_cli.project.foreign import func_yaml
from gaia_cli.project.names import LONGEST_LABEL, check_name
from gaia_cli.project.project import FunctionProject, load_project
from gaia_cli.project.requirements import Requirements
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.entrypoint import Entry, EntryError, EntryForm, find_entry
from runtime_images.policy.model import ExecutionMode

_BROUGHT = {EntryForm.COG: "cog", EntryForm.FUNCTIONS_FRAMEWORK: "functions-framework", EntryForm.LAMBDA: "boto3"}
"""What `cog build`, Google's builders and Lambda's images bring by themselves, so that nobody lists it."""


def named_project(path: Path, longest: int = LONGEST_LABEL) -> FunctionProject:
    """Read the project at `path`, which must have an entry point and a name of at most `longest` letters.

    Raises:
        ConfigurationError: its name is none; and all that `servable_project` raises.
    """
    project = servable_project(path)
    check_name(project.directory, project.name, longest)
    return project


def servable_project(path: Path) -> FunctionProject:
    """Read the project at `path`, and check that its entry point is there.

    Raises:
        UsageError: there is nothing at `path`.
        ConfigurationError: the function's configuration is unusable.
        FunctionError: there is no entry point, or more than one.
    """
    project = load_project(path)
    project.requirements_for(gpu=True)
    return with_library(project, entry_of(project).form)


def with_library(project: FunctionProject, form: EntryForm) -> FunctionProject:
    """Return `project` with the library of its form, where that form's platform installs it without being asked."""
    package = _BROUGHT.get(form, "")
    is_hashed = any("--hash" in line for line in project.requirements.lines)  # pip then takes no line without one
    if not package or is_hashed or project.requirements.names(package):
        return project
    if form is EntryForm.LAMBDA and not _mentions(project, package):
        return project  # few of these functions speak with AWS, and its library is large
    return replace(project, library=Requirements((package,)))


def _mentions(project: FunctionProject, package: str) -> bool:
    from analyzers.project.sources import collect  # reads the whole function

    return any(package in source.text for source in collect(project.directory, project.entrypoint).sources)


def with_variables(
    project: FunctionProject, environ: Mapping[str, str], given: Collection[str], say: Callable[[str], None]
) -> FunctionProject:
    """Return `project` with the variables that func.yaml names below its own, for a function that is to run.

    Those in `given` get their values elsewhere; `say` is told what is left out, and what is taken from `environ`.

    Raises:
        ConfigurationError: func.yaml cannot be read, or names what is not here.
    """
    below = func_yaml.variables(project.directory, environ, {*given, *project.env}, say)
    return replace(project, env={**below, **project.env})


def entry_of(project: FunctionProject) -> Entry:
    """Return where the function begins.

    Raises:
        FunctionError: there is no entry point, or more than one.
    """
    try:
        return find_entry(project.directory, project.entrypoint, read_entry, syntax_tree)
    except EntryError as error:
        raise FunctionError(error.message, error.hint) from None


def mode_of(project: FunctionProject, path: Path, asked: ModeName | None = None) -> tuple[ExecutionMode, str]:
    """Return the mode and why: the one asked for, else the pin in the configuration, else the analyzer's verdict.

    Raises:
        AnalysisError: a file of the function could not be analyzed; it names the place.
    """
    if asked is not None:
        return ExecutionMode(asked), "asked for"
    if project.pin is not None:
        return project.pin, "pinned in the configuration"
    from gaia_cli.project.analyzing import analyze_project

    analysis = analyze_project(project, path)
    if analysis.failures:
        failure = analysis.failures[0].evidence
        raise AnalysisError(
            f"{failure.path}:{failure.line}: {failure.message}",
            "correct it, or pin the mode in gaia.toml: [mode] pin",
        )
    return analysis.mode, f"{analysis.reason} (confidence {analysis.confidence:.0%})"


def settings_of(project: FunctionProject, mode: ExecutionMode, **beside: Any) -> Settings:  # noqa: ANN401 -- fields of Settings
    """Return the runtime's settings for `project`; `beside` holds what is not the project's, such as the port."""
    return Settings(
        function_dir=project.directory,
        function_name=project.name,
        entrypoint=project.entrypoint,
        mode=mode,
        slo=project.slo,
        prices=project.prices,
        cost_source=project.cost_source,
        concurrency=project.concurrency,
        idempotent=project.idempotent,
        warmup=project.warmup,
        max_body_bytes=int(project.max_body_mb * 1024 * 1024),
        request_timeout_s=project.request_timeout_s,
        **beside,
    )
