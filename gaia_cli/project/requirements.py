"""A function's requirements: found where projects keep them, and flattened to lines.

The lines, those of included files among them, decide what an image holds and when an environment is made anew; pip
itself is given the file, because paths in it are relative to it.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from analyzers.lean.files import leads_out
from analyzers.project.requirements import Line, Reader, all_lines, constraints
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.own_files import text_of

DEFAULT_FILE = "requirements.txt"
_DEEPEST = 10
_REMOTE = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirement lines; `file` is the requirements file that they stand in, empty where there is none.

    `outside` are lines that include a file outside of the function's directory, which is not read. `folders` are those
    of all files that were read, where paths in lines may begin.
    """

    lines: tuple[str, ...] = ()
    file: str = ""
    outside: tuple[Line, ...] = ()
    folders: tuple[str, ...] = field(default=(), compare=False)

    def all_inside(self) -> "Requirements":
        """Return these requirements, to be installed or sent to a builder.

        Raises:
            ConfigurationError: a line includes a file outside of the function's directory.
        """
        for line in self.outside:
            where = f"{line.path}:{line.number}: {line.text}"
            raise ConfigurationError(f"{where} leads out of the function's directory", "copy the file in")
        return self


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
    outside: list[Line] = []

    def read(path: str, chain: tuple[Line, ...]) -> str:
        asked = f"{chain[-1].path}: {chain[-1].text}" if chain else asked_by or path
        if len(chain) > _DEEPEST:
            raise ConfigurationError(f"{asked}: requirement files include each other without end", "remove one -r line")
        if chain and _is_outside(directory, path):
            outside.append(chain[-1])
            return ""
        return text_of(directory, path, asked) or ""

    lines = tuple(all_lines(name, read))
    obeyed = _with_constraints(lines, read)
    folders = tuple(sorted({dirname(line.path) for line in obeyed}))
    return Requirements(tuple(line.text for line in lines), name, tuple(outside), folders)


def _with_constraints(lines: tuple[Line, ...], read: Reader) -> list[Line]:
    """Return `lines`, and those of the files of constraints that they name, which pip obeys without installing them."""
    obeyed, begun = list(lines), set[str]()
    for line in obeyed:
        named = constraints(line.text)
        path = join(dirname(line.path), named)
        if named and not named.startswith(_REMOTE) and normpath(path) not in begun:
            begun.add(normpath(path))
            obeyed += all_lines(path, partial(_read_for, line, read))
    return obeyed


def _read_for(line: Line, read: Reader, path: str, chain: tuple[Line, ...]) -> str:
    return read(path, (line, *chain))


def _is_outside(directory: Path, path: str) -> bool:
    """Return whether pip may read `path` outside of the function's directory: also where a variable or URL says so."""
    return "${" in path or "file:" in path.lower() or leads_out(str(directory), path)
