"""The manifest of a project: as the text of gaia.manifest.toml, as plain values, and as an image carries it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzers import Analysis
from analyzers.lean.writing import write_named
from analyzers.manifest import FILE_NAME, render_manifest, to_object
from gaia_cli.errors import AnalysisError, UsageError
from gaia_cli.places import working_tree
from gaia_cli.project.analyzing import analyze_project
from gaia_cli.project.project import FunctionProject
from gaia_cli.version import __version__
from runtime_images.policy.model import ExecutionMode


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an image carries: a file beside the function and JSON in a label; with the mode and its reason."""

    toml: str
    json: str
    mode: ExecutionMode
    reason: str


def manifest_of(project: FunctionProject) -> Manifest:
    """Analyze `project` and write down the result.

    Raises:
        FunctionError: there is nothing to analyze.
    """
    analysis = analyze_project(project)
    as_json = json.dumps(manifest_object(analysis, project), sort_keys=True, separators=(",", ":"))
    reason = f"{analysis.reason} (confidence {analysis.confidence:.2f})"
    return Manifest(manifest_text(analysis, project), as_json, analysis.mode, reason)


def manifest_text(analysis: Analysis, project: FunctionProject) -> str:
    """Return the manifest as TOML."""
    with _steady(project):
        return render_manifest(analysis, name=project.name, slo=project.slo, version=__version__)


def manifest_object(analysis: Analysis, project: FunctionProject) -> dict[str, Any]:
    """Return the manifest as plain values."""
    with _steady(project):
        return to_object(analysis, name=project.name, slo=project.slo, version=__version__)


@contextmanager
def _steady(project: FunctionProject) -> Iterator[None]:
    """Say it where a file that was analyzed can no longer be read.

    Raises:
        AnalysisError: it cannot.
    """
    try:
        yield
    except OSError as error:
        message = f"a file of {project.directory} has changed meanwhile: {error.filename}: {error.strerror}"
        raise AnalysisError(message, "run it again") from None


def write_manifest(path: Path, text: str) -> Path:
    """Write `text` as the manifest of the function at `path`, as the user named it, and return the file.

    Raises:
        UsageError: the file cannot be written, or it or a directory is a link.
    """
    file = (path if path.is_dir() else path.parent) / FILE_NAME
    try:
        write_named(working_tree(), str(file), text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", "make it a writable file") from None
    return file
