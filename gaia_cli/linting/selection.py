"""Which findings are selected: `--select` and `--ignore` by code or by a code's beginning, and ignores by file.

Without a selection these are the rules for a hook. What could not be analyzed is wanted by every selection, since
nothing that is selected has been looked for there. Where a code is both selected and ignored, the longer of the two
wins, and `--ignore` where they are equally long: `--select GA2 --ignore GA203` and `--select GA203 --ignore GA2` both
do what they look like.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from analyzers.findings import INFERENCE_FAILED, REFUSED, RULE_FAILED
from analyzers.lean.profiles import profile
from analyzers.lean.records import record
from analyzers.lean.registry import ROWS
from gaia_cli.errors import UsageError

UNUSED_SUPPRESSION = "GA890"

NOT_OF_THE_CODE = frozenset({RULE_FAILED, INFERENCE_FAILED, REFUSED})
"""Failures of Gaia, and of the permission to read: they are not the code's, and make the exit code 2."""

MODE_CODES = tuple(code for code, (module, *_) in ROWS.items() if module.startswith("declarations."))
"""The rules about whole functions; selecting one costs an analysis of each."""


@record
class Selection:
    """What is wanted. `select` is None for the default; `per_file` pairs a glob with the codes ignored there."""

    select: tuple[str, ...] | None = None
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    min_confidence: float = 0.0

    def wants(self, code: str, path: str = "") -> bool:
        """Return whether the rule `code` is selected, anywhere or in the file `path` below the configuration.

        What says that a file was not read, or not by all rules, is selected until it is ignored: it makes all else that
        is found, or not found, uncertain.
        """
        known = profile(code)
        if known.confidence < self.min_confidence:
            return False
        by_default = known.hook and (self.select is None or known.is_failure)
        chosen = max(_exactness(code, (*(self.select or ()), *self.extend)), 0 if by_default else -1)
        return chosen > _exactness(code, self.ignore) and not self._ignored(code, path)

    @property
    def wants_evidence(self) -> bool:
        """Whether rules that speak for a mode may be selected, the families 1xx to 6xx; by default none is."""
        return any(not selector.startswith(("GA7", "GA8", "GA9")) for selector in (*(self.select or ()), *self.extend))

    def _ignored(self, code: str, path: str) -> bool:
        return any(_exactness(code, codes) >= 0 and matches(path, glob) for glob, codes in self.per_file if path)


def _exactness(code: str, selectors: Iterable[str]) -> int:
    """Return the length of the longest selector that `code` begins with, 0 for ALL, -1 for none."""
    lengths = (0 if selector == "ALL" else len(selector) for selector in selectors if _covers(selector, code))
    return max(lengths, default=-1)


def _covers(selector: str, code: str) -> bool:
    return selector == "ALL" or (selector != "" and code.startswith(selector))


def matches(path: str, glob: str) -> bool:
    """Return whether `path`, its file name or a directory above it matches `glob`; `*` also crosses slashes."""
    fits = _matcher(glob.removeprefix("./").rstrip("/"))
    parts = path.split("/")
    above = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return any(fits(candidate) for candidate in (*above, parts[-1]))


@cache  # `fnmatchcase` keeps 256, and would compile more than that for every file anew
def _matcher(pattern: str) -> "Callable[[str], object]":
    import re
    from fnmatch import translate  # loaded only where there are patterns

    return re.compile(translate(pattern)).match


def check_codes(codes: Sequence[str], place: str) -> None:
    """Check that a rule answers to each of the selectors that stand at `place`.

    Raises:
        UsageError: a code is unknown.
    """
    for selector in codes:
        if not any(_covers(selector, code) for code in ROWS):
            raise UsageError(f"{place}: no rule is called {selector!r}", "`gaia rules` lists them")
