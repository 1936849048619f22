"""What `gaia lint --fix` puts right: only where the meaning stays the same, and everything else byte for byte.

A fix is a module in fixes/ with one function from a file's bytes to its new bytes and the number of places it has
changed. Which code has which is the table below.
"""

from analyzers.lean.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gaia_cli.linting.fixes.in_notebooks import Fixer

FIXABLE = frozenset({"GA701"})
"""The codes that a fix is known for."""


@record
class Fixed:
    """A file after fixing: its bytes, and the code of each fix once for every place that it changed."""

    source: bytes
    applied: tuple[str, ...] = ()


def fix(source: bytes, path: str, codes: frozenset[str]) -> Fixed:
    """Put right what is found in `source`, the content of the file `path`, by the rules `codes`.

    What is not certainly safe stays as it is, and so does a file that cannot be parsed. A second time changes nothing.

    Raises:
        EngineError: there is something to fix, but the library that rewrites code is not installed.
    """
    applied: list[str] = []
    for code in sorted(codes & FIXABLE):
        source, count = _fixed(source, path, _fixes()[code])
        applied += [code] * count
    return Fixed(source, tuple(applied))


def _fixed(source: bytes, path: str, fixer: "Fixer") -> tuple[bytes, int]:
    if not path.endswith(".ipynb"):
        return fixer(source, path)
    from gaia_cli.linting.fixes.in_notebooks import fix_cells

    return fix_cells(source, path, fixer)


def _fixes() -> "dict[str, Fixer]":
    from gaia_cli.linting.fixes.hard_coded_device import guard_devices

    return {"GA701": guard_devices}
