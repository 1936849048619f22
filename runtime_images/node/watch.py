"""How the node is now and later, read again and again in the background, for who must not wait for it.

A thread of its own reads, since a file system or a server can hang; who asks gets the last good values, however old
they are, and what is wrong with the source, if anything is. Rows count from when the table was written: those of a file
from its time of modification, of an answer from when it came. Before the first row nothing is known of the node.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from runtime_images.node.place import UnreadableError, public_name, read_place
from runtime_images.node.stretch import AS_EVER, Stretch
from runtime_images.node.table import read_table

EVERY_S = 15.0
"""Time between two readings: prices and power of a node change by the minute."""


class Now(NamedTuple):
    """How the node is, and for how many seconds the GPU still has what it needs; None where no end of that is known."""

    stretch: Stretch
    gpu_for_s: float | None = None


class News(NamedTuple):
    """What became of the source: a problem, empty if it can be read; its name, and how many rows are in force."""

    source: str
    problem: str
    rows: int


@dataclass(frozen=True, slots=True)
class Table:
    """Stretches that count from `written_s`, in seconds since 1970."""

    stretches: tuple[Stretch, ...] = ()
    written_s: float = 0.0

    def at(self, wall_s: float) -> Now:
        """Return how the node is at a moment, in seconds since 1970."""
        since_s = wall_s - self.written_s
        place = bisect_right(self.stretches, since_s, key=lambda one: one.from_s) - 1
        later = self.stretches[place + 1 :]
        lost = next((one.from_s - since_s for one in later if not one.gpu or one.lacks_power), None)
        return Now(self.stretches[place] if place >= 0 else AS_EVER, lost)


class NodeWatch:
    """Reads the table at `place`; nothing is read, and nothing known, where that is empty."""

    def __init__(
        self, place: str, directory: Path, wall: Callable[[], float] = time.time, every_s: float = EVERY_S
    ) -> None:
        self._place, self._directory, self._wall, self._every_s = place, directory, wall, every_s
        self._table = Table()
        self._problem: str | None = None
        self._told: News | None = None
        self._stopping = threading.Event()
        if place:
            threading.Thread(target=self._watch, name="node", daemon=True).start()

    def now(self) -> Now:
        """Return how the node is, by the last good table."""
        return self._table.at(self._wall())

    def news(self) -> News | None:
        """Return what became of the source since the last call; None where that is nothing new."""
        problem = self._problem
        if problem is None:
            return None
        news = News(public_name(self._place), problem, len(self._table.stretches))
        before, self._told = self._told, news
        return None if news == before else news

    def stop(self) -> None:
        """Read no more; a reading that hangs is not waited for."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                data, written_s = read_place(self._place, self._directory)
                self._table = Table(read_table(data), written_s)
                self._problem = ""
            except (UnreadableError, ValueError) as error:
                self._problem = str(error)
            self._stopping.wait(self._every_s)
