"""Mode-lint of the functions in the linted directories: what they declare against what their code says.

A function is known by its manifest, or by a configuration that is about a function. Where there is none, as where
only files are named, of mode-lint only this module is loaded.
"""

import os
from collections.abc import Iterator, Sequence

from analyzers.lean.records import replace
from analyzers.linting.results import FileResult
from gaia_cli.linting.discovery import directories_below, relative
from gaia_cli.places import declares

TYPE_CHECKING = False  # as type checkers know it; see options.py
if TYPE_CHECKING:
    from analyzers.findings import Finding


def declared_functions(named: Sequence[str], exclude: Sequence[str], base: str) -> tuple[str, ...]:
    """Return the directories of functions among and below the directories in `named`."""
    found = (directory for directory, names in directories_below(named, exclude, base) if declares(directory, names))
    return tuple(dict.fromkeys(found))


def mode_results(directories: Sequence[str], root: str) -> Iterator[FileResult]:
    """Yield what contradicts the code of each function, by the file that declares it; paths are below `root`.

    Raises:
        ConfigurationError: a function's configuration is unusable.
    """
    if not directories:
        return
    from pathlib import Path

    from gaia_cli.linting.modes import mode_findings

    for directory in directories:
        by_file: dict[str, list[Finding]] = {}
        for finding in mode_findings(Path(directory)):
            path = relative(os.path.join(directory, finding.place.path), root)  # noqa: PTH118 -- as in discovery.py
            by_file.setdefault(path, []).append(replace(finding, place=replace(finding.place, path=path)))
        yield from (FileResult(path, tuple(findings)) for path, findings in by_file.items())
