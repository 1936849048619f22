"""Names and their values, one a row; a value that is too long goes on below itself."""

from collections.abc import Iterable
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from gaia_cli.views.glyphs import DIM

NAME_WIDTH = 12


def print_fields(console: Console, fields: Iterable[tuple[str, Text]], indent: str = "") -> None:
    """Print `fields` to `console`, each line beginning with `indent`."""
    for name, value in fields:
        lines = value.wrap(console, max(20, console.width - NAME_WIDTH - len(indent)))
        for lead, line in zip_longest([name], lines, fillvalue=""):
            line.rstrip()
            console.print(Text.assemble((f"{indent}{lead:<{NAME_WIDTH}}", DIM), line), soft_wrap=True)
