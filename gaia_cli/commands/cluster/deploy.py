"""`gaia deploy`: analyze, build, push, plan, ask, apply, wait. `gaia diff`: the plan alone, as a patch.

All that can be wrong here is found before an image is built, and all that can be wrong in any of the clusters before
the first of them is written to.
"""

import getpass
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gaia_cli.commands.cluster.images import PinnedImage, image_for, pushed_image
from gaia_cli.commands.cluster.legs import Leg, about, carry_out, check_apart
from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.images.plan import MODE_LABEL
from gaia_cli.images.references import parse_reference
from gaia_cli.project.choices import ClusterChoice, DryRun, ObjectForm
from gaia_cli.project.manifests import Manifest, manifest_of
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.serving import named_project, with_variables
from gaia_cli.project.settings import LONGEST_NAME, check_placement, target_of
from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.identity import identity_of, keep_id, new_id
from gaia_cli.targets.knative.connection import connect, offline
from gaia_cli.targets.protocol import Deployment, Identity, Stamp, Target
from gaia_cli.views import console
from gaia_cli.views.cluster.objects import write_objects
from gaia_cli.views.cluster.plan import show_plan
from runtime_images.cluster.words import time_text
from runtime_images.policy.model import ExecutionMode


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """The options of a deploy."""

    targets: tuple[str, ...] = ()
    image: str = ""
    dry_run: DryRun | None = None
    form: ObjectForm | None = None
    out: Path | None = None
    yes: bool = False
    wait: bool = True
    timeout_s: float = 60.0
    take_over: bool = False
    choice: ClusterChoice = field(default_factory=ClusterChoice)

    @property
    def writes(self) -> bool:
        """Whether a cluster is written to."""
        return self.dry_run is None and self.form is None and self.out is None


def deploy(path: Path, options: DeployOptions) -> ExitCode:
    """Deploy the function at `path` to one or several targets.

    Returns:
        0; 130 after Ctrl-C.
    """
    if options.writes and not options.yes and not console.reaches_a_person():
        raise UsageError("nobody can be asked here whether to deploy", "look first with --dry-run=server, then give -y")
    legs = _prepared(path, options)
    if options.dry_run is DryRun.CLIENT or options.out is not None:
        return _written_out(legs, options)
    for leg in legs:
        with about(leg):
            leg.plan = leg.target.plan(leg.deployment)
    check_apart(legs)
    plans = [leg.plan for leg in legs if leg.plan is not None]
    if options.form is not None:
        write_objects([one for plan in plans for one in plan.objects], options.form)
        return ExitCode.OK
    for plan in plans:
        show_plan(plan)
    if options.dry_run is not None:
        return ExitCode.OK
    if not options.yes and not all(plan.is_empty for plan in plans) and not console.agrees("Deploy this?"):
        console.note("nothing was applied")
        return ExitCode.OK
    _keep_identity(plans[0].deployment)
    carry_out(legs, wait=options.wait)
    return ExitCode.OK


def diff(path: Path, options: DeployOptions) -> ExitCode:
    """Show what a deploy would change, as a patch.

    Returns:
        0 where all is as a deploy would leave it, 1 where something is other, or in somebody else's hand.
    """
    legs = _prepared(path, replace(options, dry_run=DryRun.SERVER))
    found = []
    for leg in legs:
        with about(leg):
            found.append(leg.target.difference(leg.deployment))
    for sentence in dict.fromkeys(sentence for one in found for sentence in one.held):
        console.note(sentence)
    if text := "".join(one.patch for one in found):
        console.answer(console.patch, text)
    return ExitCode.FINDINGS if text or any(one.held for one in found) else ExitCode.OK


