"""The manifest as an image carries it: a file beside the function and JSON in a label, both from one analysis."""

import json
from dataclasses import dataclass

from analyzers.manifest import render_manifest, to_object
from gaia_cli.project.analyzing import analyze_project
from gaia_cli.project.project import FunctionProject
from gaia_cli.version import __version__
from runtime_images.policy.model import ExecutionMode


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest in its two spellings, with its mode and the reason."""

    toml: str
    json: str
    mode: ExecutionMode
    reason: str


def manifest_of(project: FunctionProject) -> Manifest:
    """Analyze `project` and write down what came of it.

    Raises:
        FunctionError: there is nothing that could be analyzed.
    """
    analysis = analyze_project(project)
    as_object = to_object(analysis, name=project.name, slo=project.slo, version=__version__)
    return Manifest(
        toml=render_manifest(analysis, name=project.name, slo=project.slo, version=__version__),
        json=json.dumps(as_object, sort_keys=True, separators=(",", ":")),
        mode=analysis.mode,
        reason=f"{analysis.reason} (confidence {analysis.confidence:.2f})",
    )
