"""`gaia manifest`: check that every gaia.manifest.toml is up to date, or update it; for hooks."""

from collections.abc import Sequence
from pathlib import Path

from analyzers.lean.printable import in_short
from analyzers.manifest import FILE_NAME
from gaia_cli.errors import AnalysisError, ExitCode, shell_word
from gaia_cli.project.analyzing import analyze_project
from gaia_cli.project.manifests import manifest_text, write_manifest
from gaia_cli.project.own_files import bytes_of
from gaia_cli.project.project import FunctionProject, load_project
from gaia_cli.trees.functions import functions_at, with_manifest
from gaia_cli.views import console

_SHOWN = 100
"""Characters of what a manifest says in the place of a mode."""


def manifest(paths: Sequence[Path] = (), *, write: bool = False) -> ExitCode:
    """Check the manifests of the functions at and below `paths`, or of all below the working directory that have one.

    With `write` update those that are out of date. Return `FINDINGS` if one is, and was not updated.
    """
    named = (function.path for path in paths for function in functions_at(path, _refuse))
    directories = list(dict.fromkeys(named)) or list(with_manifest(Path(), _refuse))
    if not directories:
        console.note(f"no {FILE_NAME} below this directory; write one: gaia manifest PATH --write")
    differing = [directory for directory in directories if not _is_current(directory, write=write)]
    return ExitCode.FINDINGS if differing and not write else ExitCode.OK


def _refuse(directory: str) -> None:
    raise AnalysisError(f"cannot read {directory}: Permission denied", "make it readable, or name the functions")


def _is_current(path: Path, *, write: bool) -> bool:
    """Return whether the manifest is up to date; say what is not, or with `write` update it."""
    project = load_project(path)
    directory = path if path.is_dir() else path.parent
    file = directory / FILE_NAME
    expected = _expected(project, path)
    found = (bytes_of(directory, FILE_NAME) or b"").decode(errors="replace")
    if found == expected:
        return True
    if write:
        console.note(f"wrote {write_manifest(directory, expected)}")
    else:
        repair = f"gaia manifest {shell_word(path)} --write"
        console.answer(console.line, f"{file}: {_difference(found, expected)}; fix it: {repair}")
    return False


def _expected(project: FunctionProject, path: Path) -> str:
    analysis = analyze_project(project, path)
    if analysis.failures:
        failure = analysis.failures[0]
        place = path / failure.place.shown
        raise AnalysisError(f"{place}: {failure.message}", "correct the file; a manifest needs every source")
    return manifest_text(analysis, project)


def _difference(found: str, expected: str) -> str:
    """Say in which thing the manifest differs first."""
    from analyzers.lean import toml

    if not found:
        return "missing"
    try:
        there, wanted = toml.loads(found), toml.loads(expected)
    except (ValueError, RecursionError):
        return "not valid TOML"
    mode = there.get("mode")
    recorded = mode.get("value") if isinstance(mode, dict) else None
    if recorded != wanted["mode"]["value"]:
        said = in_short(str(recorded or "none"), _SHOWN)
        return f"its mode is {said}, the sources say {wanted['mode']['value']}"
    if there.get("sources") != wanted["sources"]:
        return "its sources have changed"
    if there.get("analyzer") != wanted["analyzer"]:
        return "it was written by another version of Gaia or of its rules"
    changed = [table for table in wanted if there.get(table) != wanted[table]]
    return f"[{changed[0]}] has changed" if changed else "it was edited by hand"
