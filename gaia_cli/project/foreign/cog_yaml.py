"""cog.yaml, as far as it concerns Gaia: what cog installs for a predictor, and on which Python.

cog itself is in none of its lists, since `cog build` installs it: see `serving.with_library`.
"""

from pathlib import Path
from typing import NamedTuple

from gaia_cli.project.foreign.yaml_nodes import Said, composed, keys, rows, said
from gaia_cli.project.own_files import text_of

FILE = "cog.yaml"


class Build(NamedTuple):
    """What stands under `build`: a Python, the name of a requirements file, packages. None where nothing does."""

    python: Said | None = None
    requirements: Said | None = None
    packages: tuple[str, ...] = ()


def read(directory: Path) -> Build:
    """Return what the file says, nothing where there is none.

    Raises:
        ConfigurationError: it cannot be read.
    """
    text = text_of(directory, FILE)
    if text is None:
        return Build()
    build = keys(keys(composed(text, directory / FILE)).get("build"))
    packages = (said(one) for one in rows(build.get("python_packages")))
    return Build(
        said(build.get("python_version")),
        said(build.get("python_requirements")),
        tuple(one.value for one in packages if one is not None),
    )
