"""gaia.toml, [tool.gaia] or func.yaml, read and checked into one frozen FunctionProject.

Flag > environment (GAIA_*) > file > default. What may be said stands in `tables.py`.
"""

# ruff: noqa: PTH110 -- `Path.exists` raises an error where a name is too long or a directory is closed

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.lean import toml
from analyzers.lean.files import left_tree
from gaia_cli.errors import ConfigurationError, UsageError, shell_word
from gaia_cli.places import working_tree
from gaia_cli.project.environment import Written
from gaia_cli.project.foreign import func_yaml
from gaia_cli.project.foreign.pythons import RUNNING, python_of
from gaia_cli.project.lines import Source
from gaia_cli.project.own_files import text_of
from gaia_cli.project.parts import shown
from gaia_cli.project.requirements import Requirements, default_requirements, requirements_file
from gaia_cli.project.tables import checked
from runtime_images.policy.model import ExecutionMode, Prices, Slo, WarmUp

if TYPE_CHECKING:
    from gaia_cli.project.targets import TargetSettings


@dataclass(frozen=True, slots=True)
class FunctionProject:
    """A function's directory and everything its configuration says.

    `name` may be none that a function can have, where only a folder gives it; whoever uses it asks `names.check_name`.
    `entrypoint` is "path.py" or "path.py:attribute" relative to `directory`, empty to search. `python_said` is what
    whoever runs the function is told about its Python, or empty. `library` is that of its form, where the platform of
    the form brings it and the requirements do not name it; `gpu_requirements` come on top where a real GPU is used.
    `pin` fixes the mode whatever the analyzer says; `hardware` is the GPU that its predictions are for, by the name of
    a profile or as a file in `directory`. `memory` is in Docker's spelling: "2g". `env` are the function's own
    variables, wherever it runs; `targets` are those of gaia.toml, by name.
    """

    directory: Path
    name: str
    entrypoint: str = ""
    python: str = ""
    python_said: str = ""
    requirements: Requirements = field(default_factory=Requirements)
    library: Requirements = field(default_factory=Requirements)
    gpu_requirements: Requirements = field(default_factory=Requirements)
    pin: ExecutionMode | None = None
    hardware: str = ""
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    cost_source: str = ""
    base_image: str = ""
    concurrency: int = 0
    idempotent: bool = False
    warmup: WarmUp | None = None
    cpus: float | None = None
    memory: str = ""
    gpus: int = 1
    max_body_mb: float = 16.0
    request_timeout_s: float = 300.0
    env: Mapping[str, str] = field(default_factory=dict)
    targets: "Mapping[str, TargetSettings]" = field(default_factory=dict)

    def requirements_for(self, *, gpu: bool) -> tuple[Requirements, ...]:
        """Return what to install; the requirements for a GPU only where there is a real one.

        Raises:
            ConfigurationError: they include a file outside of the function's directory.
        """
        wanted = (self.requirements, self.library, *((self.gpu_requirements,) if gpu else ()))
        return tuple(one for requirements in wanted if (one := requirements.all_inside()).lines)


def load_project(path: Path) -> FunctionProject:
    """Read the project at `path`, a directory or a single Python file.

    Raises:
        UsageError: there is nothing at `path`, or the directory is empty.
        ConfigurationError: a configuration file is malformed, or has an unknown key or an unusable value.
    """
    directory, entrypoint = _locate(path)
    pyproject = _read_toml(directory, "pyproject.toml")
    source, tables = _configuration(directory, pyproject)
    parts = checked(source, tables)
    own = parts[""]
    if entrypoint:
        own["entrypoint"] = entrypoint
    name = own.pop("name", "") or _default_name(directory, entrypoint)
    for key in ("requirements", "gpu_requirements"):
        if key in own:
            own[key] = _requirements(directory, own[key], f"{source.place}: [function] {key}")
    if "python" not in own:
        own["python"], own["python_said"] = python_of(directory, pyproject, RUNNING)
    if "requirements" not in own:
        own["requirements"] = default_requirements(directory, pyproject, own["python"] or RUNNING)
    slo, prices = Slo(**parts["slo"]), Prices(**parts["prices"])
    return FunctionProject(directory, name, slo=slo, prices=prices, targets=parts["targets"], **own)


