"""What the configuration file says about linting: [lint] in gaia.toml, [tool.gaia.lint] in pyproject.toml."""

from analyzers.lean.records import record


@record
class LintTable:
    """The table's keys; None and empty stand for not said. A flag of `gaia lint` goes before each."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] | None = None
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: str = "low"
    fail_on: str = "warning"
