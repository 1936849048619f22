"""The verb `simulate`: traces replayed under other policies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import Report
from gaia_cli.simulator.options import Options
from gaia_cli.verbs.functions import ReportFormat


@dataclass(frozen=True)
class Simulate(Options):
    """Say what a trace would have cost under other policies.

    Replays recorded or generated requests, and finds the best choice with every request known in advance.

    Example: gaia simulate ramp burst --report simulation.html
    """

    output_format: ReportFormat = Report.FULL
    report: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Also write a page with pictures, in one file.")
    ] = None

    def __call__(self) -> ExitCode:
        """Replay the traces."""
        from gaia_cli.commands.simulate import simulate

        return simulate(self, as_json=self.output_format is Report.JSON, report=self.report)
