"""Reads from a CSV file how a node is over time: a row says what is so from a moment on, an empty field as above."""

from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from typing import Any

from gaia_cli.simulator.traces.csv_files import Rows, moment, number, read_csv
from gaia_cli.simulator.traces.trace import Stretch

NODE_COLUMNS = tuple(field.name for field in fields_of(Stretch))
_HINT = f"a node is a CSV file with the column from_s and any of {', '.join(NODE_COLUMNS[1:])} (docs/simulate.md)"


def read_node(path: Path) -> tuple[Stretch, ...]:
    """Return the stretches of the node in the file at `path`.

    Raises:
        UsageError: it cannot be read, or makes no sense; the message names the line.
    """
    return read_csv(path, "node", _HINT, _make)


def _make(names: list[str], rows: Rows) -> tuple[Stretch, ...]:
    """Return the stretches of these rows; no column may be unknown, since a slip would go unnoticed."""
    unknown = [name for name in names if name not in NODE_COLUMNS]
    if unknown:
        raise ValueError(f"there is no column {unknown[0] or 'without a name'}")
    if "from_s" not in names:
        raise ValueError("no column from_s")
    stretches: list[Stretch] = []
    for fields in rows:
        stretches.append(_stretch(dict(zip(names, fields, strict=True)), stretches))
    if not stretches:
        raise ValueError("the node has no rows")
    if not stretches[-1].gpu or stretches[-1].lacks_power:  # some policies would wait for it
        raise ValueError("the last row leaves the node without a GPU: add a row for when it is back")
    return tuple(stretches)


def _stretch(fields: dict[str, str], before: list[Stretch]) -> Stretch:
    """Return the stretch of a row, which differs from the last one of `before` in what the row says."""
    begin_s = moment("from_s", fields.pop("from_s"))
    above = before[-1] if before else Stretch(0.0)
    if before and begin_s <= above.from_s:
        raise ValueError(f"from_s {begin_s:g} is not after the row above it ({above.from_s:g})")
    changed: dict[str, Any] = {name: _value(name, text) for name, text in fields.items() if text.strip()}
    stretch = replace(above, from_s=begin_s, **changed)
    if stretch.power_w is not None and stretch.cpu_w > stretch.power_w:
        raise ValueError(
            f"power_w {stretch.power_w:g} is too little for the CPU backend, which draws {stretch.cpu_w:g}"
        )
    return stretch


def _value(name: str, text: str) -> float | bool:
    if name != "gpu":
        return number(name, text)
    if text.strip() not in ("yes", "no"):
        raise ValueError(f"gpu is yes or no, not {text[:40]!r}")
    return text.strip() == "yes"
