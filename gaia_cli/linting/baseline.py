"""A baseline: today's findings, remembered, so that tomorrow only new ones are reported.

A finding is known by its fingerprint (analyzers/formats/fingerprints.py), so it stays known when lines above it come
and go, and is new again when its own line changes. The file is meant to be committed: sorted, one finding a line.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analyzers.formats.findings import LintFinding
from analyzers.formats.fingerprints import fingerprint
from gaia_cli.errors import ConfigurationError, UsageError

_VERSION = 1


def read_baseline(path: str) -> frozenset[str]:
    """The fingerprints in the baseline at `path`.

    Raises:
        ConfigurationError: the file is not there, not readable or not a baseline.
    """
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["schema_version"] != _VERSION:
            raise ValueError
        return frozenset(str(entry["fingerprint"]) for entry in content["findings"])
    except OSError as error:
        hint = f"write it first: gaia lint --write-baseline {path}"
        raise ConfigurationError(f"cannot read the baseline {path}: {error.strerror}", hint) from None
    except (ValueError, KeyError, TypeError):
        hint = f"write it again: gaia lint --write-baseline {path}"
        raise ConfigurationError(f"{path} is not a baseline of this version", hint) from None


def write_baseline(path: str, findings: Iterable[LintFinding]) -> int:
    """Write `findings` to `path` and return how many there are.

    Raises:
        UsageError: the file cannot be written.
    """
    entries = sorted((finding.path, finding.code, fingerprint(finding), finding.message) for finding in findings)
    lines = [
        json.dumps({"path": place, "code": code, "fingerprint": known, "message": message}, ensure_ascii=False)
        for place, code, known, message in entries
    ]
    body = ",\n    ".join(lines)
    listed = f"[\n    {body}\n  ]" if lines else "[]"
    text = f'{{\n  "schema_version": {_VERSION},\n  "findings": {listed}\n}}\n'
    try:
        Path(path).write_bytes(text.encode(errors="replace"))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "choose a writable file") from None
    return len(lines)


def without_known(findings: Iterable[LintFinding], known: frozenset[str]) -> tuple[LintFinding, ...]:
    """The findings that are not in the baseline."""
    return tuple(finding for finding in findings if fingerprint(finding) not in known)
