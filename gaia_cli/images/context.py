"""The build context: a tar of exactly the files an image may hold.

The function's directory goes in without what has no place in an image: secrets and keys, version control,
environments and caches, and what .gaiaignore (else .dockerignore) names. Owner, mode and time of every entry are
fixed, so equal sources give an equal tar: Docker's layer cache and the image's tag both rest on that.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import IO

from pathspec import GitIgnoreSpec

from analyzers.lean.tables import words
from analyzers.project.ignored import ENVIRONMENTS
from gaia_cli.errors import ConfigurationError
from gaia_cli.images.plan import ImagePlan
from gaia_cli.images.recipes import RUNTIME_PACKAGE, runtime_requirements

IGNORE_FILES = (".gaiaignore", ".dockerignore")
MANIFEST_FILE = "gaia.manifest.toml"

SECRETS = GitIgnoreSpec.from_lines(
    words(
        ".env .env.* *.env .envrc .netrc .npmrc .pypirc .git-credentials .htpasswd pip.conf "
        "*.key *.p12 *.pfx *.jks *.keystore *.kdbx *.ppk id_rsa* id_dsa* id_ecdsa* id_ed25519* "
        ".ssh .aws .azure .gcloud .gnupg .kube .docker"
    )
)
"""Names that hold secrets; a file with a private key in it is one under any name."""

_UNUSED = words(
    ".git .hg .svn .bzr .gitmodules cvs .venv *.pyc *.pyo *.egg-info .idea .vscode .ds_store "
    ".mypy_cache .ruff_cache .pytest_cache .hypothesis .tox .nox .gaia_cache .ipynb_checkpoints"
)
USELESS = GitIgnoreSpec.from_lines((*_UNUSED, *ENVIRONMENTS, *IGNORE_FILES))
"""Names that an image has no use for."""

MOST_FILES = 20_000
"""More are no function: a home directory, for example, in which somebody has a single file to build."""
_KEY_BYTES = 64 * 1024
_EPOCH = 946684800
"""2000-01-01, the time of every entry: zip archives cannot hold a time before 1980."""

Ignored = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The tar, from its beginning, with its digest and the secrets that were left out of it."""

    tar: IO[bytes]
    digest: str
    size: int
    left_out: tuple[str, ...]


def write_context(tar: IO[bytes], directory: Path, plan: ImagePlan, manifest: str, ignored: Ignored) -> BuildContext:
    """Write the context of `plan` for the function in `directory` to the file `tar`.

    `ignored` says whether a path relative to `directory` is excluded by the user's own ignore file.

    Raises:
        ConfigurationError: a link leads out of the directory, a file cannot be read, or there are too many.
    """
    left_out: list[str] = []
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        _add_bytes(archive, "Dockerfile", plan.dockerfile.encode())
        _add_bytes(archive, "gaia/requirements-runtime.txt", runtime_requirements())
        if plan.requirement_lines:
            _add_bytes(archive, "requirements.txt", "".join(f"{line}\n" for line in plan.requirement_lines).encode())
        for path in _files(RUNTIME_PACKAGE, lambda _: False, []):
            _add_file(archive, f"gaia/runtime_images/{path.relative_to(RUNTIME_PACKAGE)}", path, RUNTIME_PACKAGE)
        for count, path in enumerate(_files(directory, ignored, left_out)):
            if count == MOST_FILES:
                raise ConfigurationError(
                    f"{directory} holds more than {MOST_FILES:,} files",
                    "give the function a directory of its own, or name what it does not need in .gaiaignore",
                )
            _add_file(archive, f"function/{path.relative_to(directory)}", path, directory)
        if not (directory / MANIFEST_FILE).is_file():
            _add_bytes(archive, f"function/{MANIFEST_FILE}", manifest.encode())
    size = tar.tell()
    tar.seek(0)
    digest = hashlib.file_digest(tar, "sha256")  # type: ignore[arg-type]  # typeshed asks for a class, any binary file will do
    digest.update(repr(sorted(plan.labels.items())).encode())
    tar.seek(0)
    return BuildContext(tar, digest.hexdigest(), size, tuple(left_out))


def ignored_by(directory: Path) -> Ignored:
    """Return what the function's own ignore file excludes: .gaiaignore, else .dockerignore, else nothing."""
    for name in IGNORE_FILES:
        if (directory / name).is_file():
            lines = (directory / name).read_text(encoding="utf-8", errors="replace").splitlines()
            return GitIgnoreSpec.from_lines(map(_anchored, lines)).match_file
    return lambda _path: False


def _anchored(line: str) -> str:
    """Return a line of an ignore file as Git would write it: Docker's patterns start at the root, Git's anywhere."""
    pattern = line.strip()
    if not pattern.strip("!") or pattern.startswith("#"):
        return ""
    exception = "!" if pattern.startswith("!") else ""
    return f"{exception}/{normpath(pattern.lstrip('! ')).lstrip('/')}"


def _files(root: Path, ignored: Ignored, left_out: list[str]) -> Iterator[Path]:
    """Yield every file and link below `root` that may go in, sorted; add the names of secrets to `left_out`."""
    for parent, directories, names in os.walk(root):
        here = Path(parent)
        linked = [name for name in directories if (here / name).is_symlink()]
        kept = (name for name in directories if name not in linked)
        directories[:] = sorted(name for name in kept if _enters(here / name, root, left_out))
        for name in sorted(names + linked):
            path = here / name
            relative = str(path.relative_to(root))
            if USELESS.match_file(name.lower()) or not (path.is_symlink() or path.is_file()):
                continue
            if SECRETS.match_file(name.lower()) or _holds_private_key(path):
                left_out.append(relative)
            elif not ignored(relative):
                yield path


def _enters(directory: Path, root: Path, left_out: list[str]) -> bool:
    """Return whether to walk `directory`; the user's patterns are asked file by file: they may make exceptions."""
    name = directory.name.lower()
    if SECRETS.match_file(name):
        left_out.append(f"{directory.relative_to(root)}/")
        return False
    return not USELESS.match_file(name) and not (directory / "pyvenv.cfg").exists()


def _holds_private_key(path: Path) -> bool:
    if path.is_symlink() or path.stat().st_size > _KEY_BYTES:
        return False
    with _readable(path):
        content = path.read_bytes()
    return content.lstrip().startswith(b"-----BEGIN") and b"PRIVATE KEY-----" in content


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "it changed while it was read"
        hint = "make it readable, or name it in .gaiaignore"
        raise ConfigurationError(f"cannot read {path}: {reason}", hint) from None


def _add_file(archive: tarfile.TarFile, name: str, path: Path, root: Path) -> None:
    if path.is_symlink():
        _add_link(archive, name, path, root)
        return
    with _readable(path), path.open("rb") as content:
        status = os.fstat(content.fileno())
        entry = _entry(name, executable=bool(status.st_mode & 0o100))
        entry.size = status.st_size
        archive.addfile(entry, content)


def _add_link(archive: tarfile.TarFile, name: str, path: Path, root: Path) -> None:
    target = path.resolve()
    if not target.is_relative_to(root.resolve()):
        raise ConfigurationError(
            f"{path.relative_to(root)} is a symbolic link out of the function's directory, to {target}",
            "copy the file in, or name the link in .gaiaignore",
        )
    entry = _entry(name)
    entry.type = tarfile.SYMTYPE
    entry.linkname = os.path.relpath(target, path.parent.resolve())
    archive.addfile(entry)


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
