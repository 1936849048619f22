"""Results kept from one run to the next: a file is linted again only when something it depends on has changed.

An entry holds for a file's path and the digest of its bytes, for the digests of the modules it read and the absence of
those it looked for in vain, for a program as long as nothing imports it, and for one version of the rules, of astroid
and of Python. The linter's options only choose among findings, so they are no part of the key.

The cache is one JSON file that is replaced as a whole, so that parallel runs can at worst forget each other's entries.
What cannot be read is ignored and written anew.

A cache that somebody else has made could hide findings. `gaia lint` keeps it where a checkout can say nothing about it,
in a file that is named after the root of the tree. A directory that the user chose may lie in the checkout, so a cache
is only trusted when the file belongs to this user and its time is the one that it begins with, to the microsecond:
version control gives a file the time of the checkout, which nobody can have known.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator

from analyzers.findings import NOT_PYTHON, Finding, Place, Signal, Trait
from analyzers.lean.files import DATA_BYTES, open_inside, read_bounded, read_inside, source_bytes
from analyzers.linting.results import FileResult, Linted, Vain
from analyzers.project.names import Tree

try:  # hashlib hands out this very function, but loads OpenSSL before, which takes as long as all the rest of a run
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from analyzers.project.importers import Importers

_FORMAT = 5
_KINDS = _EVIDENCE, _SWITCHABILITY = "-lint.json", "-switchability.json"
_NAME_BYTES = 16
_HEXADECIMAL = frozenset("0123456789abcdef")
_LONGEST_UNUSED_S = 60 * 86400
"""Seconds after which a tree's cache that no run has written is deleted."""

_PACKAGE = os.path.dirname(os.path.dirname(__file__))


