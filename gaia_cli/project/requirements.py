"""A function's requirements: found where projects keep them, and flattened to lines.

The lines, those of included files among them, decide what an image holds and when an environment is made anew; pip
itself is given the file, because paths in it are relative to it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzers.project.requirements import Line, all_lines
from gaia_cli.errors import ConfigurationError

DEFAULT_FILE = "requirements.txt"
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirement lines; `file` is the requirements file that they stand in, empty where there is none."""

    lines: tuple[str, ...] = ()
    file: str = ""


def default_requirements(directory: Path, pyproject: dict[str, Any]) -> Requirements:
    """Find requirements that are not configured: requirements.txt, else pyproject.toml's dependencies, else none.

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
    """Read the requirements in file `name` of `directory`, included files flattened.

    `asked_by` says where the file is named, such as "gaia.toml: [function] requirements"; it may be empty.

    Raises:
        ConfigurationError: the file, or one it includes, cannot be read.
    """

    def read(path: str, chain: tuple[Line, ...]) -> str:
        asked = f"{chain[-1].path}: {chain[-1].text}" if chain else asked_by or path
        if len(chain) > _DEEPEST:
            raise ConfigurationError(f"{asked}: requirement files include each other without end", "remove one -r line")
        return read_text(Path(path), asked)

    return Requirements(tuple(line.text for line in all_lines(str(directory / name), read)), name)


def read_text(path: Path, asked: str = "") -> str:
    """Read the text of `path`, which `asked` names; where nothing does, the file may be missing and is then empty.

    Raises:
        ConfigurationError: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        if asked:
            message, hint = f"{asked}: cannot read {path}: {error.strerror}", "name an existing file"
            raise ConfigurationError(message, hint) from None
        if isinstance(error, FileNotFoundError):
            return ""
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "make it a readable file") from None
