"""A function's requirements: found where projects keep them, and flattened to lines.

Requirement files may include others (`-r more.txt`); the lines are what everything else needs to know (the
analyzer's evidence, the key of a cached environment), while pip itself is given the file, because paths in
it are relative to it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaia_cli.errors import ConfigurationError

DEFAULT_FILE = "requirements.txt"
_INCLUDE = ("-r", "--requirement")
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirement lines; `file` is the requirements file that they stand in, empty where there is none."""

    lines: tuple[str, ...] = ()
    file: str = ""


def default_requirements(directory: Path, pyproject: dict[str, Any]) -> Requirements:
    """Where nothing is configured: requirements.txt, else the dependencies of pyproject.toml, else none.

    Raises:
        ConfigurationError: what is there cannot be read.
    """
    if (directory / DEFAULT_FILE).is_file():
        return requirements_file(directory, DEFAULT_FILE, "")
    project = pyproject.get("project")
    dependencies = project.get("dependencies", []) if isinstance(project, dict) else []
    if not isinstance(dependencies, list) or not all(isinstance(line, str) for line in dependencies):
        raise ConfigurationError(
            f"{directory / 'pyproject.toml'}: [project] dependencies must be a list of requirement strings",
            'write it as dependencies = ["numpy>=2"]',
        )
    return Requirements(tuple(dependencies))


def requirements_file(directory: Path, name: str, asked_by: str) -> Requirements:
    """The requirements in file `name` of `directory`, included files flattened.

    Args:
        directory: the function's directory.
        name: the file, relative to `directory`.
        asked_by: where the file is named, such as "gaia.toml: [function] requirements", or empty.

    Raises:
        ConfigurationError: the file, or one it includes, cannot be read.
    """
    return Requirements(tuple(_lines(directory / name, asked_by or str(directory / name), depth=0)), name)


def _lines(path: Path, asked_by: str, depth: int) -> list[str]:
    if depth > _DEEPEST:
        raise ConfigurationError(f"{asked_by}: requirement files include each other without end", "remove one -r line")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{asked_by}: cannot read {path}: {error.strerror}", "name an existing file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    flat: list[str] = []
    for line in _logical_lines(content):
        included = _included(line)
        flat += _lines(path.parent / included, f"{path}: {line}", depth + 1) if included else [line]
    return flat


def _logical_lines(content: str) -> list[str]:
    """Lines as pip reads them: a backslash joins two, ` #` begins a comment, empty ones do not count."""
    joined = content.replace("\\\r\n", " ").replace("\\\n", " ")
    bare = (line.split(" #")[0].strip() for line in joined.splitlines())
    return [line for line in bare if line and not line.startswith("#")]


def _included(line: str) -> str:
    """The file that a `-r` line includes, empty for any other line."""
    for option in _INCLUDE:
        if line.startswith((option + " ", option + "=")) or (option == "-r" and line.startswith("-r")):
            return line[len(option) :].lstrip(" =")
    return ""