class Cache:
    """The cache in `directory` for the files of `tree`; a directory may hold those of many trees.

    Runs with and without evidence have a file each, since what is looked for also decides what stays unknown within the
    budget.
    """

    def __init__(self, directory: str, tree: Tree, *, evidence: bool) -> None:
        root = blake2b(os.fsencode(os.path.realpath(tree.root)), digest_size=_NAME_BYTES).hexdigest()
        self._name = f"{root}{_EVIDENCE if evidence else _SWITCHABILITY}"
        self._directory = directory
        self._tree = tree
        self._stamp = _stamp()
        self._rules = ""
        self._entries = self._load()
        self._fresh: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._importers: Importers | None = None

    def get(self, path: str) -> FileResult | None:
        """Return the result of the file `path`, None when there is none or something it depends on has changed."""
        try:
            entry = self._entries.get(path)
            return _decoded(path, entry["result"]) if entry and self._holds(path, entry) else None
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            return None  # an entry that Gaia has not written

    def add(self, linted: Linted) -> None:
        """Keep a result for the next run, when its file can be read.

        What is no Python is looked at each time: a newer one that understands it may have been installed.
        """
        path = linted.result.path
        is_python = all(finding.rule != NOT_PYTHON for finding in linted.result.findings)
        if is_python and (digest := self._digest(path)):
            self._fresh[path] = {
                "digest": digest,
                "read": {name: self._digest(name) for name in linted.read},
                "absent": list(linted.absent),
                "unimported": linted.unimported,
                "result": _encoded(linted.result),
            }

    def write(self) -> None:
        """Write what was added, and the entries that other runs have written meanwhile; do nothing where that fails."""
        if not self._fresh:
            return
        entries = (self._load() | self._fresh).items()
        kept = {path: entry for path, entry in entries if os.path.exists(f"{self._tree.root}/{path}")}
        written = {"format": _FORMAT, "stamp": self._stamp, "rules": self._rules or _rules(), "entries": kept}
        from analyzers.lean.writing import make_directories, write_inside  # most runs of a hook have nothing to write

        try:
            make_directories(self._tree.root, self._directory, 0o700)
            if not os.listdir(self._directory):  # it is the cache's alone
                write_inside(self._directory, ".gitignore", b"*\n")
            write_sealed(self._directory, self._name, written)
            _delete_unused(self._directory)
        except OSError:
            return

    def _load(self) -> "dict[str, Any]":
        """Return the entries that were written by these rules."""
        try:
            with open_inside(self._directory, self._name) as file:
                status = os.fstat(file.fileno())
                seal = _seal(status.st_mtime_ns)
                if status.st_uid != os.geteuid() or file.read(len(seal)) != seal:
                    return {}
                written = json.loads(seal + read_bounded(file, self._name, DATA_BYTES))
            if written["format"] != _FORMAT or not isinstance(written["entries"], dict):
                return {}
            if written["stamp"] != self._stamp:
                self._rules = self._rules or _rules()
                if written["rules"] != self._rules:
                    return {}
            self._rules = str(written["rules"])
            entries: dict[str, Any] = written["entries"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return {}
        return entries

    def _holds(self, path: str, entry: "dict[str, Any]") -> bool:
        beside = path.rpartition("/")[0]
        return (
            bool(entry["digest"])
            and entry["digest"] == self._digest(path)
            and all(digest == self._digest(read) for read, digest in entry["read"].items())
            and not any(
                self._tree.find(name, beside) if "." in name else self._tree.knows(name, beside)
                for name in entry["absent"]
            )
            and not (entry["unimported"] and self._is_imported(path))
        )

    def _is_imported(self, path: str) -> bool:
        if self._importers is None:
            from analyzers.project.importers import Importers  # few results depend on it

            self._importers = Importers(self._tree)
        return self._importers.of(path) is not None

    def _digest(self, path: str) -> str:
        """Return the digest of a file's bytes, empty when it cannot be read."""
        if path not in self._digests:
            try:
                data = read_inside(self._tree.root, path, source_bytes(path))
                self._digests[path] = blake2b(data, digest_size=_NAME_BYTES).hexdigest()
            except OSError:
                self._digests[path] = ""
        return self._digests[path]


def write_sealed(directory: str, name: str, content: "dict[str, Any]") -> None:
    """Write `content` as JSON to the file `name` in `directory`, which begins with the time of the file."""
    from analyzers.lean.writing import write_inside

    now_ns = time.time_ns() // 1000 * 1000  # some file systems keep no nanoseconds
    text = json.dumps(content, separators=(",", ":"))
    write_inside(directory, name, _seal(now_ns) + text.encode()[1:], now_ns)


def _seal(time_ns: int) -> bytes:
    return b'{"time":%d,' % time_ns


def _delete_unused(directory: str) -> None:
    """Delete the caches of trees that have not been linted for long, and may be gone."""
    oldest_s = time.time() - _LONGEST_UNUSED_S
    for entry in os.scandir(directory):
        root, dash, kind = entry.name.partition("-")
        is_cache = len(root) == 2 * _NAME_BYTES and set(root) <= _HEXADECIMAL and dash + kind in _KINDS
        if is_cache and entry.stat(follow_symlinks=False).st_mtime < oldest_s:
            os.unlink(entry.path)


def _encoded(result: FileResult) -> "dict[str, Any]":
    return {
        "findings": [_encoded_finding(finding) for finding in result.findings],
        "vain": [[one.place.line, one.place.column, one.place.cell, one.message] for one in result.vain],
    }


def _encoded_finding(finding: Finding) -> "list[Any]":
    place = finding.place
    where = [place.line, place.column, place.end_column, place.cell]
    meaning = [finding.message, finding.weight, finding.signal.value, finding.excerpt, finding.trait.value]
    return [finding.rule, *where, *meaning]


def _decoded(path: str, encoded: "dict[str, Any]") -> FileResult:
    return FileResult(
        path,
        tuple(_decoded_finding(path, finding) for finding in encoded["findings"]),
        tuple(
            Vain(Place(path, int(line), int(column), cell=int(cell)), str(message))
            for line, column, cell, message in encoded["vain"]
        ),
    )


def _decoded_finding(path: str, encoded: "list[Any]") -> Finding:
    rule, line, column, end_column, cell, message, weight, signal, excerpt, trait = encoded
    place = Place(path, int(line), int(column), int(end_column), int(cell))
    return Finding(str(rule), place, str(message), float(weight), Signal(signal), str(excerpt), Trait(trait))


def _stamp() -> str:
    """Return a digest of the names, sizes and times of the deciding files: fast, and enough when nothing changed."""
    files = ((path, os.stat(path)) for path in _deciding_files())
    return _digest_of(f"{path} {stat.st_size} {stat.st_mtime_ns}".encode() for path, stat in files)


def _rules() -> str:
    """Return a digest of the content of the deciding files, the same on every machine."""
    parts: list[bytes] = []
    for path in _deciding_files():
        parts.append(os.path.relpath(path, _PACKAGE).encode() if path.startswith(_PACKAGE) else b"astroid")
        with open(path, "rb") as file:
            parts.append(file.read())
    return _digest_of(parts)


def _digest_of(parts: Iterable[bytes]) -> str:
    digest = blake2b(repr(sys.version_info[:2]).encode(), digest_size=_NAME_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _own_files(directory: str) -> Iterator[str]:
    for entry in os.scandir(directory):
        if entry.name.endswith((".py", ".tsv")):
            yield entry.path
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _own_files(entry.path)


def _deciding_files() -> Iterator[str]:
    """Yield the files that decide a result: the analyzer's own, and the one with astroid's version."""
    yield from sorted(_own_files(_PACKAGE))
    candidates = (f"{entry}/astroid/__pkginfo__.py" for entry in sys.path)
    yield from [path for path in candidates if os.path.isfile(path)][:1]
