import re
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.images.plan import ImagePlan, Target, choose_base, plan_image
from gaia_cli.images.recipes import base_images
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.policy.model import Accelerator, ExecutionMode, Slo

BASES = base_images()
PROJECT = FunctionProject(Path("/somewhere"), "thumbnail")


def target(mode: str = "cpu", *, real_gpu: bool = True, base_image: str = "") -> Target:
    return Target(ExecutionMode(mode), base_image, real_gpu, "1.2.3", "3.13")


def plan(
    project: FunctionProject = PROJECT, mode: str = "cpu", *, real_gpu: bool = True, base_image: str = ""
) -> ImagePlan:
    wanted = target(mode, real_gpu=real_gpu, base_image=base_image)
    return plan_image(project, wanted, '{"mode": "cpu"}', BASES)


def base(requirements: tuple[str, ...], mode: str, *, real_gpu: bool = True) -> str:
    return choose_base(PROJECT, target(mode, real_gpu=real_gpu), requirements, BASES)[0]


def environment(planned: ImagePlan) -> dict[str, str]:
    block = planned.dockerfile.partition("\nENV ")[2].partition("WORKDIR")[0]
    pairs = re.findall(r'([A-Z0-9_]+)="((?:[^"\\]|\\.)*)"', block)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}


def test_a_function_that_never_sees_a_gpu_gets_the_slim_image_of_the_running_python() -> None:
    assert base((), "cpu") == "python:3.13-slim"


def test_the_python_that_the_function_asks_for_decides_over_the_running_one() -> None:
    assert plan(replace(PROJECT, python="3.12")).base_image == "python:3.12-slim"


@pytest.mark.parametrize("mode", ["cpu_preferred", "gpu_preferred", "gpu"])
def test_a_function_that_may_use_a_gpu_gets_cuda_when_nothing_brings_it(mode: str) -> None:
    assert base(("cupy-cuda12x>=13",), mode) == BASES.cuda


@pytest.mark.parametrize(
    "line", ["torch>=2.3", "Torch", "tensorflow[and-cuda]==2.17", "jax[cuda12]", "vllm", "cupy_cuda12x[ctk]"]
)
def test_the_slim_image_is_enough_when_a_requirement_brings_cuda(line: str) -> None:
    image, reason = choose_base(PROJECT, target("gpu"), ("numpy", line), BASES)

    assert image == "python:3.13-slim"
    assert line in reason


@pytest.mark.parametrize("line", ["tensorflow==2.17", "jax", "torchmetrics", "torch-geometric", "jax[cpu]"])
def test_a_name_alike_brings_no_cuda(line: str) -> None:
    assert base((line,), "gpu") == BASES.cuda


def test_cuda_stays_out_of_an_image_for_a_machine_without_a_gpu() -> None:
    assert base(("cupy-cuda12x",), "gpu_preferred", real_gpu=False) == "python:3.13-slim"


def test_cuda_stays_out_where_no_requirement_could_use_it() -> None:
    assert base((), "gpu_preferred") == "python:3.13-slim"


def test_another_python_than_that_of_the_cuda_image_is_refused_with_the_way_out() -> None:
    project = replace(PROJECT, python="3.11", requirements=Requirements(("cupy-cuda12x",)))

    with pytest.raises(ConfigurationError, match=r"asks for Python 3\.11") as refused:
        plan(project, "gpu")
    assert 'python = "3.12"' in refused.value.hint


def test_the_flag_decides_over_the_projects_base_image_and_both_over_the_table() -> None:
    project = replace(PROJECT, base_image="mine:1")

    assert plan(project).base_image == "mine:1"
    assert plan(project, base_image="flag:2").base_image == "flag:2"


@pytest.mark.parametrize("image", ["a b", "x\nRUN rm -rf /", "--platform=x y", "", "-x"])
def test_a_base_image_that_is_no_name_is_not_pasted_into_the_dockerfile(image: str) -> None:
    if image:
        with pytest.raises(ConfigurationError, match="not an image name"):
            plan(base_image=image)
    else:
        assert plan(base_image=image).base_image == "python:3.13-slim"


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "a:b", "a\nb", "-a", "x" * 64])
def test_a_name_that_no_function_may_have_makes_no_image(name: str) -> None:
    with pytest.raises(ConfigurationError, match="the function's name"):
        plan(replace(PROJECT, name=name))


