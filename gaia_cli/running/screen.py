"""What shows a run: a live view, lines, or JSON; the views implement this."""

from typing import Protocol

from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import RunSummary
from runtime_images.events.model import Event


class Screen(Protocol):
    """Shows everything that happens, in order, from one thread."""

    def address(self, url: str) -> None:
        """Show where the function will be served, before anything else."""

    def step(self, text: str) -> None:
        """Show one step of the preparation."""

    def plan(self, plan: RunPlan) -> None:
        """Show what will run, where and why."""

    def event(self, event: Event, history: RunHistory) -> None:
        """Show an event that `history` has already taken."""

    def tick(self, history: RunHistory) -> None:
        """Show the passing of time; called a few times a second."""

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Show what the run came to."""

    def close(self) -> None:
        """Give the terminal back; called in every case."""
