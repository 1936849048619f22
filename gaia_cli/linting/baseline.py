"""A baseline: a file of the findings of today, so that tomorrow only new ones are reported.

A finding is known by its fingerprint (analyzers/formats/fingerprints.py): it stays known when lines above it come and
go, and is new when its own line changes. The file is made to be committed: sorted, one finding a line. A run over some
files or rules writes their findings anew and keeps those of all others. Failures of the analysis are never in it: what
was not read proves nothing.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from analyzers.formats.findings import LintFinding, Report
from analyzers.formats.fingerprints import fingerprint
from analyzers.formats.json_text import json_text
from analyzers.lean.files import DATA_BYTES, read_named
from analyzers.lean.writing import write_named
from gaia_cli.errors import ConfigurationError, UsageError, shell_word

_VERSION = 1
_FAILURES = "GA9"


class Entry(NamedTuple):
    """A finding as the file has it."""

    path: str
    code: str
    fingerprint: str
    message: str


def read_baseline(path: str, tree: str) -> frozenset[Entry]:
    """Return what is in the baseline at `path`, which may lie in the linted `tree`.

    Raises:
        ConfigurationError: the file is missing, unreadable or not a baseline.
    """
    try:
        content: Any = json.loads(read_named(tree, path, DATA_BYTES))
        if content["schema_version"] != _VERSION:
            raise ValueError
        return frozenset(Entry(*(str(entry[key]) for key in Entry._fields)) for entry in content["findings"])
    except OSError as error:
        hint = f"write it first: gaia lint --write-baseline {shell_word(path)}"
        raise ConfigurationError(f"cannot read the baseline {path}: {error.strerror}", hint) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        hint = f"write it again: gaia lint --write-baseline {shell_word(path)}"
        raise ConfigurationError(f"{path} is not a baseline of this version", hint) from None


def write_baseline(path: str, tree: str, report: Report, wants: Callable[[str, str], bool]) -> int:
    """Write what `report` found to `path`, which may lie in the linted `tree`, and return how many entries there are.

    What was there of files and rules (`wants`, of a code and a path) that this run did not look at stays, as long as
    the file is there.

    Raises:
        UsageError: the file cannot be written.
    """
    files = frozenset(report.files)
    entries = {_entry(finding) for finding in report.findings if not finding.code.startswith(_FAILURES)}
    for entry in _before(path, tree):
        seen = entry.path in files and wants(entry.code, entry.path)
        if not seen and os.path.lexists(os.path.join(tree, entry.path)):  # noqa: PTH118 -- as in discovery.py
            entries.add(entry)
    lines = [json_text(entry._asdict()) for entry in sorted(entries)]
    body = ",\n    ".join(lines)
    listed = f"[\n    {body}\n  ]" if lines else "[]"
    text = f'{{\n  "schema_version": {_VERSION},\n  "findings": {listed}\n}}\n'
    try:
        write_named(tree, path, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "choose a writable file") from None
    return len(lines)


def without_known(findings: Iterable[LintFinding], known: Iterable[Entry]) -> tuple[LintFinding, ...]:
    """Return the findings that are not in the baseline; failures are never in it."""
    prints = {entry.fingerprint for entry in known}
    return tuple(
        finding for finding in findings if finding.code.startswith(_FAILURES) or fingerprint(finding) not in prints
    )


def _before(path: str, tree: str) -> frozenset[Entry]:
    """Return what is in the file that is about to be written, nothing where it is no baseline."""
    try:
        return read_baseline(path, tree)
    except ConfigurationError:
        return frozenset()


def _entry(finding: LintFinding) -> Entry:
    return Entry(finding.path, finding.code, fingerprint(finding), finding.message)
