"""What goes into a function's image: the base, the Dockerfile and the labels, from the project and its mode. Pure.

Two environments stand side by side in the image, as on a developer's machine: the runtime's in /opt/gaia/venv, the
function's in /opt/function, so neither can break the other's dependencies. An image is built for its mode: one that
may use a GPU gets the function's GPU requirements and CUDA to run them on, unless it is only meant for a machine
without one (`gaia run` with an emulated GPU lane), which would carry gigabytes for nothing.
"""

import itertools
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from analyzers.project.requirements import constraints, names_files, requirement
from gaia_cli.errors import ConfigurationError
from gaia_cli.images.credentials import ADVICE, holds_credentials
from gaia_cli.images.recipes import BaseImages, dockerfile_template
from gaia_cli.project.kinds import IMAGE
from gaia_cli.project.names import check_name
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements
from gaia_cli.project.serving import settings_of
from gaia_cli.version import __version__
from runtime_images.node.place import is_address
from runtime_images.policy.model import Accelerator, ExecutionMode

FUNCTION_PYTHON = "/opt/function/bin/python"
PORT = 8080
NAME_LABEL = "faas.gaia.name"
MODE_LABEL = "faas.gaia.mode"

_PIP = "/opt/gaia/venv/bin/python -m pip --no-cache-dir --disable-pip-version-check {into}install"
_HELD = " --constraint /opt/function/constraints.txt"
_PLACES = re.compile(
    r"-[a-zA-Z]|--[a-z]|[a-zA-Z][a-zA-Z0-9+.-]*://|file:|\.{0,2}/|\.{1,2}(\[|$)"
    r"|[\w.+@-]+(/[\w.+@-]+)+/?(\[[\w, .-]*\])?(\s*;.*)?$|[^\s:=]+\.(whl|zip|tgz|tar|tar\.(gz|bz2|xz))\b"
)
"""How a line begins that pip does not read as the name of a package: an option, a URL, a path, an archive."""
_VERSIONS = r"(===|==|~=|!=|<=|>=|<|>)\s*+[\w.*+!-]++"
_PACKAGE = re.compile(
    r"[A-Za-z0-9][\w.-]*+\s*+(\[[\w\s,.-]*+\])?\s*+"
    rf"(@\s*+\S.*|\(?\s*+({_VERSIONS}(\s*+,\s*+{_VERSIONS})*+,?)?\s*+\)?(;.*)?)"
)
_OPTIONS_BEHIND = re.compile(r"\s--?[a-zA-Z]")


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """Everything about an image but the files that go in.

    `requirement_lines` are installed before the code is copied, within the `constraint_lines`, so that a change of code
    finds them in the cache. They are empty where the requirements name other files of the function's own, which are
    installed after, within those of the `constraint_lines` that stand in no file of these. `cpus` and `memory` are what
    the function asks a container to have.
    """

    name: str
    mode: ExecutionMode
    base_image: str
    base_reason: str
    dockerfile: str
    labels: dict[str, str]
    requirement_lines: tuple[str, ...]
    constraint_lines: tuple[str, ...] = ()
    cpus: float | None = None
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What the image is for: the mode it serves, and what is special about this build.

    `real_gpu` False leaves out CUDA and the GPU requirements. `base_image` overrides the project's and the table's, and
    `running_python` is used where the project asks for no version.
    """

    mode: ExecutionMode
    base_image: str = ""
    real_gpu: bool = True
    version: str = __version__
    running_python: str = f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def uses_gpu(self) -> bool:
        """Whether anything in the image may run on a real GPU."""
        return self.real_gpu and self.mode is not ExecutionMode.CPU


def plan_image(project: FunctionProject, target: Target, manifest_json: str, bases: BaseImages) -> ImagePlan:
    """Decide what goes into the image of `project`.

    Raises:
        ConfigurationError: the project cannot become an image as it is configured.
    """
    check_name(project.directory, project.name)
    wanted = project.requirements_for(gpu=target.uses_gpu)
    lines = tuple(itertools.chain.from_iterable(requirements.lines for requirements in wanted))
    _check_lines(wanted)
    base, reason = choose_base(project, target, lines, bases)
    early = () if any(map(_needs_files, wanted)) else tuple(line for line in lines if not constraints(line))
    limits = (one.constraints or () for one in wanted if early or not one.file)  # files that are read late name theirs
    return ImagePlan(
        name=project.name,
        mode=target.mode,
        base_image=base,
        base_reason=reason,
        dockerfile=_dockerfile(project, target, base, wanted, early),
        labels=_labels(project, target, manifest_json),
        requirement_lines=early,
        constraint_lines=tuple(itertools.chain.from_iterable(limits)),
        cpus=project.cpus,
        memory=project.memory,
    )


def _check_lines(wanted: tuple[Requirements, ...]) -> None:
    """Refuse what must not reach an image; no error shows the line, which may be a secret.

    Raises:
        ConfigurationError: a line holds a password or a token, or is no requirement at all.
    """
    for requirements in wanted:
        place = requirements.file or "the list of requirements"
        _check_each(requirements.lines, place)
        _check_each(requirements.constraints or (), f"the constraints of {place}")


def _check_each(lines: tuple[str, ...], place: str) -> None:
    """Refuse a line that must not reach an image; see `_check_lines`."""
    for number, line in enumerate(lines, 1):
        if holds_credentials(line):
            raise ConfigurationError(
                f"requirement {number} in {place} holds a password or a token in a URL, "
                "which anybody with the image could read",
                ADVICE,
            )
        if not _is_requirement(line):
            raise ConfigurationError(
                f"requirement {number} in {place}, or in a file that it includes, is none that pip can read",
                "write a package, a URL, a file or an option of pip in each line",
            )


def _needs_files(requirements: Requirements) -> bool:
    """Return whether pip needs files of the function's own, others than constraints that are plain lines themselves."""
    limits = requirements.constraints
    named = (line for line in requirements.lines if names_files(line) and (limits is None or not constraints(line)))
    return any(named) or any(map(names_files, limits or ()))


