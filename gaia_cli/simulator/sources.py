"""From the names on the command line to traces: a file, a directory of them, or a generator."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from gaia_cli.errors import UsageError
from gaia_cli.simulator.generators import GENERATORS
from gaia_cli.simulator.trace_files import read_trace
from gaia_cli.simulator.traces import Outage, Trace


def find_traces(names: Sequence[str]) -> list[str | Path]:
    """What each name stands for: a file, the files of a directory, or the name of a generator.

    Raises:
        UsageError: a name stands for nothing, or a directory has no traces.
    """
    return [source for name in names for source in _find(name)]


def open_traces(sources: Sequence[str | Path], seed: int, outages: Sequence[Outage] = ()) -> Iterator[Trace]:
    """Each trace in its turn, with `outages` on top of its own.

    Raises:
        UsageError: a file is no trace, or outages overlap.
    """
    for source in sources:
        trace = read_trace(source) if isinstance(source, Path) else GENERATORS[source](seed)
        yield replace(trace, outages=_in_order((*trace.outages, *outages))) if outages else trace


def _find(name: str) -> list[str | Path]:
    path = Path(name)
    if path.is_dir():
        files = sorted(path.glob("*.csv"))
        if not files:
            raise UsageError(f"the directory {name} has no traces", "a trace is a file that ends in .csv")
        return list(files)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return [path]
    if name in GENERATORS:
        return [name]
    known = ", ".join(GENERATORS)
    raise UsageError(f"there is no file and no generator named {name}", f"the generators are {known}")


def _in_order(outages: Sequence[Outage]) -> tuple[Outage, ...]:
    ordered = sorted(outages, key=lambda one: one.begin_s)
    for before, after in pairwise(ordered):
        if after.begin_s < before.end_s:
            spans = f"{before.begin_s:g}-{before.end_s:g} and {after.begin_s:g}-{after.end_s:g}"
            raise UsageError(f"the outages {spans} overlap", "give one outage for both")
    return tuple(ordered)
