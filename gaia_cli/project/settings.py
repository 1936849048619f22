"""What a function is on one target: the settings that the controller reads, made of the project and the target.

One function of plain values, so that a deploy, a plan and a simulation of the same target all speak of the same.
"""

from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.project.deployment.keys import LONGEST_REQUEST_S
from gaia_cli.project.deployment.resolving import Base, target_settings
from gaia_cli.project.names import LONGEST_LABEL
from gaia_cli.project.parts import nearest
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.targets import TargetSettings
from runtime_images.cluster.function import FunctionSettings, Scale
from runtime_images.cluster.words import MOST_ADDED
from runtime_images.policy.model import Accelerator, ExecutionMode

LONGEST_NAME = LONGEST_LABEL - MOST_ADDED
"""The longest name of a function in a cluster, so that every name made of it fits."""
DEFAULT_TARGET = "default"
"""The target of a function whose gaia.toml names none: where the kubeconfig leads."""


def target_of(project: FunctionProject, name: str = "") -> TargetSettings:
    """Return a target of the project by its name; without one the only one that there is.

    Raises:
        UsageError: there is no such target, or there are several to choose from.
    """
    if name in project.targets:
        return project.targets[name]
    if not name and len(project.targets) == 1:
        return next(iter(project.targets.values()))
    if not project.targets and name in ("", DEFAULT_TARGET):
        base = Base(project.slo, project.prices, project.cpus, project.memory, project.gpus)
        return target_settings(DEFAULT_TARGET, {}, base)
    if not name:
        raise UsageError("the function has several targets", f"give --target {' or '.join(project.targets)}")
    hint = nearest(name, project.targets) if project.targets else f"write [targets.{name}] in its gaia.toml"
    raise UsageError(f"{project.directory} has no target {name!r}", hint)


def check_placement(project: FunctionProject, target: TargetSettings, mode: ExecutionMode) -> None:
    """Check what only the function and the target together show.

    Raises:
        ConfigurationError: the function needs a GPU that the target has not, or takes longer than a cluster allows.
    """
    function_settings(project, target, mode)
    longest_s = project.request_timeout_s
    if target.request_timeout_s is None and longest_s > LONGEST_REQUEST_S:
        message = (
            f"[run] request_timeout_s is {longest_s:g}, more than the {LONGEST_REQUEST_S} s that a cluster allows, and "
            f"targets.{target.name} has no request_timeout_s"
        )
        hint = f"write request_timeout_s = {LONGEST_REQUEST_S} in [targets.{target.name}], or lower it in [run]"
        raise ConfigurationError(message, hint)


def function_settings(project: FunctionProject, target: TargetSettings, mode: ExecutionMode) -> FunctionSettings:
    """Return what the controller needs to know of the function on this target.

    Raises:
        ConfigurationError: the function needs a GPU, and the target is said to have none.
    """
    if mode is ExecutionMode.GPU and target.accelerator is Accelerator.NONE:
        message = f'{project.name} runs on a GPU only, and targets.{target.name} has accelerator = "none"'
        raise ConfigurationError(message, 'choose another target, or accelerator = "emulated" to try it without a GPU')
    return FunctionSettings(
        name=project.name,
        mode=mode,
        slo=target.slo,
        prices=target.prices,
        accelerator=target.accelerator,
        scale=Scale(target.min_scale, target.max_scale, target.concurrency),
        gpu_resource=target.gpu_resource,
        gpus=target.gpus,
        power=target.power,
        gpu_windows=target.gpu_windows,
        network_ms=target.network_ms,
    )
