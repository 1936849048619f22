"""Parts of a TOML file that another tool has written: what has not the kind that is looked for counts as missing."""


def text(value: object) -> str:
    """Return a text, empty for anything else."""
    return value if isinstance(value, str) else ""


def rows(value: object) -> list[dict[str, object]]:
    """Return the tables in a list, none for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
