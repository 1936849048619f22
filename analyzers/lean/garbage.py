"""The search for garbage, which syntax trees make costly: many objects, and all of them in use."""

import atexit
import gc

atexit.register(gc.freeze)  # the interpreter would search all nodes for garbage when it ends, for a third of the time

GC_THRESHOLD = (200_000, 20, 100)
"""With Python's own threshold a third of the time of `python -m benchmarks.analyzer` goes into the search."""


_MANY = GC_THRESHOLD[0] // 2
"""New objects that are worth a search."""


class RareCollections:
    """A block in which garbage is searched for rarely."""

    def __enter__(self) -> None:
        self._before = gc.get_threshold()
        gc.set_threshold(*GC_THRESHOLD)

    def __exit__(self, *_raised: object) -> None:
        gc.set_threshold(*self._before)


class NoCollections:
    """A block in which all that is made stays in use, so that no garbage is searched for.

    After it, what was made counts as old, as if it had outlived a search: the next search is for what is newer.
    """

    def __enter__(self) -> None:
        self._before = gc.isenabled()
        gc.disable()

    def __exit__(self, *_raised: object) -> None:
        if self._before:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def collect_new() -> None:
    """Collect the garbage among the newest objects: once a file is done, that is its whole tree."""
    if gc.get_count()[0] > _MANY:
        gc.collect(0)
