"""Where a key stands in a TOML file, for findings about it; `tomllib` tells values and no places."""

import re

from analyzers.findings import Place

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")


def place_of(path: str, text: str, table: str, key: str) -> Place:
    """Return the place of `key` in `table` of the TOML `text`, the first line when it is not found.

    It finds `key = ...` under `[table]`, `table.key = ...` and `table = { key = ... }`, also with a prefix as in
    `[tool.gaia.mode]`.
    """
    name = re.escape(key)
    own = re.compile(rf"\s*(?P<found>{name})\s*=")
    behind = rf"(?:\.\s*(?P<dotted>{name})\s*=|=.*?\b(?P<found>{name})\s*=)"
    inline = re.compile(rf"\s*(?:[\w.]+\.)?{re.escape(table)}\s*{behind}")
    header = ""
    for number, line in enumerate(text.splitlines(), start=1):
        opened = _HEADER.match(line)
        if opened:
            header = opened[1]
            continue
        inside = header == table or header.endswith(f".{table}")
        match = own.match(line) if inside else inline.match(line)
        if match:
            group = "found" if match["found"] else "dotted"
            return Place(path, number, match.start(group) + 1, match.end(group) + 1)
    return Place(path, 1)
