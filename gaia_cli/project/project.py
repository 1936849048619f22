"""gaia.toml, [tool.gaia] or func.yaml, read and checked into one frozen FunctionProject.

Flag > environment (GAIA_*) > file > default. Unknown keys are errors that name the nearest known key. What
may be said is one table, `TABLES`: a key, the kind of value it takes and the field of FunctionProject that
it fills; a new key is one line there, one field, and one line in docs/configuration.md.
"""

import difflib
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.linting.table import LintTable
from gaia_cli.project import kinds
from gaia_cli.project.requirements import Requirements, default_requirements, requirements_file
from runtime_images.policy.model import ExecutionMode, Prices, Slo, WarmUp


@dataclass(frozen=True, slots=True)
class FunctionProject:
    """A function's directory and everything its configuration says.

    `entrypoint` is "path.py" or "path.py:attribute" relative to `directory`, empty to search.
    `requirements` are the requirement lines from requirements.txt or pyproject.toml's dependencies;
    `gpu_requirements` come on top where a real GPU is used. The two `*_file` fields name the file in
    `directory` that the lines stand in, empty where they are written in a TOML list. `pin` fixes the mode
    whatever the analyzer says; `hardware` is the GPU that its predictions are for, by the name of a profile or as
    a file in `directory`. `memory` is in Docker's spelling ("512m", "2g").
    """

    directory: Path
    name: str
    entrypoint: str = ""
    python: str = ""
    requirements: tuple[str, ...] = ()
    requirements_file: str = ""
    gpu_requirements: tuple[str, ...] = ()
    gpu_requirements_file: str = ""
    pin: ExecutionMode | None = None
    hardware: str = ""
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    base_image: str = ""
    concurrency: int = 0
    idempotent: bool = False
    warmup: WarmUp | None = None
    cpus: float | None = None
    memory: str = ""
    gpus: int = 1
    max_body_mb: float = 16.0
    request_timeout_s: float = 300.0


class Key(NamedTuple):
    """One key: the kind of its value and the field that it fills, "part.field" for a nested one."""

    kind: kinds.Kind
    fills: str


TABLES: dict[str, dict[str, Key]] = {
    "function": {
        "name": Key(kinds.NAME, "name"),
        "entrypoint": Key(kinds.ENTRYPOINT, "entrypoint"),
        "python": Key(kinds.PYTHON, "python"),
        "requirements": Key(kinds.REQUIREMENTS, "requirements"),
        "gpu_requirements": Key(kinds.REQUIREMENTS, "gpu_requirements"),
    },
    "mode": {"pin": Key(kinds.MODE, "pin"), "hardware": Key(kinds.HARDWARE, "hardware")},
    "slo": {
        "latency_p95_ms": Key(kinds.number(above=True), "slo.latency_p95_ms"),
        "throughput_rps": Key(kinds.number(above=True), "slo.throughput_rps"),
        "error_rate": Key(kinds.number(high=1), "slo.error_rate"),
        "window_s": Key(kinds.number(low=1, high=3600), "slo.window_s"),
    },
    "cost": {
        "cpu_per_hour": Key(kinds.number(), "prices.cpu_per_hour"),
        "gpu_per_hour": Key(kinds.number(), "prices.gpu_per_hour"),
        "currency": Key(kinds.CURRENCY, "prices.currency"),
    },
    "policy": {},
    "build": {"base_image": Key(kinds.IMAGE, "base_image")},
    "run": {
        "concurrency": Key(kinds.integer(0, 4096), "concurrency"),
        "idempotent": Key(kinds.FLAG, "idempotent"),
        "warmup": Key(kinds.WARMUP, "warmup"),
        "cpus": Key(kinds.number(high=1024, above=True), "cpus"),
        "memory": Key(kinds.MEMORY, "memory"),
        "gpus": Key(kinds.integer(1, 64), "gpus"),
        "max_body_mb": Key(kinds.number(high=4096, above=True), "max_body_mb"),
        "request_timeout_s": Key(kinds.number(high=86400, above=True), "request_timeout_s"),
    },
    "lint": {
        "select": Key(kinds.CODES, "lint.select"),
        "extend-select": Key(kinds.CODES, "lint.extend_select"),
        "ignore": Key(kinds.CODES, "lint.ignore"),
        "per-file-ignores": Key(kinds.CODES_BY_GLOB, "lint.per_file_ignores"),
        "exclude": Key(kinds.GLOBS, "lint.exclude"),
        "min-confidence": Key(kinds.choice("low", "medium", "high"), "lint.min_confidence"),
        "fail-on": Key(kinds.choice("note", "warning", "error"), "lint.fail_on"),
    },
}
"""What gaia.toml may hold, besides [targets.NAME], whose keys belong to the target."""

