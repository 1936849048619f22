"""The engines by name, and what each offers on this machine; each is imported only when it is asked about."""

from dataclasses import dataclass

from gaia_cli.engines import Engine
from gaia_cli.errors import EngineError
from runtime_images.policy.model import Accelerator, ExecutionMode


@dataclass(frozen=True, slots=True)
class Offer:
    """What an engine can do here; `problem` says why it is unavailable, empty when it is there."""

    accelerators: tuple[Accelerator, ...] = ()
    problem: str = ""

    @property
    def has_gpu(self) -> bool:
        """Whether a real GPU can be reached through the engine."""
        return Accelerator.NVIDIA in self.accelerators


def open_engine(name: str) -> Engine:
    """The engine called `name`: docker, else process.

    Raises:
        EngineError: it is unavailable on this machine.
    """
    if name == "docker":
        from gaia_cli.engines.docker import DockerEngine

        return DockerEngine()
    from gaia_cli.engines.process import ProcessEngine

    return ProcessEngine()


def offer(name: str, mode: ExecutionMode) -> Offer:
    """What the engine `name` offers to a function of `mode`."""
    try:
        return Offer(accelerators_for(mode, open_engine(name)))
    except EngineError as error:
        return Offer(problem=error.message)


def accelerators_for(mode: ExecutionMode, engine: Engine) -> tuple[Accelerator, ...]:
    """What `engine` offers to a function of `mode`: nothing to one that never sees a GPU, for looking takes time.

    Raises:
        EngineError: the engine does not answer.
    """
    if mode is ExecutionMode.CPU:
        engine.describe()
        return ()
    return engine.accelerators()
