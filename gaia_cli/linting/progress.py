"""How far a long run is, on the terminal only; runs that are over in a moment show nothing."""

import time
from collections.abc import Callable, Iterable, Iterator

from gaia_cli.views import console

TYPE_CHECKING = False  # as type checkers know it; see options.py
if TYPE_CHECKING:
    from analyzers.linting.results import FileResult

_FIRST_S = 1.0
_PERIOD_S = 0.2


def shown(
    results: "Iterable[FileResult]", total: int, clock: Callable[[], float] = time.monotonic
) -> "Iterator[FileResult]":
    """The `results` as they come, of `total` in all, with a line that says how many there are."""
    due = clock() + _FIRST_S
    is_shown = False
    try:
        for done, result in enumerate(results, 1):
            if clock() >= due:
                console.progress(f"linted {done} of {total} files")
                due, is_shown = clock() + _PERIOD_S, True
            yield result
    finally:
        if is_shown:
            console.progress("")
