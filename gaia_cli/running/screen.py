"""What a run is shown on: a live view, lines, or JSON; the views implement this."""

from typing import Protocol

from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import RunSummary
from runtime_images.events.model import Event


class Screen(Protocol):
    """Shows everything that happens, in order, from one thread."""

    def address(self, url: str) -> None:
        """Show where the function will be served; the first thing that is shown."""

    def step(self, text: str) -> None:
        """Show one step of the preparation."""

    def plan(self, plan: RunPlan) -> None:
        """Show what is going to run, where and why."""

    def event(self, event: Event, history: RunHistory) -> None:
        """Show an event; `history` has taken it already."""

    def tick(self, history: RunHistory) -> None:
        """Called a few times a second, whether anything has happened or not."""

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Show what the run came to."""

    def close(self) -> None:
        """Give back what was taken; called in every case."""
