"""A baseline: a file of the findings of today, so that tomorrow only new ones are reported.

A finding is known by its fingerprint (analyzers/formats/fingerprints.py): it stays known when lines above it come and
go, and is new when its own line changes. The file is made to be committed: sorted, one finding a line.
"""

import json
from collections.abc import Iterable
from typing import Any

from analyzers.formats.findings import LintFinding
from analyzers.formats.fingerprints import fingerprint
from analyzers.formats.json_text import json_text
from analyzers.lean.files import DATA_BYTES, read_named
from analyzers.lean.writing import write_named
from gaia_cli.errors import ConfigurationError, UsageError, shell_word

_VERSION = 1


def read_baseline(path: str, tree: str) -> frozenset[str]:
    """Return the fingerprints in the baseline at `path`, which may lie in the linted `tree`.

    Raises:
        ConfigurationError: the file is missing, unreadable or not a baseline.
    """
    try:
        content: Any = json.loads(read_named(tree, path, DATA_BYTES))
        if content["schema_version"] != _VERSION:
            raise ValueError
        return frozenset(str(entry["fingerprint"]) for entry in content["findings"])
    except OSError as error:
        hint = f"write it first: gaia lint --write-baseline {shell_word(path)}"
        raise ConfigurationError(f"cannot read the baseline {path}: {error.strerror}", hint) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        hint = f"write it again: gaia lint --write-baseline {shell_word(path)}"
        raise ConfigurationError(f"{path} is not a baseline of this version", hint) from None


def write_baseline(path: str, tree: str, findings: Iterable[LintFinding]) -> int:
    """Write `findings` to `path`, which may lie in the linted `tree`, and return how many there are.

    Raises:
        UsageError: the file cannot be written.
    """
    entries = sorted((finding.path, finding.code, fingerprint(finding), finding.message) for finding in findings)
    keys = ("path", "code", "fingerprint", "message")
    lines = [json_text(dict(zip(keys, entry, strict=True))) for entry in entries]
    body = ",\n    ".join(lines)
    listed = f"[\n    {body}\n  ]" if lines else "[]"
    text = f'{{\n  "schema_version": {_VERSION},\n  "findings": {listed}\n}}\n'
    try:
        write_named(tree, path, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "choose a writable file") from None
    return len(lines)


def without_known(findings: Iterable[LintFinding], known: frozenset[str]) -> tuple[LintFinding, ...]:
    """Return the findings that are not in the baseline."""
    return tuple(finding for finding in findings if fingerprint(finding) not in known)
