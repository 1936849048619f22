"""What draws the pictures of a run: two sets of characters, Unicode and ASCII, and one of colours.

Colour alone shows no state: each has its own word or character, so NO_COLOR loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.text import Text

from runtime_images.policy.model import Backend

OK, WARN, BAD, DIM, STRONG = "#87d787", "#ffaf5f", "#ff5f5f", "grey58", "bold"
LANE_STYLE = {Backend.CPU: "#5fafff", Backend.GPU: "#d787ff"}
SLO_STYLE = {"met": OK, "missed": BAD, "unknown": DIM}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters; `blocks` go from empty to full."""

    blocks: str
    box: box.Box
    tracks: dict[Backend, str]
    starting: str
    promote: str
    demote: str
    failed: str
    slo: str
    state: str
    at_most: str
    dot: str
    none: str
    ellipsis: str

    def mark(self, kind: str) -> str:
        """Return the sign of a switch of `kind`."""
        return self.promote if kind == "promote" else self.demote


UNICODE = Glyphs(
    blocks=" ▁▂▃▄▅▆▇█",
    box=box.ROUNDED,
    tracks={Backend.CPU: "─", Backend.GPU: "━"},
    starting="╌",
    promote="▲",
    demote="▼",
    failed="✕",
    slo="┄",
    state="●",
    at_most="≤",
    dot="·",
    none="—",
    ellipsis="…",
)

ASCII = Glyphs(
    blocks=" _.:-=+*#",
    box=box.ASCII,
    tracks={Backend.CPU: "-", Backend.GPU: "="},
    starting=".",
    promote="^",
    demote="v",
    failed="x",
    slo="-",
    state="*",
    at_most="<=",
    dot="-",
    none="-",
    ellipsis="~",
)


def glyphs_for(console: Console) -> Glyphs:
    """Return the set that the console's encoding can show."""
    return UNICODE if console.encoding.lower().startswith("utf") else ASCII


def sparkline(values: Sequence[float | None], glyphs: Glyphs) -> str:
    """Draw one character a value, from the lowest block to the full one; None is a gap."""
    top = max((value for value in values if value is not None), default=0.0)
    if top <= 0:
        return " " * len(values)
    steps = len(glyphs.blocks) - 1
    return "".join(" " if value is None else glyphs.blocks[max(1, round(value / top * steps))] for value in values)


def shorten(line: Text, width: int, glyphs: Glyphs) -> None:
    """Cut off what goes beyond `width`, and mark the cut."""
    line.no_wrap = True
    if line.cell_len > width:
        line.truncate(width - len(glyphs.ellipsis), overflow="crop")
        line.append(glyphs.ellipsis)


def spread(left: Text, right: Text, width: int) -> Text:
    """Put one text at each end of a line that is `width` wide."""
    return Text.assemble(left, " " * max(1, width - left.cell_len - right.cell_len), right)
