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

    def read(path: str, chain: tuple[Line, ...]) -> str:
        asked = f"{chain[-1].path}: {chain[-1].text}" if chain else asked_by or path
        if len(chain) > _DEEPEST:
            raise ConfigurationError(f"{asked}: requirement files include each other without end", "remove one -r line")
        return _text(path, asked)

    return Requirements(tuple(line.text for line in all_lines(str(directory / name), read)), name)


def _text(path: str, asked: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{asked}: cannot read {path}: {error.strerror}", "name an existing file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
