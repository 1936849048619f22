"""From the names on the command line to traces: a file, a directory of them, or a generator."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from analyzers.lean.files import leads_out
from gaia_cli.errors import UsageError
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Outage, Trace
from gaia_cli.simulator.traces.trace_files import read_trace
from runtime_images.node.stretch import Stretch


def find_traces(names: Sequence[str]) -> list[str | Path]:
    """Return what each name stands for: a file, the files of a directory, or the name of a generator.

    Raises:
        UsageError: a name stands for nothing, or a directory has no traces.
    """
    return [source for name in names for source in _find(name)]


def open_traces(
    sources: Sequence[str | Path | Trace], seed: int, outages: Sequence[Outage] = (), node: Sequence[Stretch] = ()
) -> Iterator[Trace]:
    """Yield each trace in its turn, with `outages` on top of its own, and on `node` if that is given.

    Raises:
        UsageError: a file is no trace.
    """
    for source in sources:
        trace = source if isinstance(source, Trace) else _opened(source, seed)
        yield replace(trace, outages=(*trace.outages, *outages), node=tuple(node) or trace.node)


def _opened(source: str | Path, seed: int) -> Trace:
    return read_trace(source) if isinstance(source, Path) else GENERATORS[source](seed)


def _find(name: str) -> list[str | Path]:
    path = Path(name)
    if os.path.isdir(name):  # noqa: PTH112 -- pathlib raises on a name that no file can have
        files = sorted(path.glob("*.csv"))
        if not files:
            raise UsageError(f"the directory {name} has no traces", "a trace is a file that ends in .csv")
        for file in files:
            _check(path, file)
        return list(files)
    if os.path.lexists(name) or path.suffix or len(path.parts) > 1:
        return [path]
    if name in GENERATORS:
        return [name]
    known = ", ".join(GENERATORS)
    raise UsageError(f"there is no file and no generator named {name}", f"the generators are {known}")


def _check(directory: Path, file: Path) -> None:
    """Check a file that nobody named: whoever has made the directory may have put a pipe there, or a link out of it.

    Raises:
        UsageError: it is one.
    """
    if leads_out(str(directory), file.name):
        raise UsageError(f"cannot read the trace {file}: it leads out of the directory", "name it to read it")
    if not file.is_file():
        raise UsageError(f"cannot read the trace {file}: not a regular file", "name it to read it")
