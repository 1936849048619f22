"""The engines by name, and what each can do on this machine; each is imported only when it is asked about."""

from dataclasses import dataclass

from gaia_cli.engines import Engine
from gaia_cli.errors import EngineError
from runtime_images.policy.model import Accelerator, ExecutionMode


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine that may be chosen: its accelerators, or the `problem` for which it is unavailable."""

    accelerators: tuple[Accelerator, ...] = ()
    problem: str = ""

    @property
    def has_gpu(self) -> bool:
        """Whether the engine reaches a real GPU."""
        return Accelerator.NVIDIA in self.accelerators


def open_engine(name: str) -> Engine:
    """Return the engine called `name`: docker, else process.

    Raises:
        EngineError: it is unavailable on this machine.
    """
    if name == "docker":
        from gaia_cli.engines.docker import DockerEngine

        return DockerEngine()
    from gaia_cli.engines.process import ProcessEngine

    return ProcessEngine()


def candidate(name: str, mode: ExecutionMode) -> Candidate:
    """Return what the engine `name` can do for a function of `mode`."""
    try:
        return Candidate(accelerators_for(mode, open_engine(name)))
    except EngineError as error:
        return Candidate(problem=error.message)


def accelerators_for(mode: ExecutionMode, engine: Engine) -> tuple[Accelerator, ...]:
    """Return the accelerators of `engine` for a function of `mode`; for one that never sees a GPU, without looking.

    Raises:
        EngineError: the engine does not answer.
    """
    if mode is ExecutionMode.CPU:
        engine.describe()
        return ()
    return engine.accelerators()
