"""Mode-lint: a function's pin and manifest compared with what its code says, as findings of the linter.

It analyzes a whole function, so it is for directories, not for the files that a hook names.
"""

from pathlib import Path
from typing import Any

from analyzers import Analysis
from analyzers.findings import Finding
from analyzers.lean import toml
from analyzers.lean.lines import LONGEST_EXCERPT
from analyzers.lean.records import replace
from analyzers.manifest import FILE_NAME
from analyzers.project.toml_places import place_of
from analyzers.rules.declarations.manifest_missing import RULE as MISSING
from analyzers.rules.declarations.manifest_unreadable import RULE as UNREADABLE
from analyzers.rules.declared import Declared
from analyzers.rules.examination import declaration_rules, examine
from gaia_cli.errors import FunctionError
from gaia_cli.project.analyzing import analyze_code, pinned
from gaia_cli.project.manifests import manifest_object
from gaia_cli.project.own_files import bytes_of
from gaia_cli.project.project import FunctionProject, load_project


def mode_findings(directory: Path) -> tuple[Finding, ...]:
    """Return what contradicts the code of the function in `directory`; places are relative to it.

    Without any Python there is nothing to contradict. Where a file could not be analyzed only the manifest's form is
    checked, since an unread file proves nothing.

    Raises:
        UsageError: there is nothing at `directory`.
        ConfigurationError: its configuration is unusable.
    """
    project = load_project(directory)
    try:
        analysis = analyze_code(project)
    except FunctionError:
        return ()
    found = examine(declaration_rules(), _declared(project, analysis))
    if analysis.failures:
        found = (finding for finding in found if finding.rule in (MISSING.code, UNREADABLE.code))
    return tuple(_with_excerpt(project.directory, finding) for finding in found)


def _declared(project: FunctionProject, analysis: Analysis) -> Declared:
    directory = project.directory
    configuration = _configuration(directory)
    configured = _read(directory, configuration) if configuration else None
    text = _read(directory, FILE_NAME)
    return Declared(
        verdict=analysis.verdict,
        current={} if analysis.failures else manifest_object(pinned(analysis, project), project),
        configuration=configuration,
        pin=project.pin,
        pin_place=place_of(configuration, configured or "", "mode", "pin"),
        manifest_path=FILE_NAME,
        manifest=text,
        recorded=None if text is None else _parsed(text),
        out_of_reach=analysis.slo_out_of_reach,
        slo_place=place_of(configuration, configured or "", "slo", "latency_p95_ms"),
    )


def _configuration(directory: Path) -> str:
    """Return the name of the file that configures the function, empty without one."""
    for name in ("gaia.toml", "pyproject.toml"):
        text = _read(directory, name)
        if text is not None and (name == "gaia.toml" or "[tool.gaia" in text):
            return name
    return ""


def _read(directory: Path, name: str) -> str | None:
    """Return the text of a file, None without one; bytes that are no text stay visible as such."""
    data = bytes_of(directory, name)
    return None if data is None else data.decode(errors="replace")


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return toml.loads(text)
    except (ValueError, RecursionError):
        return None


def _with_excerpt(directory: Path, finding: Finding) -> Finding:
    lines = (_read(directory, finding.place.path) or "").splitlines()
    line = finding.place.line
    return replace(finding, excerpt=lines[line - 1][:LONGEST_EXCERPT]) if line <= len(lines) else finding
