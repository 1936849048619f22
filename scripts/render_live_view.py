"""Draw docs/live-view.svg, the picture in the README, from a recorded run.

    gaia run samples/02-matmul --play samples/02-matmul/load.jsonl --output-format json-lines > run.jsonl
    python scripts/render_live_view.py run.jsonl

The picture is the live view `--at` seconds after the start, drawn by the code that draws it on a terminal.
"""

import argparse
import io
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from gaia_cli.running.choose import EMULATED_REASON, Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.views.live import LiveView
from runtime_images.events.codec import decode
from runtime_images.policy.model import Accelerator

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "live-view.svg"

THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [(72, 79, 88), (255, 95, 95), (135, 215, 135), (255, 175, 95), (95, 175, 255), (215, 135, 255), (86, 212, 221),
     (177, 186, 196)],
    [(110, 118, 129), (255, 135, 135), (155, 235, 155), (255, 195, 115), (115, 195, 255), (235, 155, 255),
     (106, 232, 241), (240, 246, 252)],
)  # fmt: skip


def history_until(recording: Path, at_s: float) -> RunHistory:
    """Return the recorded run as it was known `at_s` seconds after its start."""
    history = RunHistory()
    for line in recording.read_text(encoding="utf-8").splitlines():
        event = decode(line)
        if event is not None and (history.started is None or event.t - history.started <= at_s):
            history.apply(event)
    return history


def render(history: RunHistory, width: int, height: int) -> str:
    """Return the live view of `history` as SVG."""
    emulated = history.accelerator is Accelerator.EMULATED
    accelerator = Choice(history.accelerator, EMULATED_REASON if emulated else "")
    plan = RunPlan(history.function, history.mode, "", Choice("process", ""), accelerator, history.slo)
    console = Console(
        width=width, height=height, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(LiveView(plan, history))
    # No web font: the picture must look the same where nothing can be fetched.
    svg = console.export_svg(title=f"gaia run {history.function}", theme=THEME, unique_id="live-view")
    return svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")


def main() -> None:
    """Read the named recording and write the picture."""
    parser = argparse.ArgumentParser(description="Draw docs/live-view.svg from a recorded run.")
    parser.add_argument("recording", type=Path, help="the output of gaia run --output-format json-lines")
    parser.add_argument("--at", type=float, default=43.0, help="seconds after the start (default: 43)")
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--height", type=int, default=30)
    arguments = parser.parse_args()
    history = history_until(arguments.recording, arguments.at)
    PICTURE.write_text(render(history, arguments.width, arguments.height), encoding="utf-8")


if __name__ == "__main__":
    main()