def load_lint(directory: Path, repository: Path) -> dict[str, Any]:
    """Read what the configuration in `directory` says about linting, by field; the directory may hold no Python.

    A file of it may be a link to one in `repository`, which the directory is a part of.

    Raises:
        ConfigurationError: a configuration file is malformed, or has an unknown key or an unusable value.
    """
    pyproject = _read_toml(directory, "pyproject.toml", repository)
    return checked(*_configuration(directory, pyproject, repository))["lint"]


def _locate(path: Path) -> tuple[Path, str]:
    """Return the function's directory, and the entry point where `path` is a single file."""
    if not os.path.exists(path):
        raise UsageError(f"{path} does not exist", "give the directory of a function, or make one: gaia init DIR")
    if tree := left_tree(working_tree(), str(path)):
        raise UsageError(f"{path} leads out of {tree}", f"give the path itself: {path.resolve()}")
    if path.is_dir():
        resolved = path.resolve()
        if _is_empty(resolved):
            raise UsageError(
                f"directory {str(path)!r} contains no function", f"write one there: gaia init {shell_word(path)}"
            )
        return resolved, ""
    if path.suffix != ".py":
        raise UsageError(f"{path} is not a Python file", "give the directory of a function, or one .py file")
    return path.parent.resolve(), path.name  # a link that leads out stays one, so that nobody reads through it


def _is_empty(directory: Path) -> bool:
    try:
        return not any(directory.iterdir())
    except OSError as error:
        raise UsageError(f"cannot read {directory}: {error.strerror}", "make it a readable directory") from None


def _read_toml(directory: Path, name: str, root: Path | None = None) -> dict[str, Any]:
    """Return the content of a TOML file, which lies in `root` or the directory, empty where there is none."""
    path = directory / name
    try:
        return toml.loads(text_of(directory, name, root=root) or "", Written)
    except tomllib.TOMLDecodeError as error:
        what, line = _place(str(error))
        raise ConfigurationError(f"{path}{line}: not valid TOML: {what}", "correct the syntax") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets of thousands of levels
        raise ConfigurationError(f"{path}: not readable as TOML: {error}", "correct the file") from None


def _place(message: str) -> tuple[str, str]:
    """Return the parser's message without its place, and the place as ":line:column"."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    return (match[1].lower(), f":{match[2]}:{match[3]}") if match else (message.lower(), "")


def _configuration(
    directory: Path, pyproject: dict[str, Any], root: Path | None = None
) -> tuple[Source, dict[str, Any]]:
    """Return the tables that configure the function, and the file that they stand in."""
    own = directory / "gaia.toml"
    tool = pyproject.get("tool", {})
    embedded = tool.get("gaia") if isinstance(tool, dict) else None
    if os.path.exists(own) and embedded is not None:
        raise ConfigurationError(
            f"both {own} and [tool.gaia] in pyproject.toml configure the function", "keep one of the two"
        )
    if embedded is None:
        return _source(directory, own.name, root), _read_toml(directory, own.name, root)
    source = _source(directory, "pyproject.toml", root, ("tool", "gaia"))
    if not isinstance(embedded, dict):
        message = f"{source.place} must be a table, not {shown(embedded)}"
        raise ConfigurationError(message, "write it as [tool.gaia.slo] ...")
    return source, embedded


def _source(directory: Path, name: str, root: Path | None, inside: tuple[str, ...] = ()) -> Source:
    return Source(str(directory / name), lambda: text_of(directory, name, root=root) or "", inside)


def _requirements(directory: Path, configured: str | tuple[str, ...], place: str) -> Requirements:
    if isinstance(configured, str):
        return requirements_file(directory, configured, place)
    return Requirements(configured)


def _default_name(directory: Path, entrypoint: str) -> str:
    """Return the name in func.yaml, else that of the file or the directory, whatever it is."""
    named = func_yaml.name_in(directory) if not entrypoint else ""
    return named or entrypoint.removesuffix(".py") or directory.name
