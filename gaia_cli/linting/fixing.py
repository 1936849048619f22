"""`--fix` and `--diff`: files rewritten, or shown as they would be; only where the meaning stays the same.

A fix is a module in fixes/ with one function from a file's bytes to its new bytes and the number of places that it has
changed; every other byte stays.
"""

import difflib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from analyzers.formats.findings import LintFinding
from analyzers.lean.files import read_inside, source_bytes
from analyzers.lean.printable import printable
from analyzers.lean.records import record
from analyzers.lean.writing import write_inside
from gaia_cli.errors import UsageError
from gaia_cli.linting.fixes.hard_coded_device import guard_devices
from gaia_cli.linting.fixes.in_notebooks import fix_cells

_FIXES = {"GA701": guard_devices}
FIXABLE = frozenset(_FIXES)


@record
class Fixed:
    """A file after fixing: its bytes, and the code of each fix once for every place that it changed."""

    source: bytes
    applied: tuple[str, ...] = ()


def fix(source: bytes, path: str, codes: frozenset[str]) -> Fixed:
    """Fix what the rules `codes` find in `source`, the content of the file `path`.

    What is not certainly safe stays as it is, and so does a file that cannot be parsed. A second call changes nothing.

    Raises:
        EngineError: there is something to fix, but the library that rewrites code is not installed.
    """
    applied: list[str] = []
    for code in sorted(codes & FIXABLE):
        fixer = _FIXES[code]
        source, count = fix_cells(source, path, fixer) if path.endswith(".ipynb") else fixer(source, path)
        applied += [code] * count
    return Fixed(source, tuple(applied))


@record
class Change:
    """A file before and after fixing, and how many places differ; `path` is relative to `root`."""

    root: str
    path: str
    before: bytes
    after: bytes
    places: int


def changes(findings: Iterable[LintFinding], root: str) -> Iterator[Change]:
    """Yield what fixing would change in the files of `findings`, which are below `root`.

    Raises:
        UsageError: a file cannot be read.
        EngineError: the library that rewrites code is not installed.
    """
    for name, before, found in files_of((one for one in findings if one.code in FIXABLE), root):
        fixed = fix(before, name, frozenset(one.code for one in found))
        if fixed.source != before:
            yield Change(root, name, before, fixed.source, len(fixed.applied))


def files_of(findings: Iterable[LintFinding], root: str) -> Iterator[tuple[str, bytes, list[LintFinding]]]:
    """Yield each file of the findings with its bytes and its findings; a link is left: it is changed where it leads.

    Raises:
        UsageError: a file cannot be read.
    """
    by_file: defaultdict[str, list[LintFinding]] = defaultdict(list)
    for finding in findings:
        by_file[finding.path].append(finding)
    for name, found in by_file.items():
        if not (Path(root) / name).is_symlink():
            yield name, _read(root, name), found


def diff(change: Change) -> str:
    """Return the change as a unified diff for `git apply` and `patch -p1`."""
    before, after = (_lines(data) for data in (change.before, change.after))
    return "".join(difflib.unified_diff(before, after, _quoted(f"a/{change.path}"), _quoted(f"b/{change.path}")))


def _quoted(name: str) -> str:
    """Return a file's name as git and patch read it in a diff: in quotes where they would not see its end."""
    if name == printable(name) and set(name).isdisjoint(' "\\'):
        return name
    shown = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in os.fsencode(name))
    return f'"{"".join(shown)}"'


def apply(changes: Iterable[Change]) -> tuple[int, int]:
    """Rewrite each file, whole or not at all, with its permissions; return how many places and files were changed.

    Raises:
        UsageError: a file cannot be written, or has changed since it was read.
    """
    places = files = 0
    for change in changes:
        _rewrite(change)
        places, files = places + change.places, files + 1
    return places, files


def _rewrite(change: Change) -> None:
    if _read(change.root, change.path) != change.before:
        raise UsageError(f"{change.path} changed during the fix and is left as it is", "run gaia lint --fix again")
    try:
        write_inside(change.root, change.path, change.after)
    except OSError as error:
        raise UsageError(f"cannot write {change.path}: {error.strerror}", "make it writable") from None


def _read(root: str, path: str) -> bytes:
    try:
        return read_inside(root, path, source_bytes(path))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "make it a readable file") from None


def _lines(data: bytes) -> list[str]:
    """Return the lines with their ends; a last one without is marked as in diffs."""
    text = data.decode(errors="replace")
    lines = [f"{line}\n" for line in text.split("\n")]  # `splitlines` knows ends that diffs do not
    if text == "" or text.endswith("\n"):
        lines.pop()
    else:
        lines[-1] += "\\ No newline at end of file\n"
    return lines
