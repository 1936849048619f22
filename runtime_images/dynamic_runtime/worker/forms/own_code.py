"""The function's own modules, imported from their source alone.

Python keeps compiled modules in `__pycache__` beside the source, and runs what it finds there. A checkout may bring
that directory: with code which nobody has read or analyzed, or as a link to where nothing is to be written. So below
the function's directory it is neither read nor written. Its packages are elsewhere, and are imported as ever.

What has changed since the runtime started is imported as it was then (`keep`).
"""

# ruff: noqa: PTH100, PTH112 -- the paths of `sys.path` are text, and may be empty

import contextlib
import os
import sys
from functools import partial
from importlib import machinery
from pathlib import Path
from types import CodeType

from runtime_images.entrypoint import read_own

_kept: dict[str, bytes] = {}


def keep(files: dict[str, bytes]) -> None:
    """Import these files, by their paths, as they stand here, whatever becomes of those on the disk."""
    _kept.update(files)


def read_kept(directory: Path, path: str) -> bytes:
    """Return a file of the function's as it is imported; raise OSError if there is none."""
    content = _kept.get(str(directory / path))
    return content if content is not None else read_own(directory, path)


class FromSource(machinery.SourceFileLoader):
    """Compiles a module each time."""

    def get_data(self, path: str) -> bytes:
        """Return the content of a file, and say so if it is not what stands there now."""
        content = _kept.get(path)
        if content is None:
            return super().get_data(path)
        with contextlib.suppress(OSError):
            if super().get_data(path) != content:
                sys.stderr.write(f"{path} has changed since the start: this worker runs it as it was then\n")
        return content

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module's source, whatever has been compiled before."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


_LOADERS = (
    (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
    (FromSource, machinery.SOURCE_SUFFIXES),
    (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
)


def import_from_source(directory: Path) -> None:
    """Have modules below `directory` imported from their source alone, in this process."""
    sys.path_hooks.insert(0, partial(_finder, f"{directory}/"))
    for path in [path for path in sys.path_importer_cache if _is_below(f"{directory}/", path)]:
        del sys.path_importer_cache[path]


def _finder(top: str, path: str) -> machinery.FileFinder:
    """Return what finds modules in the directory `path`; Python asks elsewhere where this raises an ImportError."""
    if not _is_below(top, path) or not os.path.isdir(path or "."):
        raise ImportError("no directory of the function's own", path=path)
    return machinery.FileFinder(path, *_LOADERS)


def _is_below(top: str, path: str) -> bool:
    return f"{os.path.abspath(path)}/".startswith(top)  # an empty path is the working directory
