"""Reads from a CSV file how a node is over time: a row says what is so from a moment on, an empty field as above."""

from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from typing import Any

from gaia_cli.simulator.traces.csv_files import moment, number, read_csv
from gaia_cli.simulator.traces.trace import Stretch

NODE_COLUMNS = tuple(field.name for field in fields_of(Stretch))
_HINT = f"a node is a CSV file with the column from_s and any of {', '.join(NODE_COLUMNS[1:])} (docs/simulate.md)"


def read_node(path: Path) -> tuple[Stretch, ...]:
    """The stretches of the node in the file at `path`.

    Raises:
        UsageError: it cannot be read, or makes no sense; the message names the line.
    """
    return read_csv(path, "node", _HINT, _Builder())


class _Builder:
    """The stretches of a node so far."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self._names: list[str] = []

    def find_columns(self, names: list[str]) -> None:
        """Check the columns, of which none may be unknown: a slip would go unnoticed."""
        unknown = [name for name in names if name not in NODE_COLUMNS]
        if unknown:
            raise ValueError(f"there is no column {unknown[0] or 'without a name'}")
        if "from_s" not in names:
            raise ValueError("no column from_s")
        self._names = names

    def take(self, fields: list[str]) -> None:
        """Read a row."""
        given = dict(zip(self._names, fields, strict=True))
        begin_s = moment("from_s", given.pop("from_s"))
        above = self._stretches[-1] if self._stretches else Stretch(0.0)
        if self._stretches and begin_s <= above.from_s:
            raise ValueError(f"from_s {begin_s:g} is not after the row above it ({above.from_s:g})")
        changed: dict[str, Any] = {name: _value(name, text) for name, text in given.items() if text.strip()}
        stretch = replace(above, from_s=begin_s, **changed)
        if stretch.power_w is not None and stretch.cpu_w > stretch.power_w:
            raise ValueError(
                f"power_w {stretch.power_w:g} is too little for the CPU backend, which draws {stretch.cpu_w:g}"
            )
        self._stretches.append(stretch)

    def finished(self) -> tuple[Stretch, ...]:
        """The stretches; the last one must have a GPU, since some policies wait for it."""
        if not self._stretches:
            raise ValueError("the node has no rows")
        if not self._stretches[-1].gpu or self._stretches[-1].lacks_power:
            raise ValueError("the last row leaves the node without a GPU: add a row for when it is back")
        return tuple(self._stretches)


def _value(name: str, text: str) -> float | bool:
    if name != "gpu":
        return number(name, text)
    if text.strip() not in ("yes", "no"):
        raise ValueError(f"gpu is yes or no, not {text[:40]!r}")
    return text.strip() == "yes"
