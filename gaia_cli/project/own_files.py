"""A function's own files, as text: below its directory, regular, bounded, UTF-8."""

import os
from pathlib import Path

from analyzers.lean.files import TEXT_BYTES, OutsideError, read_inside
from gaia_cli.errors import ConfigurationError


def text_of(directory: Path, name: str, asked: str = "", root: Path | None = None) -> str | None:
    """Return the text of the file `name` in `directory`, None where there is none and `asked` does not name it.

    `asked` says what names the file, such as "gaia.toml: [function] requirements". Links may lead anywhere in `root`,
    by default the directory.

    Raises:
        ConfigurationError: it cannot be read, leads out, is too large, or is no UTF-8.
    """
    data = bytes_of(directory, name, asked, root)
    try:
        return None if data is None else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{directory / name} is not UTF-8 text", "save it as UTF-8") from None


def bytes_of(
    directory: Path, name: str, asked: str = "", root: Path | None = None, most: int = TEXT_BYTES
) -> bytes | None:
    """Return the content of the file `name` in `directory`, of at most so many bytes; see `text_of`.

    Raises:
        ConfigurationError: it cannot be read, leads out of the directory, or is too large.
    """
    path = directory / name
    try:
        return read_inside(str(root or directory), str((directory / name).relative_to(root or directory)), most)
    except OutsideError:
        place = f"{asked}: {path}" if asked else str(path)
        bound = root or "the function's directory"
        raise ConfigurationError(f"{place} leads out of {bound}", "copy the file in") from None
    except OSError as error:
        if asked:
            message, hint = f"{asked}: cannot read {path}: {error.strerror}", "name a readable file"
            raise ConfigurationError(message, hint) from None
        if isinstance(error, FileNotFoundError) and not os.path.islink(path):  # noqa: PTH114 -- names may be too long
            return None
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "make it a readable file") from None
