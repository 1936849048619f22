"""`gaia analyze`: which execution mode the code needs, and why."""

from pathlib import Path
from typing import TYPE_CHECKING

from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.project.analyzing import analyze_project
from gaia_cli.project.project import FunctionProject, load_project

if TYPE_CHECKING:
    from analyzers import Analysis


def analyze(path: Path, output_format: str = "full", write: bool = False, hardware: str = "") -> ExitCode:
    """Analyze the function at `path` and report; with `write` also write gaia.manifest.toml beside its code.

    `hardware` is the GPU to predict for, by the name of a profile or as a file with one. Returns `USAGE` when a file of
    the function could not be analyzed: the report says which, and no manifest is written.
    """
    is_notebook = path.suffix == ".ipynb" and path.is_file()
    if write and is_notebook:
        raise UsageError(f"{path} is a notebook: it cannot be served and has no manifest", "leave out --write")
    project = load_project(path.parent if is_notebook else path)
    analysis = analyze_project(project, path, hardware=hardware)
    from gaia_cli.views import console

    if hardware and project.slo.latency_p95_ms is None:
        console.note(f"--hardware {hardware} has no effect without an SLO: set [slo] latency_p95_ms in gaia.toml")
    for line in project.requirements.outside:
        console.note(f"{line.path}:{line.number}: {line.text} leads out of the function's directory and is not read")
    _report(analysis, project, output_format)
    if analysis.failures:
        return ExitCode.USAGE
    if write:
        from gaia_cli.project.manifests import manifest_text, write_manifest

        console.note(f"wrote {write_manifest(path, manifest_text(analysis, project))}")
    return ExitCode.OK


def _report(analysis: "Analysis", project: FunctionProject, output_format: str) -> None:
    from gaia_cli.views import console

    if output_format == "json":
        from analyzers.formats import as_json

        console.exact(as_json.render(analysis))
    else:
        from gaia_cli.views.analysis import show_analysis

        show_analysis(analysis, project.name, console.rich_console())
