"""`gaia build`: bake a function into a container image."""

from pathlib import Path

from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.images.references import parse_reference
from gaia_cli.project.choices import ModeName
from gaia_cli.project.serving import servable_project
from runtime_images.policy.model import ExecutionMode


def build(
    path: Path, *, tag: str, base_image: str, mode: ModeName | None, output_format: str, no_cache: bool, push: bool
) -> ExitCode:
    """Build the image of the function at `path` on the Docker engine that answers, and push it where asked to."""
    named = checked_tag(tag) if tag else ""
    if push and not tag:
        raise UsageError("--push needs to know where to", "name the registry: --tag registry.example/team/hello:1")
    project = servable_project(path)

    from gaia_cli.engines.build import build_image, push_image
    from gaia_cli.engines.docker_client import Docker
    from gaia_cli.images.plan import Target
    from gaia_cli.project.manifests import manifest_of
    from gaia_cli.views.build import BuildSteps, report

    with BuildSteps() as steps, Docker.connect() as docker:
        steps.step(f"analyzing {project.name}")
        manifest = manifest_of(project)
        chosen = ExecutionMode(mode or project.pin or manifest.mode)
        reason = "asked for" if mode else "pinned in the configuration" if project.pin else manifest.reason
        target = Target(chosen, base_image)
        image = build_image(
            docker, project, manifest, target, steps.step, tags=(named,) if named else (), no_cache=no_cache
        )
        pushed = push_image(docker, parse_reference(named), steps.step) if push else ""
    report(image, reason, pushed, as_json=output_format == "json")
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
