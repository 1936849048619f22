"""`gaia doctor`: the checks of a deploy without the deploy, or a look at this machine."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from gaia_cli.errors import ExitCode, FunctionError, GaiaError, UsageError
from gaia_cli.project.choices import ClusterChoice
from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.checks import Check, State
from gaia_cli.views.cluster.checks import show_checks

_DOCTORED_IMAGE = f"dev.local/not-built@sha256:{'0' * 64}"
"""Stands for an image in dry runs: nobody fetches it, and a digest is not resolved."""
_EXTRAS = (
    ("deploy", "lightkube", "gaia deploy"),
    ("fix", "libcst", "gaia lint --fix"),
    ("report", "plotly", "gaia simulate --report"),
)


def doctor(path: Path, choice: ClusterChoice, *, as_json: bool) -> ExitCode:
    """Show the checks of this machine and the function or, where a way to a cluster is named, of that cluster.

    Returns:
        0; 2, 3 or 4 where something has failed, as docs/reference.md says.
    """
    if choice == ClusterChoice():
        checks, code = _machine()
        found, wrong = _function(path)
        show_checks("this machine", [*checks, *found], as_json=as_json)
        return wrong or code
    settings, objects = _planned(path, choice)
    from gaia_cli.targets.knative.connection import connect, run

    access = connect(choice, settings)

    from gaia_cli.targets.knative.preflight.run import preflight  # loads what `connect` looks for
    from runtime_images.cluster.api import Api

    made = objects(access.namespace)

    async def work(api: Api) -> list[Check]:
        return list((await preflight(api, made, settings)).checks)

    checks = run(access, work)
    place = f"{access.context}: {access.server}, namespace {access.namespace}, as {access.user}"
    show_checks(place, checks, as_json=as_json)
    return ExitCode.CLUSTER if any(check.state is State.FAILED for check in checks) else ExitCode.OK


def _planned(path: Path, choice: ClusterChoice) -> tuple[TargetSettings, Any]:
    """Return the target's settings, and what makes the objects that a deploy of the function would send.

    Where there is no function, and no target of one is asked for, there are no objects: the cluster alone is looked at.
    """
    from gaia_cli.project.manifests import manifest_of
    from gaia_cli.project.serving import named_project, with_variables
    from gaia_cli.project.settings import LONGEST_NAME, target_of
    from gaia_cli.targets.identity import identity_of
    from gaia_cli.targets.knative.objects import objects
    from gaia_cli.targets.protocol import Deployment, Stamp
    from gaia_cli.views.console import note

    try:
        project = named_project(path, LONGEST_NAME)
    except GaiaError:
        if choice.target or path != Path():
            raise
        return TargetSettings(choice.context or "default"), lambda _namespace: []
    settings = target_of(project, choice.target)
    mode = project.pin or manifest_of(project).mode
    with_own = with_variables(project, os.environ, {*settings.env, *settings.secrets}, note)
    deployment = Deployment(with_own, settings, mode, _DOCTORED_IMAGE, identity_of(project))
    return settings, lambda namespace: objects(deployment, namespace, Stamp())


def _machine() -> tuple[Sequence[Check], ExitCode]:
    kubeconfig, code = _kubeconfig(os.environ)
    checks = [Check("python", State.OK, platform.python_version()), *_engines(), kubeconfig, *map(_extra, _EXTRAS)]
    return checks, code


def _function(path: Path) -> tuple[Sequence[Check], ExitCode]:
    """Check what `gaia run` of the function at `path` needs before it starts; without a path there may be none here."""
    from gaia_cli.project.foreign.pythons import RUNNING
    from gaia_cli.project.serving import entry_of, named_project, with_variables
    from gaia_cli.targets.checks import failed

    told: list[str] = []
    try:
        project = named_project(path)
        with_variables(project, os.environ, (), told.append)
    except GaiaError as error:
        is_none = path == Path() and isinstance(error, UsageError | FunctionError)
        return ([], ExitCode.OK) if is_none else ([failed("function", error)], error.exit_code)
    entry = entry_of(project)
    place = f"{project.name} begins at {entry.path}:{entry.line}, in the form {entry.form}"
    checks = [Check("function", State.OK, "; ".join(filter(None, [place, project.python_said, *told])))]
    if project.python and project.python != RUNNING and which(f"python{project.python}") is None:
        message = f"the function asks for Python {project.python}, which is not on the PATH here"
        checks.append(Check("its python", State.SKIPPED, message, "install it, or use --engine docker"))
    return checks, ExitCode.OK


def _engines() -> list[Check]:
    """Check what can start a function here; none of it must be there, since a process always can."""
    from gaia_cli.engines.checks import candidate
    from runtime_images.policy.model import ExecutionMode

    checks = []
    for name in ("docker", "process"):
        found = candidate(name, ExecutionMode.GPU_PREFERRED)
        if found.problem:
            checks.append(Check(name, State.SKIPPED, f"{found.problem}; `gaia run` uses the process engine"))
            continue
        gpu = "an NVIDIA GPU" if found.has_gpu else "no NVIDIA GPU: `gaia run` models one"
        checks.append(Check(name, State.OK, f"the engine answers, and has {gpu}"))
    return checks


def _kubeconfig(environ: Mapping[str, str]) -> tuple[Check, ExitCode]:
    from gaia_cli.targets.knative.connection import connect

    try:
        access = connect(ClusterChoice())
    except GaiaError as error:
        is_absent = error.exit_code == ExitCode.ENGINE and not environ.get("KUBECONFIG")
        state = State.SKIPPED if is_absent else State.FAILED
        code = ExitCode.OK if is_absent else error.exit_code
        return Check("kubeconfig", state, error.message, error.hint), code
    return Check("kubeconfig", State.OK, f"context {access.context}: {access.server}, as {access.user}"), ExitCode.OK


def _extra(extra: tuple[str, str, str]) -> Check:
    name, library, use = extra
    if find_spec(library) is not None:
        return Check(f"extra {name}", State.OK, f"{library} is installed")
    return Check(f"extra {name}", State.SKIPPED, f"{use} needs {library}", f"pip install 'gaia-faas[{name}]'")