def test_gpu_requirements_come_on_top_where_a_gpu_may_be_used() -> None:
    project = replace(PROJECT, requirements=Requirements(("numpy",)), gpu_requirements=Requirements(("cupy-cuda12x",)))

    assert plan(project, "cpu_preferred").requirement_lines == ("numpy", "cupy-cuda12x")
    assert plan(project, "cpu").requirement_lines == ("numpy",)
    assert plan(project, "cpu_preferred", real_gpu=False).requirement_lines == ("numpy",)


def test_requirements_are_installed_before_the_code_so_that_new_code_costs_one_layer() -> None:
    dockerfile = plan(replace(PROJECT, requirements=Requirements(("numpy",)))).dockerfile

    assert dockerfile.index("/opt/function/requirements.txt") < dockerfile.index("COPY function /function")


def test_files_of_constraints_that_are_plain_lines_go_with_them() -> None:
    lines = ("numpy", "-c limits.txt", "--constraint=more.txt")
    requirements = Requirements(lines, "requirements.txt", constraints=("numpy<3", "scipy<2"))
    planned = plan(replace(PROJECT, requirements=requirements))

    assert planned.requirement_lines == ("numpy",)
    assert planned.constraint_lines == ("numpy<3", "scipy<2")
    dockerfile = planned.dockerfile
    assert dockerfile.index("--constraint /opt/function/constraints.txt") < dockerfile.index("COPY function /function")


@pytest.mark.parametrize(
    ("lines", "copied"),
    [(("numpy",), "COPY requirements.txt constraints.txt "), (("numpy", "./own"), "COPY constraints.txt ")],
)
def test_what_is_locked_holds_before_and_after_the_code_is_copied(lines: tuple[str, ...], copied: str) -> None:
    planned = plan(replace(PROJECT, requirements=Requirements(lines, constraints=("numpy==2.0",))))

    assert planned.constraint_lines == ("numpy==2.0",)
    assert planned.dockerfile.count(copied) == 1
    assert planned.dockerfile.count("--constraint /opt/function/constraints.txt") == 1


def test_an_index_is_an_option_with_its_value_where_the_code_is_needed_first() -> None:
    lines = ("--extra-index-url https://host/simple", "./own")

    assert (
        "--extra-index-url https://host/simple ./own\n"
        in plan(replace(PROJECT, requirements=Requirements(lines))).dockerfile
    )


def test_constraints_that_name_files_or_are_not_there_are_left_to_pip() -> None:
    for limits in (None, ("mine @ file:mine",)):
        requirements = Requirements(("numpy", "-c limits.txt"), "requirements.txt", constraints=limits)
        assert plan(replace(PROJECT, requirements=requirements)).requirement_lines == ()


def test_a_password_among_constraints_reaches_no_image() -> None:
    secret = "mine @ https://me:geheim@example.com/mine.whl"
    requirements = Requirements(("numpy", "-c limits.txt"), "requirements.txt", constraints=(secret,))
    with pytest.raises(ConfigurationError, match=r"requirement 1 in the constraints of requirements\.txt"):
        plan(replace(PROJECT, requirements=requirements))


@pytest.mark.parametrize(
    "line", ["./wheels/mine.whl", "mine.whl", "-e .", "-c limits.txt", "mine @ file:mine", "../lib"]
)
def test_requirements_that_name_files_are_installed_after_the_code_that_holds_them(line: str) -> None:
    planned = plan(replace(PROJECT, requirements=Requirements(("numpy", line), "requirements.txt")))

    assert planned.requirement_lines == ()
    code = planned.dockerfile.index("COPY function /function")
    assert code < planned.dockerfile.index("cd /function && /opt/gaia/venv/bin/python -m pip")
    assert "--requirement requirements.txt" in planned.dockerfile


def test_requirements_in_a_list_are_quoted_for_the_shell() -> None:
    planned = plan(replace(PROJECT, requirements=Requirements(("./x; touch /tmp/evil",))))

    assert "install './x; touch /tmp/evil'" in planned.dockerfile


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://me:hidden@packages.example/simple",
        "git+https://ghp_hidden0123456789@github.com/acme/private.git",
        "x @ https://packages.example/x.whl?token=hidden",
    ],
)
def test_a_password_or_token_in_a_requirement_is_refused_because_it_would_stay_in_the_image(line: str) -> None:
    with pytest.raises(ConfigurationError, match="password or a token") as refused:
        plan(replace(PROJECT, requirements=Requirements(("numpy", line), "requirements.txt")))
    assert "requirement 2 in requirements.txt" in refused.value.message
    assert ".netrc" in refused.value.hint
    assert "hidden" not in refused.value.message + refused.value.hint


def test_a_password_in_the_name_of_the_base_image_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="password") as refused:
        plan(base_image="me:hidden@registry.example/base")
    assert "hidden" not in refused.value.message


