from pathlib import Path

import pytest

from gaia_cli.engines.build import Narrator, _listed, explain_build
from gaia_cli.engines.docker_api.errors import BuildError, explain
from gaia_cli.errors import EngineError, RequirementsError
from gaia_cli.images.plan import Target, plan_image
from gaia_cli.images.recipes import base_images
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements
from runtime_images.policy.model import ExecutionMode

PLAN = plan_image(
    FunctionProject(Path("/f"), "hello", requirements=Requirements(("nosuch",))),
    Target(ExecutionMode.CPU, version="1", running_python="3.12"),
    "{}",
    base_images(),
)
STEPS = [line for line in PLAN.dockerfile.splitlines() if line.startswith("RUN ")]
PIP_STEP = next(step for step in STEPS if "/opt/function/requirements.txt" in step)
RUNTIME_STEP = next(step for step in STEPS if "requirements-runtime" in step)
PIP_LOG = (
    "Collecting nosuch",
    "ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)",
)


def test_a_failed_installation_of_the_functions_requirements_is_the_users_to_repair() -> None:
    error = explain_build(BuildError(explain("returned a non-zero code: 1"), PIP_STEP, PIP_LOG), PLAN)

    assert isinstance(error, RequirementsError)
    assert "the requirements of hello cannot be installed" in error.message
    assert "requirement nosuch" in error.message
    assert "Collecting" not in error.message


def test_a_failed_installation_of_the_runtime_is_not() -> None:
    error = explain_build(BuildError(explain("returned a non-zero code: 1"), RUNTIME_STEP, PIP_LOG), PLAN)

    assert isinstance(error, EngineError)


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("WARNING: Retrying after connection broken by 'SSLError(CERTIFICATE_VERIFY_FAILED)'", "your CA"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'", "does not reach"),
        ("Collecting nosuch", "names and versions"),
    ],
)
@pytest.mark.parametrize("step", [PIP_STEP, RUNTIME_STEP])
def test_the_hint_rests_on_what_pip_said_before_its_errors(step: str, before: str, word: str) -> None:
    assert word in explain_build(BuildError(explain("x"), step, (before, *PIP_LOG)), PLAN).hint


def test_a_base_image_that_is_not_to_be_had_is_named() -> None:
    error = explain_build(
        BuildError(explain("dial tcp: lookup registry: no such host"), "FROM python:3.12-slim", ()), PLAN
    )

    assert error.message.startswith("no base image python:3.12-slim: the image registry cannot be reached")
    assert "--base-image" in error.hint


def test_a_base_image_with_an_old_python_says_so() -> None:
    log = ("gaia: the base image has no Python 3.11 or newer",)

    assert "has no Python 3.11 or newer" in explain_build(BuildError(explain("code: 1"), STEPS[0], log), PLAN).message


def test_steps_from_the_cache_are_not_reported() -> None:
    reported: list[str] = []
    narrator = Narrator(reported.append)
    for line in (
        f"Step 5/9 : {PIP_STEP}",
        "",
        " ---> Using cache",
        " ---> abc",
        "Step 6/9 : COPY function /function",
        " ---> def",
    ):
        narrator.line(line)

    assert reported == ["adding the function"]


def test_every_step_that_takes_time_has_a_name() -> None:
    reported: list[str] = []
    narrator = Narrator(reported.append)
    for step in STEPS:
        narrator.line(f"Step 1/9 : {step}")
        narrator.line(" ---> Running in abc")

    assert len(reported) == len(STEPS)


def test_many_secrets_are_named_in_one_line_of_bounded_length() -> None:
    names = tuple(f"{number}.env" for number in range(5000))

    assert _listed(names[:2]) == "0.env, 1.env"
    assert _listed(names).endswith("29.env and 4,970 more")
