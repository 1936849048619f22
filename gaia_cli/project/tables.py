"""What gaia.toml and [tool.gaia] may hold, and the check of it.

One table, `TABLES`: a key and the kind of value that it takes. A new key is one line here, one field of the same name,
and one line in docs/configuration.md. Unknown keys are errors that name the nearest known key.
"""

import difflib
import re
from collections import defaultdict
from typing import Any

from gaia_cli.errors import ConfigurationError
from gaia_cli.project import kinds

TABLES: dict[str, dict[str, kinds.Kind]] = {
    "function": {
        "name": kinds.NAME,
        "entrypoint": kinds.ENTRYPOINT,
        "python": kinds.PYTHON,
        "requirements": kinds.REQUIREMENTS,
        "gpu_requirements": kinds.REQUIREMENTS,
    },
    "mode": {"pin": kinds.MODE, "hardware": kinds.HARDWARE},
    "slo": {
        "latency_p95_ms": kinds.number(above=True),
        "throughput_rps": kinds.number(above=True),
        "error_rate": kinds.number(high=1),
        "window_s": kinds.number(low=1, high=3600),
    },
    "cost": {
        "cpu_per_hour": kinds.number(),
        "gpu_per_hour": kinds.number(),
        "currency": kinds.CURRENCY,
    },
    "policy": {},
    "build": {"base_image": kinds.IMAGE},
    "run": {
        "concurrency": kinds.integer(0, 4096),
        "idempotent": kinds.FLAG,
        "warmup": kinds.WARMUP,
        "cpus": kinds.number(high=1024, above=True),
        "memory": kinds.MEMORY,
        "gpus": kinds.integer(1, 64),
        "max_body_mb": kinds.number(high=4096, above=True),
        "request_timeout_s": kinds.number(high=86400, above=True),
    },
    "lint": {
        "select": kinds.CODES,
        "extend-select": kinds.CODES,
        "ignore": kinds.CODES,
        "per-file-ignores": kinds.CODES_BY_GLOB,
        "exclude": kinds.GLOBS,
        "min-confidence": kinds.choice("low", "medium", "high"),
        "fail-on": kinds.choice("note", "warning", "error"),
    },
}
"""What gaia.toml may hold, besides [targets.NAME], whose keys belong to the target."""

PARTS = {"slo": "slo", "cost": "prices", "lint": "lint"}
"""The tables whose keys are the fields of a part; those of every other are the fields of FunctionProject itself."""

_TARGETS = "targets"
_PASSWORD = re.compile(r"://[^/\s]*@")


def checked(where: str, tables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every value of `tables`, checked and converted, by part and field; the part "" is the function itself.

    Raises:
        ConfigurationError: a table or key is unknown, or a value unusable; `where` begins the sentence.
    """
    values: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for table, content in tables.items():
        if table not in TABLES and table != _TARGETS:
            raise ConfigurationError(f"{where}: unknown table or key {table!r}", _nearest(table, (*TABLES, _TARGETS)))
        if not isinstance(content, dict):
            raise ConfigurationError(
                f"{where}: {table} must be a table, not {shown(content)}", f"write it as [{table}]"
            )
        for key, value in content.items():
            if table == _TARGETS:
                _check_target(where, key, value)
            else:
                values[PARTS.get(table, "")][key.replace("-", "_")] = _converted(where, table, key, value)
    return values


def _check_target(where: str, name: str, content: object) -> None:
    if not re.fullmatch(kinds.DNS_LABEL, name) or not isinstance(content, dict):
        raise ConfigurationError(
            f"{where}: [targets] {name} must be a table with a lower-case name", "write it as [targets.staging]"
        )


def _converted(where: str, table: str, key: str, value: object) -> object:
    kind = TABLES[table].get(key)
    if kind is None:
        raise ConfigurationError(f"{where}: unknown key {key!r} in [{table}]", _nearest(key, tuple(TABLES[table])))
    place = f"{where}: [{table}] {key}"
    try:
        converted = kind.convert(value)
    except kinds.PartError as error:
        raise ConfigurationError(f"{place}: {error}", "correct the value") from None
    if converted is None:
        raise ConfigurationError(f"{place} must be {kind.expects}, not {shown(value)}", "correct the value")
    return converted


def _nearest(unknown: str, known: tuple[str, ...]) -> str:
    """Return a hint: the nearest known key here, else the table where the key belongs, else all that is known."""
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    homes = [f"[{table}]" for table, keys in TABLES.items() if unknown in keys]
    if homes:
        return f"{unknown!r} belongs in {homes[0]}"
    return f"known here: {', '.join(known)}" if known else "this table has no keys yet; remove it"


def shown(value: object) -> str:
    """Return a value as the user recognises it, with its type where that is what is wrong."""
    if isinstance(value, dict):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else _PASSWORD.sub("://***@", repr(value))
    kind = "the string " if isinstance(value, str) else "the list " if isinstance(value, list) else ""
    return kind + (text if len(text) <= 60 else text[:57] + "...")