def test_a_base_image_may_be_named_by_its_digest() -> None:
    image = f"registry.example:5000/base@sha256:{'0' * 64}"

    assert plan(base_image=image).base_image == image


@pytest.mark.parametrize(
    "line", ["SECRET_TOKEN=hidden", "root:hidden:20228:0:99999:7:::", "some words", "-----BEGIN PRIVATE KEY-----", "{"]
)
def test_a_line_that_is_no_requirement_is_not_sent_and_not_shown(line: str) -> None:
    with pytest.raises(ConfigurationError, match=r"requirement 1 in requirements\.txt, or in") as refused:
        plan(replace(PROJECT, requirements=Requirements((line,), "requirements.txt")))
    assert "hidden" not in refused.value.message


@pytest.mark.parametrize(
    "line",
    [
        "Torch[cuda12, x] == 2.*",
        "a (>=1, !=1.5)",
        "a===1.0+local ; python_version < '3.12'",
        "a @ https://x.example/a.whl",
        "numpy==1 --hash=sha256:abc",
        "git+ssh://git@github.com/a/b",
        "--no-index",
        "-f wheels",
        "wheels/x-1.0-py3-none-any.whl",
        "mine/pkg[a]",
        ".",
        "x.tar.gz",
    ],
)
def test_every_form_of_a_requirement_is_taken(line: str) -> None:
    assert plan(replace(PROJECT, requirements=Requirements((line,)))).dockerfile


@pytest.mark.parametrize("piece", [" ", "a,", ">=1,", "/", ".", "[", "; "])
def test_no_requirement_takes_long_to_read(piece: str) -> None:
    started = time.process_time()
    with suppress(ConfigurationError):
        plan(replace(PROJECT, requirements=Requirements((f"a{piece * 50_000}?",))))

    assert time.process_time() - started < 2


def test_the_image_has_the_settings_that_the_runtime_reads() -> None:
    project = replace(PROJECT, entrypoint="f.py:go", slo=Slo(latency_p95_ms=80), idempotent=True, concurrency=3)
    settings = Settings.from_environ(environment(plan(project, "gpu_preferred")))

    assert settings.function_dir == Path("/function")
    assert (settings.function_name, settings.entrypoint) == ("thumbnail", "f.py:go")
    assert settings.mode is ExecutionMode.GPU_PREFERRED
    assert settings.accelerator is Accelerator.NVIDIA
    assert settings.slo.latency_p95_ms == 80
    assert (settings.idempotent, settings.concurrency, settings.port) == (True, 3, 8080)


def test_a_value_cannot_leave_its_quotes_in_the_dockerfile() -> None:
    entrypoint = 'a" b$HOME\\.py'

    assert environment(plan(replace(PROJECT, entrypoint=entrypoint)))["GAIA_ENTRYPOINT"] == entrypoint


def test_a_control_character_in_a_value_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot stand in"):
        plan(replace(PROJECT, entrypoint="a.py\nRUN evil"))


def test_only_an_image_for_a_gpu_asks_the_driver_for_compute() -> None:
    assert environment(plan(mode="gpu"))["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert "NVIDIA_DRIVER_CAPABILITIES" not in environment(plan(mode="cpu"))
    assert "NVIDIA_DRIVER_CAPABILITIES" not in environment(plan(mode="gpu", real_gpu=False))


def test_the_labels_tell_name_mode_version_and_manifest() -> None:
    labels = plan(mode="cpu").labels

    assert labels["faas.gaia.name"] == "thumbnail"
    assert labels["faas.gaia.mode"] == "cpu"
    assert labels["faas.gaia.version"] == "1.2.3"
    assert labels["faas.gaia.manifest"] == '{"mode": "cpu"}'


def test_the_dockerfile_has_no_open_place_and_runs_as_nobody_in_particular() -> None:
    dockerfile = plan(replace(PROJECT, requirements=Requirements(("numpy",)))).dockerfile

    assert not re.search(r"<[a-z_]+>", dockerfile)
    assert "\nUSER 65532:65532\n" in dockerfile
    assert "--mount" not in dockerfile


def test_an_address_that_says_costs_stays_out_of_the_image_and_a_file_does_not() -> None:
    address = replace(PROJECT, cost_source="https://user:pass@node.example/cost.csv")
    file = replace(PROJECT, cost_source="node.csv")

    assert "GAIA_COST_SOURCE" not in environment(plan(address))
    assert "pass@" not in plan(address).dockerfile
    assert environment(plan(file))["GAIA_COST_SOURCE"] == "node.csv"
