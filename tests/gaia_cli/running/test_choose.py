import pytest

from gaia_cli.engines.checks import Candidate
from gaia_cli.errors import EngineError, ExitCode
from gaia_cli.project.choices import AcceleratorName
from gaia_cli.running.choose import choose_accelerator, choose_engine
from runtime_images.policy.model import Accelerator, ExecutionMode

EMULATED = Candidate((Accelerator.EMULATED,))
NVIDIA = Candidate((Accelerator.NVIDIA, Accelerator.EMULATED))
NO_DOCKER = Candidate(problem="no Docker engine answers")
DYNAMIC = ExecutionMode.CPU_PREFERRED


def test_docker_is_chosen_when_an_engine_answers() -> None:
    assert choose_engine(DYNAMIC, EMULATED, EMULATED).name == "docker"


def test_a_process_is_chosen_without_docker_and_says_why() -> None:
    choice = choose_engine(DYNAMIC, EMULATED, NO_DOCKER)

    assert (choice.name, choice.reason) == ("process", "no Docker engine answers")


def test_a_gpu_that_docker_cannot_reach_is_used_by_a_process() -> None:
    assert choose_engine(DYNAMIC, NVIDIA, EMULATED).name == "process"


def test_a_function_that_never_sees_a_gpu_does_not_care_who_has_one() -> None:
    assert choose_engine(ExecutionMode.CPU, NVIDIA, EMULATED).name == "docker"


@pytest.mark.parametrize("mode", [ExecutionMode.CPU_PREFERRED, ExecutionMode.GPU_PREFERRED, ExecutionMode.GPU])
def test_the_best_accelerator_on_offer_is_chosen(mode: ExecutionMode) -> None:
    assert choose_accelerator(AcceleratorName.AUTO, mode, NVIDIA.accelerators, "process").name == "nvidia"
    assert choose_accelerator(AcceleratorName.AUTO, mode, EMULATED.accelerators, "process").name == "emulated"


def test_the_emulated_lane_is_called_so_with_its_reason() -> None:
    choice = choose_accelerator(AcceleratorName.AUTO, DYNAMIC, EMULATED.accelerators, "process")

    assert (choice.name, choice.reason) == ("emulated", "no GPU here, a worker process models one")


def test_the_cpu_mode_gets_no_accelerator_even_when_one_is_asked_for() -> None:
    assert choose_accelerator(AcceleratorName.NVIDIA, ExecutionMode.CPU, NVIDIA.accelerators, "process").name == "none"


def test_an_nvidia_gpu_that_is_not_there_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="no NVIDIA GPU") as caught:
        choose_accelerator(AcceleratorName.NVIDIA, DYNAMIC, EMULATED.accelerators, "process")

    assert caught.value.exit_code == ExitCode.ENGINE


def test_the_gpu_mode_without_an_accelerator_fails_loudly() -> None:
    with pytest.raises(EngineError, match="needs a GPU"):
        choose_accelerator(AcceleratorName.NONE, ExecutionMode.GPU, NVIDIA.accelerators, "process")


def test_a_dynamic_function_may_do_without_an_accelerator() -> None:
    assert choose_accelerator(AcceleratorName.NONE, DYNAMIC, NVIDIA.accelerators, "process").name == "none"