def _prepared(path: Path, options: DeployOptions) -> list[Leg]:
    """Check all that can be checked before anything costly, then get the image; one that is pushed costs nothing."""
    if options.image:
        parse_reference(options.image, "--image")
    project = named_project(path, LONGEST_NAME)
    targets = targets_of(project, options.targets)
    manifest = manifest_of(project)
    identity = _identity(project, options)
    stamp = _stamp(identity) if options.writes else Stamp(origin=identity.origin)  # no time in what is only shown
    legs = []
    for target in targets:
        mode = project.pin or manifest.mode
        check_placement(project, target, mode)
        with_own = with_variables(project, os.environ, {*target.env, *target.secrets}, console.note)
        deployment = Deployment(with_own, target, mode, "unknown", identity, manifest.json)
        legs.append(Leg(deployment, _target(options, target, stamp), len(targets) > 1))
    if options.dry_run is not DryRun.CLIENT and options.out is None and not options.image:
        for leg in legs:
            with about(leg):
                leg.target.check(leg.deployment)
    pushed = pushed_image(options.image) if options.image else None
    for leg in legs:
        with about(leg):
            image = pushed or _image(leg.deployment, manifest, options)
        leg.deployment = replace(
            leg.deployment,
            image=image.reference,
            image_bytes=image.size or None,
            mode=_mode(project, manifest, image),
            sets_user=image.is_gaias or image.user is None,
        )
    return legs


def targets_of(project: FunctionProject, names: Sequence[str]) -> list[TargetSettings]:
    """Return the targets of these names; without any the only one, or what the kubeconfig leads to.

    Raises:
        UsageError: there is no such target, or several to choose from.
    """
    return [target_of(project, name) for name in dict.fromkeys(names)] or [target_of(project)]


def _mode(project: FunctionProject, manifest: Manifest, image: PinnedImage) -> ExecutionMode:
    """Return the mode: what is pinned, else what the image was built for, else what the analyzer says."""
    built_for = image.labels.get(MODE_LABEL, "")
    if project.pin is None and built_for in tuple(ExecutionMode):
        return ExecutionMode(built_for)
    return project.pin or manifest.mode


def _image(deployment: Deployment, manifest: Manifest, options: DeployOptions) -> PinnedImage:
    return image_for(
        deployment.project,
        deployment.target,
        manifest,
        deployment.mode,
        console.progress,
        dry_run=not options.writes,
    )


def _identity(project: FunctionProject, options: DeployOptions) -> Identity:
    """Return the project's identity, a new one where it has none; what a dry run shows stays the same each time."""
    identity = identity_of(project)
    if identity.project:
        return identity
    made = new_id() if options.writes or options.out else f"id:{identity.sources[:32]}"
    return replace(identity, project=made, is_new=True)


def _keep_identity(deployment: Deployment) -> None:
    """Write the id beside gaia.toml where nothing else says whose function this is."""
    if not deployment.identity.is_new:
        return
    file = keep_id(deployment.project, deployment.identity.project)
    console.note(f"{file} now says which project this is; keep it with the function")


def _stamp(identity: Identity) -> Stamp:
    return Stamp(f"{_user()}@{platform.node()}", time_text(time.time()), identity.origin)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user without a name
        return "unknown"


def _target(options: DeployOptions, target: TargetSettings, stamp: Stamp) -> Target:
    is_asked = options.dry_run is not DryRun.CLIENT and options.out is None
    access = connect(options.choice, target) if is_asked else offline(options.choice, target)

    from gaia_cli.targets.knative.target import KnativeDeployment  # loads what `connect` looks for

    return KnativeDeployment(access, stamp, options.timeout_s, options.take_over)


def _written_out(legs: Sequence[Leg], options: DeployOptions) -> ExitCode:
    from gaia_cli.targets.knative.gitops import write_directory

    made = [leg.target.files(leg.deployment) for leg in legs]
    if options.out is None:
        write_objects([one for objects in made for one in objects], options.form or ObjectForm.YAML)
        return ExitCode.OK
    _keep_identity(legs[0].deployment)
    for leg, objects in zip(legs, made, strict=True):
        # The objects of two targets have the same names: each target has a directory of its own.
        for file in write_directory(options.out / leg.name if leg.is_one_of_several else options.out, objects):
            console.note(f"wrote {file}")
    return ExitCode.OK
