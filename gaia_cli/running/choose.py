"""Which engine and which accelerator a run uses, and why. Pure: what is there is passed in.

Docker is chosen when an engine answers, because it is what a function meets later in production; a virtual
environment on this machine when none does, or when only there a real GPU can be reached. A flag decides over
both.
"""

from dataclasses import dataclass

from gaia_cli.errors import EngineError, UsageError
from runtime_images.policy.model import Accelerator, ExecutionMode

AUTO = "auto"
ENGINES = ("process", "docker")
EMULATED_SENTENCE = "emulated: no GPU here, the GPU lane is a worker process that models one"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen and the reason, in words for the screen."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What an engine can do here; `problem` says why it cannot be used at all, empty when it can."""

    accelerators: tuple[Accelerator, ...] = ()
    problem: str = ""

    @property
    def has_gpu(self) -> bool:
        """Whether a real GPU can be reached through the engine."""
        return Accelerator.NVIDIA in self.accelerators


def choose_engine(asked: str, mode: ExecutionMode, process: Offer, docker: Offer) -> Choice:
    """The engine for a function of `mode`.

    Raises:
        UsageError: `asked` is no engine.
    """
    if asked in ENGINES:
        return Choice(asked, "asked for")
    if asked != AUTO:
        raise UsageError(f"--engine {asked} is not an engine", f"use one of {AUTO}, {', '.join(ENGINES)}")
    if docker.problem:
        return Choice("process", docker.problem)
    if mode is not ExecutionMode.CPU and process.has_gpu and not docker.has_gpu:
        return Choice("process", "this machine has a GPU that Docker cannot pass through")
    return Choice("docker", "a Docker engine answers")


def choose_accelerator(asked: str, mode: ExecutionMode, offered: tuple[Accelerator, ...], engine: str) -> Choice:
    """The accelerator of the GPU lane: the best that is offered, none for a function that never sees a GPU.

    Raises:
        UsageError: `asked` is no accelerator.
        EngineError: `asked` is not to be had on this engine, or the mode needs a GPU and none may be used.
    """
    if asked not in (AUTO, *Accelerator):
        raise UsageError(f"--accelerator {asked} is not an accelerator", f"use one of {AUTO}, {', '.join(Accelerator)}")
    if mode is ExecutionMode.CPU:
        return Choice(Accelerator.NONE, "the mode cpu never sees a GPU")
    best = offered[0] if offered else Accelerator.NONE
    chosen = best if asked == AUTO else Accelerator(asked)
    if chosen is Accelerator.NONE:
        return _without(mode)
    if chosen not in offered:
        raise EngineError(
            f"no {chosen} GPU can be used through the engine {engine}",
            "see whether `nvidia-smi` works, or use --accelerator emulated for a GPU lane without a GPU",
        )
    return Choice(chosen, EMULATED_SENTENCE if chosen is Accelerator.EMULATED else "an NVIDIA GPU answers")


def _without(mode: ExecutionMode) -> Choice:
    if mode is ExecutionMode.GPU:
        raise EngineError(
            "the mode gpu needs a GPU and none may be used", "drop --accelerator none, or pin another mode"
        )
    return Choice(Accelerator.NONE, "no GPU lane: everything is served on the CPU")
