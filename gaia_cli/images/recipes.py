"""The recipes that ship with the runtime (runtime_images/recipes), read from the installed package."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import runtime_images

RUNTIME_PACKAGE = Path(runtime_images.__file__).parent
"""The package that images carry as it is."""

_RECIPES = RUNTIME_PACKAGE / "recipes"


@dataclass(frozen=True, slots=True)
class BaseImages:
    """The table of base images: `slim` is a pattern with {python}, `cuda` a fixed image with the Python `cuda_python`.

    `brings_cuda` maps a distribution that installs CUDA beside itself to the beginning of the extra that does so, empty
    where the plain requirement does.
    """

    slim: str
    cuda: str
    cuda_python: str
    brings_cuda: dict[str, str]


@cache
def base_images() -> BaseImages:
    """Read the table of base images."""
    table = tomllib.loads((_RECIPES / "base_images.toml").read_text(encoding="utf-8"))
    return BaseImages(table["slim"]["image"], table["cuda"]["image"], table["cuda"]["python"], table["brings_cuda"])


@cache
def dockerfile_template() -> str:
    """Read the Dockerfile, with <words> in the places that a plan fills."""
    return (_RECIPES / "Dockerfile.template").read_text(encoding="utf-8")


@cache
def runtime_requirements() -> bytes:
    """Read the requirements file of the runtime's own environment."""
    return (_RECIPES / "requirements-runtime.txt").read_bytes()
