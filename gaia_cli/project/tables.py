"""What gaia.toml and [tool.gaia] may hold, and the check of it.

One table, `TABLES`: a key and the kind of value that it takes. A new key is one line here, one field of the same name,
and one line in docs/configuration.md. Unknown keys are errors that name the nearest known key.
"""

import re
from collections import defaultdict
from typing import Any

from gaia_cli.errors import ConfigurationError
from gaia_cli.project import kinds
from gaia_cli.project.environment import ENV
from gaia_cli.project.lines import Source
from gaia_cli.project.names import NAME
from gaia_cli.project.parts import near, nearest, part, shown, table
from runtime_images.policy.model import Prices, Slo

TABLES: dict[str, dict[str, kinds.Kind]] = {
    "function": {
        "name": NAME,
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
        "source": kinds.SOURCE,
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
        "env": ENV,
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
"""What gaia.toml may hold, besides [targets.NAME], whose keys stand in `deployment/keys.py`."""

PARTS = {"slo": "slo", "cost": "prices", "lint": "lint"}
"""The tables whose keys are the fields of a part; those of every other are the fields of FunctionProject itself."""

FIELDS = {("cost", "source"): ("", "cost_source")}
"""The part and the field of a key that is no field of its table's part."""

_TARGETS = "targets"


def checked(source: Source, tables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every value of `tables`, checked and converted, by part and field; the part "" is the function itself.

    The part "targets" holds the targets by name.

    Raises:
        ConfigurationError: a table or key is unknown, or a value unusable; the file begins the sentence.
    """
    values: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    where = source.place
    for name, content in tables.items():
        if name not in TABLES and name != _TARGETS:
            raise ConfigurationError(f"{where}: unknown table or key {name!r}", _nearest(name, (*TABLES, _TARGETS)))
        if not isinstance(content, dict):
            raise ConfigurationError(f"{where}: {name} must be a table, not {shown(content)}", f"write it as [{name}]")
        for key, value in content.items() if name != _TARGETS else ():
            part_of, field = FIELDS.get((name, key), (PARTS.get(name, ""), key.replace("-", "_")))
            values[part_of][field] = _converted(source, name, key, value)
    for name, content in tables.get(_TARGETS, {}).items():
        values[_TARGETS][name] = _target(source, name, content, values)
    return values


def _target(source: Source, name: str, content: object, values: dict[str, dict[str, Any]]) -> object:
    """Return a target, on top of what the function's own values say."""
    if not re.fullmatch(kinds.DNS_LABEL, name) or not isinstance(content, dict):
        raise ConfigurationError(
            f"{source.place}: [targets] {name} must be a table with a lower-case name", "write it as [targets.staging]"
        )
    from gaia_cli.project.deployment import keys, resolving  # most functions have no target

    own = values[""]
    base = resolving.Base(
        Slo(**values["slo"]), Prices(**values["prices"]), own.get("cpus"), own.get("memory", ""), own.get("gpus", 1)
    )
    cost = {key: kind for key, kind in TABLES["cost"].items() if ("cost", key) not in FIELDS}
    every = {**keys.KEYS, "slo": table(TABLES["slo"]), "cost": table(cost)}
    try:
        return resolving.target_settings(name, part(table(every, foreign=keys.FOREIGN), content), base)
    except kinds.PartError as error:
        raise _refusal(source, (_TARGETS, name), error) from None


def _converted(source: Source, name: str, key: str, value: object) -> object:
    kind = TABLES[name].get(key)
    if kind is None:
        message = f"{source.place}: unknown key {key!r} in [{name}]"
        raise ConfigurationError(message, _nearest(key, tuple(TABLES[name])))
    place = f"{source.place}: [{name}] {key}"
    try:
        converted = kind.convert(value)
    except kinds.PartError as error:
        if error.path:
            raise _refusal(source, (name, key), error) from None
        raise ConfigurationError(f"{place}: {error}", error.hint) from None
    if converted is None:
        raise ConfigurationError(f"{place} must be {kind.expects}, not {shown(value)}", kind.hint)
    return converted


def _refusal(source: Source, path: tuple[str, ...], error: kinds.PartError) -> ConfigurationError:
    """Say what is wrong in a table within a table, and in which line."""
    return ConfigurationError(f"{source.at((*path, *error.path))} {error}", error.hint)


def _nearest(unknown: str, known: tuple[str, ...]) -> str:
    """Return a hint: the nearest known key here, else the table where the key belongs, else all that is known."""
    if hint := near(unknown, known):
        return hint
    homes = [f"[{table}]" for table, keys in TABLES.items() if unknown in keys]
    if homes:
        return f"{unknown!r} belongs in {homes[0]}"
    return nearest(unknown, known) if known else "this table has no keys yet; remove it"
