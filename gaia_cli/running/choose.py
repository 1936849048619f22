"""Which engine and which accelerator a run uses, and why. Pure: what the machine has is passed in.

Docker is chosen when its engine answers, because production looks like it; a virtual environment on this machine when
none does, or when only that reaches a real GPU. A flag overrides both.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gaia_cli.errors import EngineError
from gaia_cli.project.choices import AcceleratorName, EngineName
from runtime_images.policy.model import Accelerator, ExecutionMode

if TYPE_CHECKING:
    from gaia_cli.engines.checks import Candidate


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice and its reason, in words for the screen."""

    name: str
    reason: str


EMULATED_REASON = "no GPU here, a worker process models one"


def choose_engine(mode: ExecutionMode, process: "Candidate", docker: "Candidate") -> Choice:
    """Choose the engine for a function of `mode`, where the user named none."""
    if docker.problem:
        return Choice(EngineName.PROCESS, docker.problem)
    if mode is not ExecutionMode.CPU and process.has_gpu and not docker.has_gpu:
        return Choice(EngineName.PROCESS, "this machine has a GPU that Docker cannot pass through")
    return Choice(EngineName.DOCKER, "a Docker engine answers")


def choose_accelerator(
    asked: AcceleratorName, mode: ExecutionMode, offered: tuple[Accelerator, ...], engine: str
) -> Choice:
    """Choose the accelerator of the GPU backend: the best one, none for a function that never sees a GPU.

    Raises:
        EngineError: `asked` is unavailable on this engine, or the mode needs a GPU and none may be used.
    """
    if mode is ExecutionMode.CPU:
        return Choice(Accelerator.NONE, "the mode cpu never sees a GPU")
    best = offered[0] if offered else Accelerator.NONE
    chosen = best if asked is AcceleratorName.AUTO else Accelerator(asked.value)
    if chosen is Accelerator.NONE:
        if mode is ExecutionMode.GPU:
            hint = "drop --accelerator none, or pin another mode"
            raise EngineError("the mode gpu needs a GPU, and none may be used", hint)
        return Choice(Accelerator.NONE, "no GPU backend: the CPU serves everything")
    if chosen not in offered:
        raise EngineError(
            f"the {engine} engine found no NVIDIA GPU",
            "check that `nvidia-smi` works, or use --accelerator emulated to model a GPU",
        )
    return Choice(chosen, EMULATED_REASON if chosen is Accelerator.EMULATED else "an NVIDIA GPU answers")
