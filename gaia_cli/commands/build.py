"""`gaia build`: bake a function into a container image."""

from dataclasses import dataclass
from pathlib import Path

from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.images.references import in_registry, parse_reference
from gaia_cli.project.choices import ModeName
from gaia_cli.project.serving import named_project
from gaia_cli.project.settings import target_of
from runtime_images.policy.model import Accelerator, ExecutionMode


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What `gaia build` is asked for; `target` names the one whose registry a push goes to where there is no `tag`."""

    tag: str = ""
    base_image: str = ""
    mode: ModeName | None = None
    output_format: str = ""
    no_cache: bool = False
    push: bool = False
    target: str = ""


def build(path: Path, options: BuildOptions) -> ExitCode:
    """Build the image of the function at `path` on the Docker engine that answers, and push it where asked to."""
    if options.tag and options.target:
        raise UsageError("--tag and --target both name the image", "give one of them")
    tag = checked_tag(options.tag) if options.tag else ""
    project = named_project(path)
    target = target_of(project, options.target) if options.target or (options.push and not tag) else None

    from gaia_cli.engines.build import build_prepared, default_tags, prepared, push_image
    from gaia_cli.engines.docker_api.client import Docker
    from gaia_cli.images.plan import Target
    from gaia_cli.project.manifests import manifest_of
    from gaia_cli.views.build import BuildSteps, report

    with BuildSteps() as steps, Docker.connect() as docker:
        steps.step(f"analyzing {project.name}")
        manifest = manifest_of(project)
        mode = ExecutionMode(options.mode or project.pin or manifest.mode)
        real_gpu = target is None or target.accelerator is Accelerator.NVIDIA
        with prepared(project, manifest, Target(mode, options.base_image, real_gpu), steps.step) as image:
            if target is not None:
                tag = str(in_registry(target, project.name, image.version))
            tags = (tag,) if tag else default_tags(image)
            built = build_prepared(docker, image, steps.step, tags=tags, no_cache=options.no_cache)
        pushed = push_image(docker, parse_reference(tag), steps.step) if options.push else ""
    pinned = "asked for" if options.mode else "pinned in the configuration" if project.pin else ""
    report(built, pinned or manifest.reason, pushed, as_json=options.output_format == "json")
    return ExitCode.OK


def checked_tag(tag: str) -> str:
    """Return `tag` as an image's whole name, with :latest where it names no version.

    Raises:
        UsageError: it cannot be the name of an image.
    """
    reference = parse_reference(tag, "--tag")
    if reference.digest:
        raise UsageError(f"--tag {tag} has a digest, which an image gets from what is in it", "leave it out")
    return str(reference.tagged())
