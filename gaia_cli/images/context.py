"""The build context: a tar of exactly the files an image may hold.

The function's directory goes in without what has no place in an image: secrets and keys, version control,
environments and caches, and what .gaiaignore (else .dockerignore) names. Owner, mode and time of every entry are
fixed, so equal sources give an equal tar: Docker's layer cache and the image's tag both rest on that.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from pathspec import GitIgnoreSpec

from analyzers.lean.files import open_inside, read_inside
from analyzers.lean.printable import printable
from analyzers.lean.tables import words
from analyzers.project.ignored import ENVIRONMENTS
from gaia_cli.errors import ConfigurationError
from gaia_cli.images.credentials import ADVICE, is_dependency_list, list_holds_credentials
from gaia_cli.images.ignoring import Ignored, PatternError, ignored_by_lines
from gaia_cli.images.plan import ImagePlan
from gaia_cli.images.recipes import RUNTIME_PACKAGE, runtime_requirements
from gaia_cli.images.sensitive import HEAD_BYTES, has_secret_name, holds_private_key

IGNORE_FILES = (".gaiaignore", ".dockerignore")
MANIFEST_FILE = "gaia.manifest.toml"
ID_FILE = "gaia.id"
"""Holds a project's identity where no repository's remote says it. A first deploy writes it, which must not make a
second image of the same sources."""

_UNUSED = words(
    ".git .hg .svn .bzr .gitmodules cvs .venv *.pyc *.pyo *.egg-info .idea .vscode .ds_store "
    ".mypy_cache .ruff_cache .pytest_cache .hypothesis .tox .nox .gaia_cache .ipynb_checkpoints"
)
USELESS = GitIgnoreSpec.from_lines((*_UNUSED, *ENVIRONMENTS, *IGNORE_FILES, ID_FILE))
"""Names that an image has no use for."""

MOST_FILES = 20_000
"""More are no function: a home directory, for example, in which somebody has a single file to build."""
MOST_BYTES = 16 * 1024**3
"""Of all files together; a sparse file may claim any size."""
_SEEN_FOR_EACH = 10
"""How many files and folders are looked at, for each one that may go in."""
_IGNORE_FILE_BYTES = 256 * 1024
_LIST_BYTES = 4 * 1024 * 1024
_EPOCH = 946684800
"""2000-01-01, the time of every entry: zip archives cannot hold a time before 1980."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The tar, from its beginning, with its digest, the function's files in it, and the secrets left out of it."""

    tar: IO[bytes]
    digest: str
    size: int
    files: frozenset[str]
    left_out: tuple[str, ...]


def write_context(tar: IO[bytes], directory: Path, plan: ImagePlan, manifest: str, ignored: Ignored) -> BuildContext:
    """Write the context of `plan` for the function in `directory` to the file `tar`.

    `ignored` says whether a path relative to `directory` is excluded by the user's own ignore file.

    Raises:
        ConfigurationError: a link leads out of the directory, a file cannot be read, there are too many, or a list of
            dependencies holds a password.
    """
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        _add_bytes(archive, "Dockerfile", plan.dockerfile.encode())
        _add_bytes(archive, "gaia/requirements-runtime.txt", runtime_requirements())
        for name, lines in (("requirements.txt", plan.requirement_lines), ("constraints.txt", plan.constraint_lines)):
            if lines:
                _add_bytes(archive, name, "".join(f"{line}\n" for line in lines).encode())
        _Tree(archive, RUNTIME_PACKAGE, "gaia/runtime_images", lambda _: False).add()
        function = _Tree(archive, directory, "function", ignored)
        function.add()
        if not (directory / MANIFEST_FILE).is_file():
            _add_bytes(archive, f"function/{MANIFEST_FILE}", manifest.encode())
    size = tar.tell()
    tar.seek(0)
    digest = hashlib.file_digest(tar, "sha256")  # type: ignore[arg-type]  # typeshed asks for a class, any binary file will do
    digest.update(repr(sorted(plan.labels.items())).encode())
    tar.seek(0)
    return BuildContext(tar, digest.hexdigest(), size, frozenset(function.files), tuple(function.left_out))


