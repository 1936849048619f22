"""The engines by name, and what each can do on this machine; each is imported only when it is asked about."""

from gaia_cli.engines import Engine
from gaia_cli.errors import EngineError
from gaia_cli.running.choose import AUTO, Offer


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


def offer(name: str, asked: str) -> Offer:
    """What the engine `name` can do here; an engine that the flag rules out is not asked."""
    if asked not in (AUTO, name):
        return Offer(problem=f"--engine {asked}")
    try:
        return Offer(open_engine(name).accelerators())
    except EngineError as error:
        return Offer(problem=error.message)
