"""Which cluster a verb looks at: what the flags say, else the target of the function here, else the kubeconfig.

The target is read only where a flag names it, or where no flag says anything and a gaia.toml here has just one: then
`gaia list` looks where `gaia deploy` in the same folder would deploy to.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from gaia_cli.project.choices import ClusterChoice
from gaia_cli.targets.knative.connection import connect

if TYPE_CHECKING:
    from gaia_cli.project.targets import TargetSettings
    from runtime_images.cluster.access import Access

_CONFIGURATION = "gaia.toml"


def reach(choice: ClusterChoice) -> tuple["Access", str]:
    """Return how to reach the cluster, and the name of the target that said so, empty where none did.

    Raises:
        UsageError: there is no target of that name.
        ConfigurationError: gaia.toml or the kubeconfig cannot be used.
        MissingPartError: there is no kubeconfig, or a library or plugin is not installed.
    """
    target = _target(choice)
    return connect(choice, target), target.name if target else ""


def says_anything(choice: ClusterChoice) -> bool:
    """Return whether a flag says which cluster is meant."""
    return choice != ClusterChoice()


def _target(choice: ClusterChoice) -> "TargetSettings | None":
    here = Path()
    if not choice.target and (says_anything(choice) or not (here / _CONFIGURATION).exists()):
        return None
    from gaia_cli.project.project import load_project
    from gaia_cli.project.settings import target_of

    project = load_project(here)
    if choice.target:
        return target_of(project, choice.target)
    return next(iter(project.targets.values())) if len(project.targets) == 1 else None
