"""A function's requirements: found where projects keep them, and flattened to lines.

The lines, those of included files among them, decide what an image holds and when an environment is made anew; pip
itself is given the file, because paths in it are relative to it.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname, join
from typing import Any

from analyzers.lean.files import leads_out
from analyzers.project.dependency_lists import PYPROJECT, project_requirements
from analyzers.project.requirements import (
    Line,
    Reader,
    all_lines,
    constraints,
    included,
    is_path,
    is_single,
    requirement,
    text_of_list,
)
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.foreign import cog_yaml
from gaia_cli.project.foreign.indexes import index_options
from gaia_cli.project.foreign.locks import locked
from gaia_cli.project.own_files import bytes_of

_CODING = re.compile(r"coding[:=]\s*([-\w.]+)")
DEFAULT_FILE = "requirements.txt"
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirement lines; `file` is the requirements file that they stand in, empty where there is none.

    `outside` are lines that include a file outside of the function's directory, which is not read. `problems` say, each
    with a hint, which included files cannot be read, and which files pip and Gaia may read differently, since they are
    in no encoding that both know. `folders` are those of all files that were read, where paths in lines may begin.
    `constraints` are the lines of the files of constraints that lines name, or what is locked for lines that stand in
    no file; None where there are none or one of these files is not there.
    """

    lines: tuple[str, ...] = ()
    file: str = ""
    outside: tuple[Line, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = field(default=(), compare=False)
    constraints: tuple[str, ...] | None = field(default=None, compare=False)

    def all_inside(self) -> "Requirements":
        """Return these requirements, to be installed or sent to a builder.

        Raises:
            ConfigurationError: a line includes a file outside of the function's directory, or one has a problem.
        """
        for sentence, hint in self.problems:
            raise ConfigurationError(sentence, hint)
        for line in self.outside:
            where = f"{line.path}:{line.number}: {line.text}"
            raise ConfigurationError(f"{where} leads out of the function's directory", "copy the file in")
        return self

    def names(self, package: str) -> bool:
        """Return whether a line asks for `package`, given by its normalized name."""
        return any(wanted is not None and wanted.name == package for wanted in map(requirement, self.lines))


def default_requirements(directory: Path, pyproject: dict[str, Any], python: str) -> Requirements:
    """Find requirements that are not configured: those of cog.yaml, requirements.txt, pyproject.toml, else none.

    Those of pyproject.toml are held to what is locked, for a `python` such as "3.12".

    Raises:
        ConfigurationError: what is there cannot be read.
    """
    cog = cog_yaml.read(directory)
    if cog.requirements is not None:
        place = f"{directory / cog_yaml.FILE}:{cog.requirements.line}"
        return requirements_file(directory, cog.requirements.value, f"{place}: python_requirements")
    if cog.packages:
        return Requirements(cog.packages)
    if os.path.isfile(directory / DEFAULT_FILE):  # noqa: PTH113 -- `Path.is_file` raises an error in a closed directory
        return requirements_file(directory, DEFAULT_FILE, "")
    project = pyproject.get("project")
    dependencies = project.get("dependencies", []) if isinstance(project, dict) else []
    if not isinstance(dependencies, list) or not all(
        isinstance(line, str) and is_single(line) for line in dependencies
    ):
        raise ConfigurationError(
            f"{directory / PYPROJECT}: [project] dependencies must be a list of requirement strings",
            'write it as dependencies = ["numpy>=2"]',
        )
    lines = tuple(line for line, _ in project_requirements(pyproject))
    for line in lines:
        if "||" in line or not is_single(line):
            where = f"{directory / PYPROJECT}: {line.partition('||')[0].strip()}"
            raise ConfigurationError(f"{where} has versions that pip cannot name", "state one range for it")
    if not lines:
        return Requirements()
    return Requirements((*index_options(pyproject), *lines), constraints=locked(directory, python) or None)


def requirements_file(directory: Path, name: str, asked_by: str) -> Requirements:
    """Read the requirements in file `name` of `directory`, included files flattened.

    `asked_by` says where the file is named, such as "gaia.toml: [function] requirements"; it may be empty.

    Raises:
        ConfigurationError: the file cannot be read; that one it includes cannot be is a problem of what is returned.
    """
    outside: list[Line] = []
    missing: list[str] = []
    problems: list[tuple[str, str]] = []

    def read(path: str, chain: tuple[Line, ...]) -> str:
        asked = f"{chain[-1].path}: {chain[-1].text}" if chain else asked_by or path
        if len(chain) > _DEEPEST:
            problems.append((f"{asked}: requirement files include each other without end", "remove one -r line"))
            return ""
        if chain and (leads_out(str(directory), path) or not all(is_path(_named(line)) for line in chain)):
            outside.append(chain[-1])
            return ""
        is_asked = not any(constraints(line.text) for line in chain)  # constraints may be missing until pip reads them
        try:
            data = bytes_of(directory, path, asked if is_asked else "")
        except ConfigurationError as error:
            if not chain:
                raise
            problems.append((error.message, error.hint))
            return ""
        if data is None:
            missing.append(path)
            return ""
        if sentence := _garbled(directory / path, data):
            problems.append((sentence, "save it as UTF-8, and say so where it declares an encoding"))
        return text_of_list(data, "replace")

    lines = tuple(all_lines(name, read))
    obeyed = _with_constraints(lines, read)
    folders = tuple(sorted({dirname(line.path) for line in obeyed}))
    limits = None if missing else tuple(line.text for line in obeyed[len(lines) :] if not constraints(line.text))
    texts = tuple(line.text for line in lines)
    return Requirements(texts, name, tuple(outside), tuple(problems), folders, limits)


def _garbled(path: Path, data: bytes) -> str:
    """Return what keeps pip, or Gaia's own copy of the lines, from reading a file as it stands; empty for most."""
    try:
        text = text_of_list(data)
    except UnicodeDecodeError:
        return f"{path} is not UTF-8 text"
    declared = next(
        (one[1] for line in text.split("\n", 2)[:2] if line[:1] == "#" and (one := _CODING.search(line))), ""
    )
    return f"{path} is in {declared}, by its own words" if declared.lower() not in ("", "utf-8", "utf8") else ""


def _named(line: Line) -> str:
    """Return the file that `line` names for pip to read."""
    return included(line.text) or constraints(line.text)


def _with_constraints(lines: Iterable[Line], read: Reader) -> list[Line]:
    """Return `lines`, and those of the files of constraints that they name, which pip obeys without installing them."""
    obeyed, done = list(lines), dict[str, bool]()
    for line in obeyed:
        if below := constraints(line.text):
            obeyed += all_lines(join(dirname(line.path), below), read, (line,), done)
    return obeyed
