"""Bake a function: analyze, plan, gather the files, let the engine build, name the result.

The one place that `gaia build` and the engine `docker` share. A build that fails because the function's requirements
cannot be installed is the user's to repair and says so with pip's own last lines; any other is the engine's.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Protocol

from gaia_cli.errors import EngineError, GaiaError, RequirementsError
from gaia_cli.images.context import BuildContext, ignored_by, write_context
from gaia_cli.images.plan import NAME_LABEL, ImagePlan, Target, plan_image
from gaia_cli.images.recipes import base_images
from gaia_cli.project.manifests import Manifest
from gaia_cli.project.project import FunctionProject

Progress = Callable[[str], None]

_IN_MEMORY = 8 * 1024 * 1024
_RELEVANT_LINES = 8


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image on the engine."""

    identifier: str
    tags: tuple[str, ...]
    plan: ImagePlan
    size: int
    left_out: tuple[str, ...]
    duration_s: float


class BuildError(EngineError):
    """A build that failed: `message` is what the engine said, `step` the Dockerfile's instruction, `log` its output."""

    def __init__(self, cause: GaiaError, step: str, log: tuple[str, ...]) -> None:
        super().__init__(cause.message, cause.hint)
        self.step = step
        self.log = log


class Builder(Protocol):
    """What makes images: a Docker engine, as far as a build needs one."""

    def build(
        self, context: IO[bytes], tag: str, labels: dict[str, str], on_line: Callable[[str], None], *, no_cache: bool
    ) -> str:
        """Build the Dockerfile in the tar `context` and return the image's id; `on_line` gets each line of its output.

        Raises:
            BuildError: a step failed.
            EngineError: the engine could not build at all.
        """

    def tag(self, image: str, tag: str) -> None:
        """Give `image` another name."""

    def prune(self, labels: dict[str, str]) -> None:
        """Delete images with `labels` that have lost their last name; those in use stay."""

    def image_size(self, image: str) -> int:
        """Return the image's size in bytes."""


def build_image(
    builder: Builder,
    project: FunctionProject,
    manifest: Manifest,
    target: Target,
    progress: Progress,
    *,
    tags: tuple[str, ...] = (),
    no_cache: bool = False,
) -> BuiltImage:
    """Build the image of `project`, tagged with `tags`, or with its name, once with the digest and once as latest.

    Raises:
        ConfigurationError: the project cannot become an image as it is configured.
        RequirementsError: the function's requirements cannot be installed.
        EngineError: the engine cannot build it.
    """
    begun = time.monotonic()
    plan = plan_image(project, target, manifest.json, base_images())
    progress(f"base image {plan.base_image}: {plan.base_reason}")
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as tar:
        context = write_context(tar, project.directory, plan, manifest.toml, ignored_by(project.directory))
        _tell_context(context, progress)
        tags = tags or (f"gaia/{plan.name}:{context.digest[:12]}", f"gaia/{plan.name}:latest")
        identifier = _build(builder, plan, context, tags[0], progress, no_cache=no_cache)
    for tag in tags[1:]:
        builder.tag(identifier, tag)
    builder.prune({NAME_LABEL: plan.name})
    size = builder.image_size(identifier)
    return BuiltImage(identifier, tags, plan, size, context.left_out, time.monotonic() - begun)


def _build(
    builder: Builder, plan: ImagePlan, context: BuildContext, tag: str, progress: Progress, *, no_cache: bool
) -> str:
    try:
        return builder.build(context.tar, tag, plan.labels, Narrator(progress).line, no_cache=no_cache)
    except BuildError as error:
        raise explain_build(error, plan) from None


def explain_build(error: BuildError, plan: ImagePlan) -> GaiaError:
    """The error for the user: whose fault a failed step is, and its last relevant lines."""
    log = "\n".join(("", *(f"  {line}" for line in _relevant(error.log))))
    if plan.is_requirements_step(error.step):
        return RequirementsError(f"the requirements of {plan.name} cannot be installed:{log}", _pip_hint(error.log))
    if said := next((line for line in error.log if line.startswith("gaia: ")), ""):
        return EngineError(f"{said.removeprefix('gaia: ')}: {plan.base_image}", "name another: [build] base_image")
    if error.step.startswith("FROM") or not error.log:
        return EngineError(f"no base image {plan.base_image}: {error.message}", error.hint)
    return EngineError(f"building the image failed at: {error.step}{log}", _pip_hint(error.log))


def _relevant(log: tuple[str, ...]) -> tuple[str, ...]:
    """The lines that say what is wrong: pip's errors, else the last ones."""
    errors = [line for line in log if line.lstrip().lower().startswith(("error", "gaia:"))]
    return tuple((errors or list(log))[-_RELEVANT_LINES:])


def _pip_hint(log: tuple[str, ...]) -> str:
    """What to do when pip fails; the lines before its errors say why it found nothing."""
    said = "\n".join(log)
    if "CERTIFICATE_VERIFY_FAILED" in said or "SSLError" in said:
        return "the build does not trust the package index: build on an image with your CA in it ([build] base_image)"
    if "NewConnectionError" in said or "name resolution" in said:
        return "the build does not reach the package index: check the network of the engine's machine"
    if "from versions: " in said:
        return "check the names and versions; they must suit the Python of the base image"
    return "the lines above say what is wrong"


class Narrator:
    """Turns the builder's output into steps that a person can follow; what comes from the cache is not worth a line."""

    _SAID = (
        ("RUN python3 -c 'import ensurepip", "looking for Python in the base image"),
        ("RUN python3 -c 'import sys", "making the environments"),
        ("--requirement /opt/gaia/", "installing the runtime"),
        ("--python /opt/function", "installing the function's requirements"),
        ("compileall", "compiling the runtime"),
        ("COPY function", "adding the function"),
    )

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pending = ""

    def line(self, line: str) -> None:
        """One line of the builder."""
        if line.startswith("Step "):
            self._pending = next((said for part, said in self._SAID if part in line), "")
        elif line.startswith(" ---> Using cache"):
            self._pending = ""
        elif self._pending and line.strip():
            self._progress(self._pending)
            self._pending = ""
        if line.startswith(("Collecting ", "Downloading ", "Building wheel", "Installing collected")):
            self._progress(f"  {line.partition(' (from ')[0]}")


def _tell_context(context: BuildContext, progress: Progress) -> None:
    if context.left_out:
        progress(f"left out of the image, as they may be secrets: {', '.join(context.left_out)}")
    progress(f"sending {context.size / 1e6:.1f} MB to the engine")
