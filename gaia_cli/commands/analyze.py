"""`gaia analyze`: which execution mode the code needs, and why; of one function, or of each in a tree."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analyzers.lean.garbage import NoCollections
from analyzers.lean.printable import in_short
from gaia_cli.errors import AnalysisError, ExitCode, GaiaError, UsageError
from gaia_cli.project.analyzing import analyze_project
from gaia_cli.project.project import FunctionProject, load_project
from gaia_cli.trees.functions import Function, functions_at

if TYPE_CHECKING:
    from analyzers import Analysis

_SHOWN = 200
"""Characters of the names of files that a note has room for."""


class Wanted(NamedTuple):
    """What is asked for, whichever function it is.

    With `write`, gaia.manifest.toml is written beside the code. `hardware` is the GPU to predict for, by the name of a
    profile or as a file with one.
    """

    output_format: str
    write: bool
    hardware: str


class _Row(NamedTuple):
    """A function that was analyzed: where it was found, and its name."""

    path: str
    name: str
    analysis: "Analysis"


def analyze(
    *paths: Path, output_format: str = "full", write: bool = False, hardware: str = "", as_list: bool = False
) -> ExitCode:
    """Analyze the functions at `paths` and report: one in full, or a row for each.

    Returns the worst that came of any: `USAGE` when a file of a function could not be analyzed, or a path is wrong. The
    others are reported all the same. The report says which file it was, and no manifest is written of that function.
    """
    wanted = Wanted(output_format, write, hardware)
    functions: dict[Function, None] = {}
    problems: dict[str, GaiaError] = {}
    for path in paths:
        try:
            found = functions_at(path, lambda directory: problems.update({directory: _refused(directory)}))
            functions |= dict.fromkeys(found)
        except GaiaError as error:
            problems[str(path)] = error
    left = [function for function in functions if str(function.path) not in problems]
    if len(left) + len(problems) > 1 or as_list:
        return _several(left, problems, wanted)
    for problem in problems.values():
        raise problem
    return _one(left[0], wanted)


def _refused(directory: str) -> GaiaError:
    return AnalysisError(f"{directory} may not be read", "make it readable for the user that Gaia runs as")


def _one(function: Function, wanted: Wanted) -> ExitCode:
    """Report one function in full, with what the code shows."""
    from gaia_cli.views import console

    with NoCollections():  # the code that was read is no garbage yet, and a search for some looks at all of it
        analysis, project = _analyzed(function, wanted)
        if wanted.output_format == "json":
            from analyzers.formats import as_json

            console.exact(as_json.render(analysis))
        else:
            from gaia_cli.views.analysis import show_analysis

            show_analysis(analysis, project.name, console.rich_console())
        return _written(function, analysis, project, wanted)


def _several(functions: Sequence[Function], problems: dict[str, GaiaError], wanted: Wanted) -> ExitCode:
    """Report a row for each function, and what is wrong with others."""
    from gaia_cli.views import errors

    worst = ExitCode.OK
    rows: list[_Row] = []
    shared = _with_several(functions)
    for function in functions:
        try:
            if wanted.write and function.path in shared:
                raise UsageError(f"{function.path} has several functions, and one manifest", "leave out --write")
            analysis, project = _analyzed(function, wanted)
            rows.append(_Row(function.shown, function.name or project.name, analysis))
            worst = max(worst, _written(function, analysis, project, wanted))
        except GaiaError as error:
            error.put_before(function.shown)
            problems[function.shown] = error
    for problem in problems.values():
        worst = max(worst, problem.exit_code)
        errors.show_error(problem, as_json=False)
    _report(rows, problems, as_json=wanted.output_format == "json")
    return worst


def _report(rows: "Sequence[_Row]", problems: dict[str, GaiaError], *, as_json: bool) -> None:
    from gaia_cli.views import console

    if as_json:
        from analyzers.formats import as_json as form

        failed = [form.FailedOutput(path=path, message=one.message, hint=one.hint) for path, one in problems.items()]
        console.exact(form.render_list([form.function(*row) for row in rows], failed))
    else:
        from gaia_cli.views.analysis import show_functions

        show_functions([(row.path, row.analysis) for row in rows])


def _with_several(functions: Sequence[Function]) -> set[Path]:
    """Return the directories that more than one function lies in."""
    places = [function.path for function in functions]
    return {place for place in places if places.count(place) > 1}


def _analyzed(function: Function, wanted: Wanted) -> tuple["Analysis", FunctionProject]:
    """Return the analysis of a function, and its configuration; say what of both has no effect."""
    from gaia_cli.views import console

    path = function.path
    is_notebook = path.suffix == ".ipynb" and path.is_file()
    if wanted.write and is_notebook:
        raise UsageError(f"{path} is a notebook: it cannot be served and has no manifest", "leave out --write")
    project = load_project(path.parent if is_notebook else path)
    if function.entrypoint:
        project = replace(project, entrypoint=function.entrypoint, name=function.name)
    with console.Progress(for_programs=wanted.output_format == "json") as tell:
        analysis = analyze_project(project, path, hardware=wanted.hardware, tell=tell)
    if wanted.hardware and project.slo.latency_p95_ms is None:
        said = f"--hardware {wanted.hardware} has no effect without an SLO: set [slo] latency_p95_ms in gaia.toml"
        console.note(said)
    for line in project.requirements.outside:
        console.note(f"{line.path}:{line.number}: {line.text} leads out of the function's directory and is not read")
    if shared := [file for file in analysis.files if file.startswith("../")]:
        said = f"{in_short(', '.join(shared), _SHOWN)} outside of it: read, and not taken along by `gaia build`"
        console.note(f"{path} imports {said}")
    return analysis, project


def _written(function: Function, analysis: "Analysis", project: FunctionProject, wanted: Wanted) -> ExitCode:
    """Write the manifest where it is asked for, and return what came of the function."""
    if analysis.failures:
        return ExitCode.USAGE
    if wanted.write:
        from gaia_cli.project.manifests import manifest_text, write_manifest
        from gaia_cli.views import console

        console.note(f"wrote {write_manifest(function.path, manifest_text(analysis, project))}")
    return ExitCode.OK
