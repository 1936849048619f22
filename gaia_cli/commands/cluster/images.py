"""The image of a deploy: what is pushed already, else built and pushed to the target's registry. Always by digest.

The tag of an image that Gaia pushes names what went into it. So before anything is built the registry is asked for
that tag: a second deploy, from another machine too, finds the same image there, and what runs in the cluster does not
change. Whoever wants new versions of unpinned requirements builds: `gaia build --push --no-cache`.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from gaia_cli.errors import ClusterRefused, GaiaError, MissingPartError
from gaia_cli.images.plan import Target
from gaia_cli.images.pushed import PinnedImage, look_up
from gaia_cli.images.references import Reference, in_registry, parse_reference
from gaia_cli.project.manifests import Manifest
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.targets import TargetSettings
from gaia_cli.views import console
from runtime_images.policy.model import Accelerator, ExecutionMode

if TYPE_CHECKING:
    from gaia_cli.engines.build import Prepared

__all__ = ["PinnedImage", "image_for", "pushed_image"]


def pushed_image(reference: str) -> PinnedImage:
    """Return the image that a user names with --image, looked up in its registry: no engine is asked.

    With a digest it is known without the registry, which may be within the reach, and for the login, of the cluster
    only; then its size and labels stay unknown. A registry that says that it has no such image has answered.

    Raises:
        UsageError: it is no reference.
        MissingPartError: the registry wants a login, and there is none, or what would tell it is missing here.
        ClusterRefused: the registry does not answer, has no such image or denies it; or the image runs as root.
    """
    image = parse_reference(reference, "--image")
    try:
        found = look_up(image, os.environ)
    except (ClusterRefused, MissingPartError) as error:
        if not image.digest:
            raise
        console.note(f"{error.message}; its digest says which image it is")
        return PinnedImage(image.pinned(image.digest), 0, {})
    if found is None:
        raise ClusterRefused(
            f"the registry {image.host} has no image {image}",
            "check the name and the tag, or push it: gaia build --push",
        )
    _check_user(image, found)
    return found


def _check_user(image: Reference, found: PinnedImage) -> None:
    """Refuse an image that a node would not start: no pod of Gaia's runs as root, and a name may be root's.

    Raises:
        ClusterRefused: with the words that its pod would have.
    """
    if found.is_gaias or found.user is None:
        return
    user = found.user.partition(":")[0]
    if user.isdecimal() and int(user):
        return
    is_root = user in ("", "root") or user.isdecimal()
    why = "will run as root" if is_root else f"has non-numeric user ({user}), cannot verify user is non-root"
    raise ClusterRefused(
        f"a node would not start {image}: container has runAsNonRoot and image {why}",
        "give the image a user by number, as in its Dockerfile: USER 65532",
    )


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

    A dry run builds and pushes nothing.

    Raises:
        ConfigurationError: the target has no registry, or the project cannot become an image.
        RequirementsError: the function's requirements cannot be installed.
        EngineError: the engine cannot build or push it.
        MissingPartError: the registry wants a login, and there is none or a wrong one.
        ClusterRefused: the registry does not answer.
    """
    from gaia_cli.engines.build import prepared

    kind = Target(mode, real_gpu=target.accelerator is Accelerator.NVIDIA)
    with prepared(project, manifest, kind, progress) as image:
        tag = in_registry(target, project.name, image.version)
        found = look_up(tag, os.environ, for_push=True)
        if found is not None:
            progress(f"the registry has this image already: {tag}")
            return found
        if dry_run:
            return PinnedImage(str(tag), 0, image.plan.labels)
        return _built_and_pushed(image, tag, progress)


def _built_and_pushed(image: "Prepared", tag: Reference, progress: Callable[[str], None]) -> PinnedImage:
    from gaia_cli.engines.build import build_prepared, push_image
    from gaia_cli.engines.docker_api.client import Docker

    with Docker.connect() as docker:
        build_prepared(docker, image, progress, tags=(str(tag),))
        pinned = push_image(docker, tag, progress)
    try:
        found = look_up(parse_reference(pinned), os.environ)
    except GaiaError:
        found = None  # an account that may push and not pull: the size stays unknown
    return found or PinnedImage(pinned, 0, image.plan.labels)
