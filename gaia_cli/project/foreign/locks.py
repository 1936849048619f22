"""The versions that uv, Poetry or PDM have locked for a project, as constraints for pip.

What a project's author runs is what is locked, and newer versions may not go with the code. A locked version counts
where it has a wheel for the function's Python: an old one that pip would have to build on a newer Python is left open.
So are packages that come from elsewhere than an index, and those that are locked differently for other machines.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from analyzers.lean import toml
from analyzers.project.requirements import normalize
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.foreign.toml_parts import rows, text
from gaia_cli.project.own_files import bytes_of

FILES = ("uv.lock", "poetry.lock", "pdm.lock")
_LARGEST_BYTES = 4 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!]{0,99}")
_ELSEWHERE = ("git", "url", "path", "directory", "editable", "virtual", "file")


def locked(directory: Path, python: str) -> tuple[str, ...]:
    """Return a constraint for each package that is locked to a version with a wheel for `python`, such as "3.12".

    Raises:
        ConfigurationError: there is a lock file, and it cannot be read.
    """
    for name in FILES:
        data = bytes_of(directory, name, most=_LARGEST_BYTES)
        if data is not None:
            try:
                content = toml.loads(data.decode())
            except (ValueError, RecursionError):
                hint = "let the tool that wrote it make it anew"
                raise ConfigurationError(f"{directory / name}: not readable as TOML", hint) from None
            return tuple(_constraints(content, python))
    return ()


def _constraints(content: dict[str, object], python: str) -> Iterator[str]:
    versions: dict[str, set[str]] = {}
    packages = rows(content.get("package"))
    for package in packages:
        versions.setdefault(text(package.get("name")), set()).add(text(package.get("version")))
    for package in packages:
        name, version = text(package.get("name")), text(package.get("version"))
        is_plain = _NAME.fullmatch(name) and _VERSION.fullmatch(version) and len(versions[name]) == 1
        if is_plain and _is_of_an_index(package) and any(_fits(one, python) for one in _files(content, package, name)):
            yield f"{normalize(name)}=={version}"


def _fits(file: str, python: str) -> bool:
    """Return whether a file is a wheel for Linux and this Python, by the tags in its name."""
    *_, tag, abi, platform = ("", "", *file.removesuffix(".whl").split("-"))
    number = python.replace(".", "")
    is_for_python = (
        (abi == "none" and "py3" in tag.split("."))
        or (abi == "abi3" and tag.removeprefix("cp3").isdigit() and int(tag.removeprefix("cp")) <= int(number))
        or tag == f"cp{number}"
    )
    return file.endswith(".whl") and is_for_python and ("linux" in platform or platform == "any")


def _is_of_an_index(package: dict[str, object]) -> bool:
    source = package.get("source")
    told = source if isinstance(source, dict) else {}
    return not any(key in package or key in told or told.get("type") == key for key in _ELSEWHERE)


def _files(content: dict[str, object], package: dict[str, object], name: str) -> Iterator[str]:
    """Yield the files of a package, by name or URL; older files of Poetry have them all in one table."""
    metadata = content.get("metadata")
    elsewhere = metadata.get("files") if isinstance(metadata, dict) else None
    older = elsewhere.get(name) if isinstance(elsewhere, dict) else None
    for row in (*rows(package.get("wheels")), *rows(package.get("files")), *rows(older)):
        yield text(row.get("file") or row.get("url"))
