"""The image of a deploy: what is pushed already, else built and pushed to the target's registry. Always by digest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gaia_cli.errors import EngineError
from gaia_cli.images.references import parse_reference
from gaia_cli.project.manifests import Manifest
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.targets import TargetSettings
from runtime_images.policy.model import ExecutionMode


@dataclass(frozen=True, slots=True)
class PinnedImage:
    """An image that a cluster can be given.

    `reference` is host, path and one digest; in a dry run whose image is not in the registry yet, the tag that it would
    get. `size` is what a node downloads, in bytes, 0 if unknown. `labels` are the image's own, `faas.gaia.*` among them.
    """

    reference: str
    size: int
    labels: Mapping[str, str]


def pushed_image(reference: str) -> PinnedImage:
    """Return the image that a user names with --image, looked up in its registry: no engine is asked.

    Raises:
        UsageError: it is no reference.
        EngineError: a part that the credentials need is missing here.
        ClusterRefused: the registry does not answer, has no such image or denies it.
    """
    raise EngineError(f"cannot look up {parse_reference(reference, '--image')} yet")


def image_for(
    project: FunctionProject,
    target: TargetSettings,
    manifest: Manifest,
    mode: ExecutionMode,
    progress: Callable[[str], None],
    *,
    dry_run: bool = False,
) -> PinnedImage:
    """Return the image of `project` in the registry of `target`: built and pushed unless the registry has it.

    Equal sources are one image, so a second deploy finds it there. A dry run builds and pushes nothing.

    Raises:
        ConfigurationError: the target has no registry, or the project cannot become an image.
        RequirementsError: the function's requirements cannot be installed.
        EngineError: the engine cannot build or push it, or a login is missing.
        ClusterRefused: the registry does not answer.
    """
    progress(f"{project.name} for {target.name}: {mode}, {manifest.reason}")
    raise EngineError(f"cannot build yet{', nor in a dry run' if dry_run else ''}")