def _is_requirement(line: str) -> bool:
    package = _OPTIONS_BEHIND.split(line, maxsplit=1)[0]
    return _PLACES.match(line) is not None or _PACKAGE.fullmatch(package) is not None


def choose_base(project: FunctionProject, target: Target, lines: tuple[str, ...], bases: BaseImages) -> tuple[str, str]:
    """Return the base image, and the reason for it in a line.

    Raises:
        ConfigurationError: the override is no image name, or the CUDA image has not the Python that is asked for.
    """
    if own := target.base_image or project.base_image:
        if not re.fullmatch(r"[^@]*(@sha(256|512):[0-9a-f]{64,128})?", own):
            raise ConfigurationError("the base image holds a password or a token", ADVICE)
        if IMAGE.convert(own) is None:
            raise ConfigurationError(f"{own!r} is not an image name", f"a base image is {IMAGE.expects}")
        return own, "asked for"
    slim = bases.slim.format(python=project.python or target.running_python)
    if target.mode is ExecutionMode.CPU:
        return slim, "the mode cpu never sees a GPU"
    if not target.real_gpu:
        return slim, "no real GPU is used here, so CUDA stays out"
    if not lines:
        return slim, "the function has no requirements, so nothing in it could use CUDA"
    if bringer := next((line for line in lines if _brings_cuda(line, bases)), ""):
        return slim, f"the requirement {bringer} brings CUDA with it"
    if project.python and project.python != bases.cuda_python:
        raise ConfigurationError(
            f"the function asks for Python {project.python}, and the base image {bases.cuda} has {bases.cuda_python}",
            f'set [function] python = "{bases.cuda_python}", or name an image with both: [build] base_image',
        )
    return bases.cuda, f"the mode {target.mode} may use a GPU, and no requirement brings CUDA with it"