_TARGETS = "targets"
_YAML_NAME = r"""\s*("(?P<double>[^"\\]+)"|'(?P<single>[^']+)'|(?P<plain>[^\s\[\]{}&*!|>%@`"'#,:][^#"':]*?))\s*(#.*)?"""
"""A value of YAML that is a string in one line: quoted, or plain where its first character has no other meaning."""
_LINT = "lint."
"""What [lint] fills belongs to the linter, not to the function."""


def load_project(path: Path) -> FunctionProject:
    """Read the project at `path`, a directory or a single Python file.

    Raises:
        UsageError: there is nothing at `path`, or the directory is empty.
        ConfigurationError: a configuration file is malformed, or has an unknown key or an unusable value.
    """
    directory, entrypoint = _locate(path)
    pyproject = _read_toml(directory / "pyproject.toml")
    where, tables = _configuration(directory, pyproject)
    values = {name: value for name, value in _check(where, tables).items() if not name.startswith(_LINT)}
    if entrypoint:
        values["entrypoint"] = entrypoint
    name = values.pop("name", "") or _default_name(directory, entrypoint)
    found = {
        "requirements": _requirements(directory, where, values, "requirements")
        or default_requirements(directory, pyproject),
        "gpu_requirements": _requirements(directory, where, values, "gpu_requirements") or Requirements(),
    }
    for key, requirements in found.items():
        values |= {key: requirements.lines, f"{key}_file": requirements.file}
    return _assemble(FunctionProject(directory, name), values)


def load_lint(directory: Path) -> LintTable:
    """What the configuration in `directory` says about linting; a directory without Python is fine here.

    Raises:
        ConfigurationError: a configuration file is malformed, or has an unknown key or an unusable value.
    """
    where, tables = _configuration(directory, _read_toml(directory / "pyproject.toml"))
    values = _check(where, tables)
    return LintTable(**{name.removeprefix(_LINT): value for name, value in values.items() if name.startswith(_LINT)})


def slug(text: str) -> str:
    """A valid function name made from any text."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    label = label.lstrip("0123456789-")[:63].rstrip("-")
    return label or "function"


def _locate(path: Path) -> tuple[Path, str]:
    """The function's directory, and the entry point where `path` is a single file."""
    if not path.exists():
        raise UsageError(f"there is nothing at {path}", "give the directory of a function, or make one: gaia init DIR")
    resolved = path.resolve()
    if resolved.is_dir():
        if not any(resolved.iterdir()):
            raise UsageError(f"{path} is empty", f"write a function there: gaia init {path}")
        return resolved, ""
    if resolved.suffix != ".py":
        raise UsageError(f"{path} is not a Python file", "give the directory of a function, or one .py file")
    return resolved.parent, resolved.name


def _read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file, empty where there is none."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "make it a readable file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        what, line = _place(str(error))
        raise ConfigurationError(f"{path}{line}: not valid TOML: {what}", "correct the syntax") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets of thousands of levels
        raise ConfigurationError(f"{path}: not readable as TOML: {error}", "correct the file") from None


def _place(message: str) -> tuple[str, str]:
    """The parser's message without its place, and the place as ":line:column"."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    return (match[1].lower(), f":{match[2]}:{match[3]}") if match else (message.lower(), "")


def _configuration(directory: Path, pyproject: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The tables that configure the function, and what to call their place in errors."""
    own = directory / "gaia.toml"
    tool = pyproject.get("tool", {})
    embedded = tool.get("gaia") if isinstance(tool, dict) else None
    if own.exists() and embedded is not None:
        raise ConfigurationError(
            f"both {own} and [tool.gaia] in pyproject.toml configure the function", "keep one of the two"
        )
    if embedded is None:
        return str(own), _read_toml(own)
    where = f"{directory / 'pyproject.toml'}: [tool.gaia]"
    if not isinstance(embedded, dict):
        raise ConfigurationError(f"{where} must be a table, not {_shown(embedded)}", "write it as [tool.gaia.slo] ...")
    return where, embedded


