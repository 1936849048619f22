"""`gaia init`: write a small working function to begin with."""

import os
from pathlib import Path

from analyzers.lean.printable import printable
from analyzers.lean.writing import make_directories, write_named
from gaia_cli.errors import ExitCode, UsageError, shell_word
from gaia_cli.places import working_tree
from gaia_cli.project import kinds
from gaia_cli.project.names import legal_name, what_is_wrong

_TEMPLATES = Path(kinds.__file__).with_name("templates")
_FILES = ("func.py", "gaia.toml", "requirements.txt")
_PLACEHOLDER = "function-name"


def init(directory: Path, template: str = "handler", name: str = "") -> ExitCode:
    """Write the files of `template` into `directory` and say what to do next; overwrites nothing."""
    from gaia_cli.views import console

    if name and (wrong := what_is_wrong(name)):
        raise UsageError(f"--name {name} {wrong}", f"use --name {legal_name(name)}")
    project_name = name or legal_name(os.path.basename(os.path.realpath(directory)))  # noqa: PTH119 -- pathlib raises on links in a circle
    taken = [str(directory / file) for file in _FILES if os.path.lexists(directory / file)]
    if taken:
        raise UsageError(f"{', '.join(taken)} would be overwritten", "give a new directory, or move what is there")
    try:
        tree = working_tree()
        make_directories(tree, str(directory))
        for file in _FILES:
            text = (_TEMPLATES / template / file).read_text(encoding="utf-8")
            write_named(tree, str(directory / file), text.replace(_PLACEHOLDER, project_name).encode())
    except OSError as error:
        raise UsageError(f"cannot write to {directory}: {error.strerror}", "choose a writable directory") from None
    console.result(_next_steps(directory))
    return ExitCode.OK


def _next_steps(directory: Path) -> str:
    place = printable(shell_word(directory))
    return f"""wrote {printable(", ".join(str(directory / file) for file in _FILES))}

Next:
  gaia analyze {place}
  gaia invoke {place} --data '{{"name": "you"}}'
  gaia run {place}"""