def _brings_cuda(line: str, bases: BaseImages) -> bool:
    package = requirement(line)
    if package is None or package.name not in bases.brings_cuda:
        return False
    extra = bases.brings_cuda[package.name]
    return not extra or any(name.startswith(extra) for name in package.extras)


def _dockerfile(
    project: FunctionProject, target: Target, base: str, wanted: tuple[Requirements, ...], lines: tuple[str, ...]
) -> str:
    into_function = _PIP.format(into=f"--python {FUNCTION_PYTHON} ")
    early = late = ""
    if wanted and not lines:  # pip gets the files themselves, because paths in them are relative to them
        sources = itertools.chain.from_iterable(
            ("--requirement", r.file) if r.file else _words(r.lines) for r in wanted
        )
        is_held = any(one.constraints for one in wanted if not one.file)
        late = "COPY constraints.txt /opt/function/\n" if is_held else ""
        late += f"RUN cd /function && {into_function} {shlex.join(sources)}{_HELD if is_held else ''}\n"
    elif wanted:
        limits = _HELD if any(one.constraints for one in wanted) else ""
        early = (
            f"COPY requirements.txt {'constraints.txt ' if limits else ''}/opt/function/\n"
            f"RUN {into_function} --requirement /opt/function/requirements.txt{limits}\n"
        )
    words = {
        "name": project.name,
        "base_image": base,
        "pip": _PIP.format(into=""),
        "requirements": early,
        "local_requirements": late,
        "environment": _environment(project, target),
        "port": str(PORT),
    }
    return re.sub(r"<([a-z_]+)>", lambda match: words[match[1]], dockerfile_template())


def _words(lines: tuple[str, ...]) -> Iterator[str]:
    """Yield the words that say the same to pip as lines in a file; an option and its value are two."""
    for line in lines:
        yield from line.split(" ", 1) if line.startswith("--") else (line,)


def _environment(project: FunctionProject, target: Target) -> str:
    """Write the ENV instruction: the runtime's settings, which an engine may override, and a home for caches."""
    variables = {"HOME": "/tmp", "PYTHONUNBUFFERED": "1"}  # noqa: S108 -- the image's own /tmp, the one writable place
    settings = settings_of(
        replace(project, directory=Path("/function"), cost_source=_without_secrets(project.cost_source)),
        target.mode,
        function_python=FUNCTION_PYTHON,
        accelerator=Accelerator.NVIDIA if target.uses_gpu else Accelerator.NONE,
        listen_address="0.0.0.0",  # noqa: S104 -- inside the container; whoever publishes the port decides who sees it
        port=PORT,
    )
    variables |= settings.to_environ()
    if target.uses_gpu:
        variables["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility"
    return "ENV " + " \\\n    ".join(f"{name}={_quoted(value)}" for name, value in sorted(variables.items()))


def _without_secrets(cost_source: str) -> str:
    """Return a source that may stand in an image: a file; whoever may see an image may read what an address holds."""
    return "" if is_address(cost_source) else cost_source


def _quoted(value: str) -> str:
    """Quote `value` as one word of a Dockerfile.

    Raises:
        ConfigurationError: it holds a control character, for which a Dockerfile has no spelling.
    """
    if not value.isprintable():
        raise ConfigurationError(f"{value!r} cannot stand in an image's environment", "use printable characters only")
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'


def _labels(project: FunctionProject, target: Target, manifest_json: str) -> dict[str, str]:
    return {
        NAME_LABEL: project.name,
        MODE_LABEL: target.mode.value,
        "faas.gaia.version": target.version,
        "faas.gaia.manifest": manifest_json,
        "org.opencontainers.image.title": project.name,
        "org.opencontainers.image.description": f"The function {project.name}, served by Gaia",
    }
