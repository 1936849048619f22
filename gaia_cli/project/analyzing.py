"""A project, analyzed: the one way in which commands ask the analyzer, so that all get the same answer."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.lean.files import leads_out, left_tree
from gaia_cli.errors import ConfigurationError, FunctionError, UsageError
from gaia_cli.places import working_tree
from gaia_cli.project.project import FunctionProject
from runtime_images.policy.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzers import Analysis


def analyze_project(
    project: FunctionProject,
    path: Path | None = None,
    *,
    hardware: str = "",
    tell: "Callable[[str], object] | None" = None,
) -> "Analysis":
    """Analyze a project; a mode that its configuration pins stands above what the code says.

    `path` is what the user named, when that may be a single file. `hardware` goes before the configuration's.
    `tell` is told how far the work is.

    Raises:
        FunctionError: there is no Python to analyze, or the configured entry point is not there.
        UsageError, ConfigurationError: there is no such hardware.
    """
    return pinned(analyze_code(project, path, hardware=hardware, tell=tell), project)


def analyze_code(
    project: FunctionProject,
    path: Path | None = None,
    *,
    hardware: str = "",
    tell: "Callable[[str], object] | None" = None,
) -> "Analysis":
    """Analyze the code of a project, whatever is pinned; see `analyze_project`."""
    from analyzers import AnalyzerError, analyze

    chosen = _known_hardware(project, hardware)
    single = path is not None and path.is_file()
    where, entrypoint = (path, "") if path and single else (project.directory, project.entrypoint)
    try:
        return analyze(
            where,
            entrypoint=entrypoint,
            slo=project.slo,
            hardware=chosen,
            tree=working_tree(),
            python=project.python,
            tell=tell,
        )
    except AnalyzerError as error:
        raise FunctionError(error.message, error.hint) from None


def pinned(analysis: "Analysis", project: FunctionProject) -> "Analysis":
    """Return the analysis with the mode that the configuration pins, where it pins one."""
    if project.pin is None:
        return analysis
    reason = f"pinned in the function's configuration; its code says {analysis.mode}: {analysis.reason}"
    return replace(analysis, verdict=Verdict(project.pin, 1.0, reason), alternatives=())


def _known_hardware(project: FunctionProject, asked: str) -> str:
    """Return the hardware that was asked for, else what the configuration names, its file beside the function."""
    if not (asked or project.hardware):
        return ""
    from analyzers.errors import AnalyzerError
    from analyzers.verdict.hardware import hardware, is_file_name

    if is_file_name(asked) and (tree := left_tree(working_tree(), asked)):
        raise UsageError(f"--hardware: {asked} leads out of {tree}", "give the path itself")
    own = str(project.directory / project.hardware) if is_file_name(project.hardware) else project.hardware
    name = asked or own
    if not asked and own != project.hardware and leads_out(str(project.directory), project.hardware):
        message = f"{project.directory}: [mode] hardware: {project.hardware} leads out of the function's directory"
        raise ConfigurationError(message, "copy the file in")
    try:
        hardware(name)
    except AnalyzerError as error:
        if asked:
            raise UsageError(f"--hardware: {error.message}", error.hint) from None
        raise ConfigurationError(f"{project.directory}: [mode] hardware: {error.message}", error.hint) from None
    return name
