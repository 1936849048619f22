"""The search for garbage, which syntax trees make costly: many objects, and all of them in use."""

import gc

GC_THRESHOLD = (200_000, 20, 100)
"""With Python's own threshold a third of the time of `python -m benchmarks.analyzer` goes into the search."""


class RareCollections:
    """A block in which garbage is searched for rarely."""

    def __enter__(self) -> None:
        self._before = gc.get_threshold()
        gc.set_threshold(*GC_THRESHOLD)

    def __exit__(self, *_raised: object) -> None:
        gc.set_threshold(*self._before)