def _check(where: str, tables: dict[str, Any]) -> dict[str, Any]:
    """Every value of `tables`, checked and converted, by the field that it fills."""
    values: dict[str, Any] = {}
    for table, content in tables.items():
        if table not in TABLES and table != _TARGETS:
            raise ConfigurationError(f"{where}: unknown table or key {table!r}", _nearest(table, (*TABLES, _TARGETS)))
        if not isinstance(content, dict):
            raise ConfigurationError(
                f"{where}: {table} must be a table, not {_shown(content)}", f"write it as [{table}]"
            )
        if table == _TARGETS:
            _check_targets(where, content)
            continue
        for key, value in content.items():
            known = _known(where, table, key)
            values[known.fills] = _converted(f"{where}: [{table}] {key}", known.kind, value)
    return values


def _check_targets(where: str, targets: dict[str, Any]) -> None:
    for name, content in targets.items():
        if not re.fullmatch(kinds.DNS_LABEL, name) or not isinstance(content, dict):
            raise ConfigurationError(
                f"{where}: [targets] {name} must be a table with a lower-case name",
                "write it as [targets.staging]",
            )


def _known(where: str, table: str, key: str) -> Key:
    known = TABLES[table].get(key)
    if known is None:
        raise ConfigurationError(f"{where}: unknown key {key!r} in [{table}]", _nearest(key, tuple(TABLES[table])))
    return known


def _converted(place: str, kind: kinds.Kind, value: object) -> object:
    try:
        return kind.convert(value)
    except kinds.PartError as error:
        raise ConfigurationError(f"{place}: {error}", "correct the value") from None
    except ValueError:
        raise ConfigurationError(f"{place} must be {kind.expects}, not {_shown(value)}", "correct the value") from None


def _nearest(unknown: str, known: tuple[str, ...]) -> str:
    """A hint: the nearest known key here, else the table where the key belongs, else all that is known."""
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    homes = [f"[{table}]" for table, keys in TABLES.items() if unknown in keys]
    if homes:
        return f"{unknown!r} belongs in {homes[0]}"
    return f"known here: {', '.join(known)}" if known else "this table has no keys yet; remove it"


def _shown(value: object) -> str:
    """A value as the user would recognise it, with its type where that is what is wrong."""
    names = {bool: "", str: "the string ", dict: "a table", list: "the list "}
    name = names.get(type(value), "")
    if isinstance(value, dict):
        return name
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return name + (shown if len(shown) <= 60 else shown[:57] + "...")


def _requirements(directory: Path, where: str, values: dict[str, Any], key: str) -> Requirements | None:
    """The configured requirements, None where the configuration says nothing about them."""
    value = values.get(key)
    if isinstance(value, str):
        return requirements_file(directory, value, f"{where}: [function] {key}")
    return None if value is None else Requirements(value)


def _default_name(directory: Path, entrypoint: str) -> str:
    """The name in func.yaml, else one made from the file or the directory."""
    named = _func_yaml_name(directory / "func.yaml") if not entrypoint else ""
    return slug(named or entrypoint.removesuffix(".py") or directory.name)


def _func_yaml_name(path: Path) -> str:
    """The top-level `name:` of Knative's func.yaml; nothing else in it concerns Gaia.

    Raises:
        ConfigurationError: the file is not readable as text, or what it calls a name is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "make it a readable file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    for number, line in enumerate(lines, 1):
        stated = re.match(r"name\s*:(?=\s|$)(.*)", line)
        if stated:
            name = re.fullmatch(_YAML_NAME, stated[1])
            if name is None:
                hint = "write it as `name: my-function`, or name the function in gaia.toml"
                raise ConfigurationError(f"{path}:{number}: the name is not a plain string", hint)
            return name["double"] or name["single"] or name["plain"]
    return ""


def _assemble(project: FunctionProject, values: dict[str, Any]) -> FunctionProject:
    """The project with `values` filled in; "slo.window_s" goes into the `slo` part."""
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        part, dot, inner = name.rpartition(".")
        parts.setdefault(part if dot else "", {})[inner] = value
    own = parts.pop("", {})
    nested = {part: replace(getattr(project, part), **inner) for part, inner in parts.items()}
    return replace(project, **own, **nested)
