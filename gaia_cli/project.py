"""gaia.toml, [tool.gaia] or func.yaml, read and checked into one frozen FunctionProject.

Flag > environment (GAIA_*) > file > default. Unknown keys are errors that name the nearest known key.
"""

from dataclasses import dataclass, field
from pathlib import Path

from runtime_images.policy.model import ExecutionMode, Prices, Slo


@dataclass(frozen=True, slots=True)
class FunctionProject:
    """A function's directory and everything its configuration says.

    `entrypoint` is "path.py" or "path.py:attribute" relative to `directory`, empty to search. `requirements` are the
    requirement lines from requirements.txt or pyproject.toml's dependencies; `gpu_requirements` come on top where a real
    GPU is used. `pin` fixes the mode whatever the analyzer says.
    """

    directory: Path
    name: str
    entrypoint: str = ""
    python: str = ""
    requirements: tuple[str, ...] = ()
    gpu_requirements: tuple[str, ...] = ()
    pin: ExecutionMode | None = None
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    base_image: str = ""
    concurrency: int = 0
    idempotent: bool = False
    cpus: float | None = None
    memory: str = ""
    gpus: int = 1
    max_body_mb: float = 16.0
    request_timeout_s: float = 300.0


def load_project(path: Path) -> FunctionProject:
    """Read the project at `path`, a directory or a single Python file.

    Raises:
        UsageError: there is nothing at `path`, or the directory is empty.
        ConfigurationError: a configuration file is malformed, has an unknown key or a value of the wrong type.
    """
    raise NotImplementedError(path)
