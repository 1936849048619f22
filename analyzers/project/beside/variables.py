"""The environment variables that files beside the code give a value: `ENV` in the Dockerfile, `[run.env]` in gaia.toml.

They decide as much as the code: `ENV CUDA_VISIBLE_DEVICES=""` hides every GPU. What cannot be read says nothing here.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from analyzers.findings import Place
from analyzers.lean import toml
from analyzers.lean.files import TEXT_BYTES, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.project.model import Step, Variable
from analyzers.project.requirements import text_of_list

_SET = Pattern(r"""([A-Za-z_]\w{0,99})=("[^"\n]{0,500}"|'[^'\n]{0,500}'|[^\s"']{0,500})""")
"""One of several in `ENV A=1 B="two"`."""
_ALONE = Pattern(r"([A-Za-z_]\w{0,99})[ \t]+(\S.{0,500})$")
"""The older `ENV A value`."""


def read_variables(root: Path, steps: Iterable[Step], entry: str = "") -> tuple[Variable, ...]:
    """Return the variables that `steps` of an image set, then those in gaia.toml at the root and beside `entry`."""
    by_image = [Variable(*pair, step.place) for step in steps if step.word == "ENV" for pair in _set_by(step.text)]
    folders = dict.fromkeys(("", entry.rpartition("/")[0]))
    return (*by_image, *(one for folder in folders for one in _beside(str(root), f"{folder}/".lstrip("/"))))


def _beside(root: str, folder: str) -> Iterator[Variable]:
    path = f"{folder}gaia.toml"
    try:
        text = text_of_list(read_inside(root, path, TEXT_BYTES), "replace")
    except OSError:
        return
    yield from (Variable(name, value, Place(path, 1)) for name, value in _configured(text))


def _set_by(instruction: str) -> Iterator[tuple[str, str]]:
    if alone := _ALONE.match(instruction):
        yield alone[1], alone[2].strip().strip("\"'")
    else:
        yield from ((name, value.strip("\"'")) for name, value in _SET.findall(instruction))


def _configured(text: str) -> Iterator[tuple[str, str]]:
    if "env" not in text:
        return
    try:
        run = toml.loads(text).get("run", {})
    except ValueError:
        return
    set_there = run.get("env", {}) if isinstance(run, dict) else {}
    if isinstance(set_there, dict):
        yield from ((name, value) for name, value in set_there.items() if isinstance(value, str))