def sources_digest(directory: Path, but: Collection[str] = ()) -> str:
    """Return a digest of the function's files, as an image would hold them, without those that `but` names.

    Raises:
        ConfigurationError: see `write_context`.
    """
    digest, ignored = _Digest(), ignored_by(directory)
    with tarfile.open(fileobj=digest, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        _Tree(archive, directory, "function", lambda path: path in but or ignored(path)).add()
    return digest.sha256.hexdigest()


class _Digest(io.RawIOBase):
    """A file that keeps only the digest of what is written to it."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Say that it is for writing."""
        return True

    def write(self, content: Any, /) -> int:  # noqa: ANN401 -- any buffer, as of every file
        """Take `content` into the digest."""
        self.sha256.update(content)
        return len(content)


def ignored_by(directory: Path) -> Ignored:
    """Return what the function's own ignore file excludes: .gaiaignore, else .dockerignore, else nothing.

    Raises:
        ConfigurationError: the file cannot be read, is no UTF-8, or has a line that is no pattern.
    """
    for name in IGNORE_FILES:
        place = directory / name
        try:
            text = read_inside(str(directory), name, _IGNORE_FILE_BYTES).decode("utf-8-sig")
            return ignored_by_lines(text.split("\n"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigurationError(f"cannot read {place}: {error.strerror}", "make it a file of patterns") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{place} is not UTF-8 text", "save it as UTF-8") from None
        except PatternError as error:
            raise ConfigurationError(f"{place}:{error.line}: {error}", "correct the pattern") from None
    return lambda _path: False


@dataclass(slots=True)
class _Tree:
    """A directory on its way into the archive, below `prefix`; `left_out` names the secrets that stay.

    `files` are what has gone in, links as well.
    """

    archive: tarfile.TarFile
    root: Path
    prefix: str
    ignored: Ignored
    files: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    bytes_added: int = 0

    def add(self) -> None:
        """Add every file and link that may go in, sorted."""
        for count, (path, is_link) in enumerate(self._paths()):
            if count == MOST_FILES:
                raise _too_many(self.root)
            if is_link:
                self._add_link(path)
            else:
                self._add_file(path)

    def _paths(self) -> Iterator[tuple[str, bool]]:
        """Yield what may go in by its name, relative to the root, each with whether it is a link."""
        folders, seen = [""], 0
        while folders:
            folder = folders.pop()
            below = []
            for entry in self._entries(folder):
                path = folder + entry.name
                seen += 1
                if seen > MOST_FILES * _SEEN_FOR_EACH:
                    raise _too_many(self.root)
                if USELESS.match_file(entry.name.lower()):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if self._enters(path):
                        below.append(f"{path}/")
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    if has_secret_name(path):
                        self.left_out.append(printable(path))
                    elif not self.ignored(path):
                        yield path, entry.is_symlink()
            folders += reversed(below)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        with self._readable(folder), os.scandir(self.root / folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)

    def _enters(self, path: str) -> bool:
        """Return whether to walk a folder; the user's patterns are asked file by file: they may make exceptions."""
        if has_secret_name(path):
            self.left_out.append(f"{printable(path)}/")
            return False
        return not (self.root / path / "pyvenv.cfg").exists()

    def _add_file(self, path: str) -> None:
        """Add the file at `path`, unless it holds a private key; all is asked of the file that is read."""
        with self._readable(path), open_inside(str(self.root), path) as content:
            status = os.fstat(content.fileno())
            if holds_private_key(content.read(HEAD_BYTES)):
                self.left_out.append(printable(path))
                return
            self.bytes_added += status.st_size
            if self.bytes_added > MOST_BYTES:
                raise ConfigurationError(
                    f"{self.root} holds more than {MOST_BYTES // 1024**3} GiB, with {printable(path)}",
                    "name what the function does not need in .gaiaignore",
                )
            if is_dependency_list(path):
                self._check_credentials(path, content)
            entry = _entry(f"{self.prefix}/{path}", executable=bool(status.st_mode & 0o100))
            entry.size = status.st_size
            content.seek(0)
            self.archive.addfile(entry, content)
            self.files.add(path)

    def _check_credentials(self, path: str, content: BinaryIO) -> None:
        content.seek(0)
        text = content.read(_LIST_BYTES).replace(b"\0", b"").decode(errors="replace")
        if list_holds_credentials(text):
            raise ConfigurationError(
                f"{printable(path)} holds a password or a token in a URL, which anybody with the image could read",
                f"{ADVICE}; or name the file in .gaiaignore",
            )

    def _add_link(self, path: str) -> None:
        place, root = self.root / path, os.path.realpath(self.root)
        target = os.path.realpath(place)
        if not Path(target).is_relative_to(root):
            raise ConfigurationError(
                f"{printable(path)} is a symbolic link out of the function's directory, to {printable(target)}",
                "copy the file in, or name the link in .gaiaignore",
            )
        entry = _entry(f"{self.prefix}/{path}")
        entry.type = tarfile.SYMTYPE
        entry.linkname = os.path.relpath(target, os.path.realpath(place.parent))
        self.archive.addfile(entry)
        self.files.add(path)

    @contextmanager
    def _readable(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or "it changed while it was read"
            hint = "make it readable, or name it in .gaiaignore"
            raise ConfigurationError(f"cannot read {self.root / printable(path)}: {reason}", hint) from None


def _too_many(root: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{root} holds more than {MOST_FILES:,} files",
        "give the function a directory of its own, or name what it does not need in .gaiaignore",
    )


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = _entry(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _entry(name: str, *, executable: bool = False) -> tarfile.TarInfo:
    """Return an entry that everybody may read, whoever owns the file here: the function runs as a user of its own."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if executable else 0o644
    entry.mtime = _EPOCH
    return entry
