"""The engines by name, and what each can do on this machine; each is imported only when it is asked about."""

from gaia_cli.engines import Engine
from gaia_cli.errors import EngineError
from gaia_cli.running.choose import AUTO, Offer
from runtime_images.policy.model import Accelerator, ExecutionMode


def open_engine(name: str) -> Engine:
    """The engine called `name`, one of choose.ENGINES.

    Raises:
        EngineError: it is not to be had on this machine.
    """
    if name == "docker":
        from gaia_cli.engines.docker import DockerEngine

        return DockerEngine()
    from gaia_cli.engines.process import ProcessEngine

    return ProcessEngine()


def offer(name: str, asked: str, mode: ExecutionMode) -> Offer:
    """What the engine `name` can do here for a function of `mode`; what will not be needed is not looked for."""
    if asked != AUTO:
        return Offer(problem=f"--engine {asked} was asked for")
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
