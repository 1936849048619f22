"""Build a function's image: plan it, gather the files, let the engine build, name the result.

`gaia build` and the engine `docker` share this. A build that fails because the function's requirements cannot be
installed is the user's to fix and shows pip's last lines; any other failure is the engine's.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gaia_cli.engines import Progress
from gaia_cli.engines.docker_api.client import Docker
from gaia_cli.engines.docker_api.errors import BuildError
from gaia_cli.errors import ConfigurationError, EngineError, GaiaError, MissingPartError, RequirementsError, UsageError
from gaia_cli.images.context import BuildContext, ignored_by, write_context
from gaia_cli.images.logins import auth_config, login_for
from gaia_cli.images.plan import FUNCTION_PYTHON, NAME_LABEL, ImagePlan, Target, plan_image
from gaia_cli.images.recipes import base_images
from gaia_cli.images.references import DEFAULT_TAG, Reference, parse_reference
from gaia_cli.project.manifests import Manifest
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.serving import entry_of

_IN_MEMORY = 8 * 1024 * 1024
_RELEVANT_LINES = 8
_MOST_NAMES = 30


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image on the engine."""

    identifier: str
    tags: tuple[str, ...]
    plan: ImagePlan
    size: int
    left_out: tuple[str, ...]
    duration_s: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image before it is built: equal sources have an equal `version`, which its default tags bear."""

    plan: ImagePlan
    context: BuildContext
    started: float

    @property
    def version(self) -> str:
        """The tag that names what goes in."""
        return self.context.digest[:12]


@contextmanager
def prepared(project: FunctionProject, manifest: Manifest, target: Target, progress: Progress) -> Iterator[Prepared]:
    """Plan the image of `project` and gather its files, which are gone after the `with`.

    Raises:
        ConfigurationError: the project cannot become an image as it is configured.
        FunctionError: it has no entry point.
    """
    started = time.monotonic()
    entry = entry_of(project).path
    plan = plan_image(project, target, manifest.json, base_images())
    if project.python_said:
        progress(project.python_said)
    progress(f"base image {plan.base_image}: {plan.base_reason}")
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as tar:
        context = write_context(tar, project.directory, plan, manifest.toml, ignored_by(project.directory))
        if entry not in context.files:
            raise ConfigurationError(
                f"{entry}, where {plan.name} begins, would not be in the image: it is left out",
                "take the line that names it out of .gaiaignore or .dockerignore",
            )
        if context.left_out:
            progress(f"left out of the image, as they may be secrets: {_listed(context.left_out)}")
        yield Prepared(plan, context, started)


def build_image(
    docker: Docker,
    project: FunctionProject,
    manifest: Manifest,
    target: Target,
    progress: Progress,
    *,
    tags: tuple[str, ...] = (),
) -> BuiltImage:
    """Build the image of `project`, tagged with `tags`, or with its name, once with the digest and once as latest.

    It raises what `prepared` and `build_prepared` do.
    """
    with prepared(project, manifest, target, progress) as image:
        return build_prepared(docker, image, progress, tags=tags or default_tags(image))


def default_tags(image: Prepared) -> tuple[str, ...]:
    """Return what an image is called that nobody has named."""
    return f"gaia/{image.plan.name}:{image.version}", f"gaia/{image.plan.name}:{DEFAULT_TAG}"


def build_prepared(
    docker: Docker, image: Prepared, progress: Progress, *, tags: tuple[str, ...], no_cache: bool = False
) -> BuiltImage:
    """Build what is prepared, with at least one tag.

    Raises:
        RequirementsError: the function's requirements cannot be installed.
        EngineError: the engine cannot build it.
        MissingPartError: the registry of the base image wants a login, and what would tell it is missing.
    """
    plan, context = image.plan, image.context
    logins, missing = _base_login(plan.base_image)
    progress(f"sending {context.size / 1e6:.1f} MB to the engine")
    try:
        identifier = docker.build(
            context.tar, tags[0], plan.labels, Narrator(progress).line, no_cache=no_cache, logins=logins
        )
    except BuildError as error:
        failure = explain_build(error, plan)
        raise (missing if missing and error.step.startswith("FROM") else failure) from None
    for tag in tags[1:]:
        docker.tag(identifier, tag)
    docker.prune({NAME_LABEL: plan.name})
    size = docker.image_size(identifier)
    return BuiltImage(identifier, tags, plan, size, context.left_out, time.monotonic() - image.started)


def push_image(docker: Docker, image: Reference, progress: Progress) -> str:
    """Push the tag `image` with the login that Docker has for its registry, and return its name with the digest.

    Raises:
        MissingPartError: there is no login, or a wrong one, or what would tell it is missing.
        EngineError: the engine cannot push it.
        ClusterRefused: the registry cannot be reached, or says no.
    """
    login = login_for(image.host, os.environ)
    progress(f"pushing {image}")
    return image.pinned(docker.push(image, login, progress))


def _base_login(base: str) -> tuple[dict[str, dict[str, str]], MissingPartError | None]:
    """Return the login for the registry of the base image, or why it cannot be had: most builds need none."""
    try:
        host = parse_reference(base).host
        login = login_for(host, os.environ)
    except MissingPartError as error:
        return {}, error
    except UsageError:
        return {}, None  # the engine says what is wrong with the name
    return {host: auth_config(host, login)} if login else {}, None


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def explain_build(error: BuildError, plan: ImagePlan) -> GaiaError:
    """Return the error for the user: whose fault a failed step is, and pip's errors, else the last lines."""
    wrong = [line for line in error.log if line.lstrip().lower().startswith(("error", "gaia:"))] or error.log
    log = wrong[-_RELEVANT_LINES:]
    if f"--python {FUNCTION_PYTHON}" in error.step:
        return RequirementsError(f"the requirements of {plan.name} cannot be installed:", _pip_hint(error.log), log)
    if said := next((line for line in error.log if line.startswith("gaia: ")), ""):
        return EngineError(f"{said.removeprefix('gaia: ')}: {plan.base_image}", "name another: [build] base_image")
    if error.step.startswith("FROM") or not error.log:
        return EngineError(f"no base image {plan.base_image}: {error.message}", error.hint)
    return EngineError(f"building the image failed at: {error.step}", _pip_hint(error.log), log)


def _pip_hint(log: tuple[str, ...]) -> str:
    """Return what to do when pip fails; the lines before its errors say why it found nothing."""
    said = "\n".join(log)
    if "CERTIFICATE_VERIFY_FAILED" in said or "SSLError" in said:
        return "the build does not trust the package index: build on an image with your CA in it ([build] base_image)"
    if "NewConnectionError" in said or "name resolution" in said:
        return "the build does not reach the package index: check the network of the engine's machine"
    if "from versions: " in said:
        return "check the names and versions; they must suit the Python of the base image"
    return "the lines above say what is wrong"


class Narrator:
    """Turns the builder's output into steps that a person can follow, without those that come from the cache."""

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
        """Take one line of the builder."""
        if line.startswith("Step "):
            self._pending = next((said for part, said in self._SAID if part in line), "")
        elif line.startswith(" ---> Using cache"):
            self._pending = ""
        elif self._pending and line.strip():
            self._progress(self._pending)
            self._pending = ""
        if line.startswith(("Collecting ", "Downloading ", "Building wheel", "Installing collected")):
            self._progress(f"  {line.partition(' (from ')[0]}")
