"""Where a key stands in a TOML file, for findings about it; `tomllib` tells values and no places."""

from analyzers.findings import Place
from analyzers.lean.patterns import Pattern

_HEADER = Pattern(r"\s*+\[([^\[\]]++)\]\s*+(?:#.*)?$")
_KEY = Pattern(r"(?<![\w-])([\w-]++)\s*+=")


def place_of(path: str, text: str, table: str, key: str) -> Place:
    """Return the place of `key` in `table` of the TOML `text`, the first line when it is not found.

    It finds `key = ...` under `[table]`, `table.key = ...` and `table = { key = ... }`, also with a prefix as in
    `[tool.gaia.mode]`.
    """
    header = ""
    for number, line in enumerate(text.splitlines(), start=1):
        opened = _HEADER.match(line)
        if opened:
            header = opened[1].strip()
            continue
        start = _key_in(line, key) if _is_named(header, table) else _key_of_table_in(line, table, key)
        if start is not None:
            return Place(path, number, start + 1, start + len(key) + 1)
    return Place(path, 1)


def _is_named(name: str, table: str) -> bool:
    return name == table or name.endswith(f".{table}")


def _key_in(line: str, key: str) -> int | None:
    """Return where `key` begins in the line `key = ...`, None for another line."""
    name, equals, _ = line.partition("=")
    return len(name) - len(name.lstrip()) if equals and name.strip() == key else None


def _key_of_table_in(line: str, table: str, key: str) -> int | None:
    """Return where `key` begins in `table.key = ...` or `table = { key = ... }`, None for another line."""
    name, _, value = line.partition("=")
    owner, dot, last = name.strip().rpartition(".")
    if dot and last.strip() == key and _is_named(owner.strip(), table):
        return len(name.rstrip()) - len(key)
    if not _is_named(name.strip(), table):
        return None
    offset = len(line) - len(value)
    return next((offset + found.start() for found in _KEY.finditer(value) if found[1] == key), None)
