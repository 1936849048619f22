"""A deploy to several targets, a leg each: errors say which one, and what is left undone is told.

All legs are looked at before the first is written to; from then on each stands for itself, and those before one that
fails stay as they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gaia_cli.errors import GaiaError, UsageError
from gaia_cli.targets.protocol import Deployment, Plan, Target
from gaia_cli.views import console
from gaia_cli.views.cluster.plan import show_outcome
from runtime_images.cluster.errors import ClusterError


@dataclass(slots=True)
class Leg:
    """A deploy on its way to one target; `is_one_of_several` where it is not the only one."""

    deployment: Deployment
    target: Target
    is_one_of_several: bool = False
    plan: Plan | None = None

    @property
    def name(self) -> str:
        """The target's name in gaia.toml."""
        return self.deployment.target.name


@contextmanager
def about(leg: Leg) -> Iterator[None]:
    """Let an error say which target it is about, where there are several."""
    try:
        yield
    except GaiaError as error:
        if leg.is_one_of_several:
            error.put_before(f"target {leg.name}")
        raise


def check_apart(legs: Sequence[Leg]) -> None:
    """Check that no two legs end in the same place: the second would replace what the first has made.

    Raises:
        UsageError: two do.
    """
    seen: dict[tuple[str, str], Leg] = {}
    for leg in legs:
        assert leg.plan is not None
        place = leg.plan.place
        other = seen.setdefault((place.server, place.namespace), leg)
        if other is not leg:
            message = f"the targets {other.name} and {leg.name} are the same place: {place.namespace} of {place.server}"
            raise UsageError(message, "give one of them another context or namespace in gaia.toml")


def carry_out(legs: Sequence[Leg], *, wait: bool) -> None:
    """Apply what was planned, one target after the other.

    Raises:
        ClusterRefused: one did not get there; those after it are not begun.
    """
    for number, leg in enumerate(legs):
        try:
            with about(leg), _told(leg):
                outcome = leg.target.apply(wait=wait)
        except (GaiaError, KeyboardInterrupt, SystemExit):
            if rest := [one.name for one in legs[number + 1 :]]:
                console.note(f"not begun: {', '.join(rest)}", "the same command goes on from here")
            raise
        assert leg.plan is not None
        show_outcome(leg.plan, outcome)


@contextmanager
def _told(leg: Leg) -> Iterator[None]:
    """Say what is left behind by Ctrl-C, and by a cluster that no longer answers or takes the credentials."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _tell(leg)
        raise
    except GaiaError as error:
        if isinstance(error.__cause__, ClusterError):
            _tell(leg)
        raise


def _tell(leg: Leg) -> None:
    name = leg.deployment.project.name
    console.note(
        f"stopped: {name} is left as far as it got; what served before still serves",
        f"deploy again to complete it, or see how far it is: gaia describe {name}",
    )
