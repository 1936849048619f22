"""What gaia.toml and [tool.gaia] may hold, and the check of it.

One table, `TABLES`: a key, the kind of value it takes and the field that it fills, "part.field" for a nested one. A new
key is one line here, one field, and one line in docs/configuration.md. Unknown keys are errors that name the nearest
known key.
"""

import difflib
import re
from typing import Any, NamedTuple

from gaia_cli.errors import ConfigurationError
from gaia_cli.project import kinds


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


def checked(where: str, tables: dict[str, Any]) -> dict[str, Any]:
    """Every value of `tables`, checked and converted, by the field that it fills.

    Raises:
        ConfigurationError: a table or key is unknown, or a value unusable; `where` begins the sentence.
    """
    values: dict[str, Any] = {}
    for table, content in tables.items():
        if table not in TABLES and table != _TARGETS:
            raise ConfigurationError(f"{where}: unknown table or key {table!r}", _nearest(table, (*TABLES, _TARGETS)))
        if not isinstance(content, dict):
            raise ConfigurationError(
                f"{where}: {table} must be a table, not {shown(content)}", f"write it as [{table}]"
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
        raise ConfigurationError(f"{place} must be {kind.expects}, not {shown(value)}", "correct the value") from None


def _nearest(unknown: str, known: tuple[str, ...]) -> str:
    """A hint: the nearest known key here, else the table where the key belongs, else all that is known."""
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    homes = [f"[{table}]" for table, keys in TABLES.items() if unknown in keys]
    if homes:
        return f"{unknown!r} belongs in {homes[0]}"
    return f"known here: {', '.join(known)}" if known else "this table has no keys yet; remove it"


def shown(value: object) -> str:
    """A value as the user would recognise it, with its type where that is what is wrong."""
    names = {bool: "", str: "the string ", dict: "a table", list: "the list "}
    name = names.get(type(value), "")
    if isinstance(value, dict):
        return name
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return name + (shown if len(shown) <= 60 else shown[:57] + "...")
