"""The environment variables that files beside the code give a value: `ENV` in the Dockerfile, `[run.env]` in gaia.toml.

They decide as much as the code: `ENV CUDA_VISIBLE_DEVICES=""` hides every GPU. What cannot be read says nothing here;
that a Dockerfile is broken is for those who build it.
"""

from collections.abc import Iterator
from pathlib import Path

from analyzers.findings import Place
from analyzers.lean import toml
from analyzers.lean.files import TEXT_BYTES, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.project.model import Variable
from analyzers.project.requirements import text_of_list

_DOCKERFILE, _CONFIGURATION = "Dockerfile", "gaia.toml"
_SET = Pattern(r"""([A-Za-z_]\w{0,99})=("[^"\n]{0,500}"|'[^'\n]{0,500}'|[^\s"']{0,500})""")
"""One of several in `ENV A=1 B="two"`."""
_ALONE = Pattern(r"([A-Za-z_]\w{0,99})[ \t]+(\S.{0,500})$")
"""The older `ENV A value`."""


def read_variables(root: Path, entry: str = "") -> tuple[Variable, ...]:
    """Return the variables that are set at the project's root and beside `entry`."""
    folders = dict.fromkeys(("", entry.rpartition("/")[0]))
    return tuple(one for folder in folders for one in _beside(str(root), f"{folder}/".lstrip("/")))


def _beside(root: str, folder: str) -> Iterator[Variable]:
    dockerfile = folder + _DOCKERFILE
    for number, line in _instructions(_text(root, dockerfile)):
        yield from (Variable(name, value, Place(dockerfile, number)) for name, value in _set_by(line))
    path = folder + _CONFIGURATION
    yield from (Variable(name, value, Place(path, 1)) for name, value in _configured(_text(root, path)))


def _text(root: str, path: str) -> str:
    try:
        return text_of_list(read_inside(root, path, TEXT_BYTES), "replace")
    except OSError:
        return ""


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Yield what each ENV instruction sets, with its line; a line that ends in a backslash goes on in the next."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        if not begun and word.upper() == "ENV":
            begun, parts = number, [rest.strip()]
        elif begun and line.lstrip().startswith("#"):
            continue
        elif begun:
            parts.append(line.strip())
        if begun and not line.rstrip().endswith("\\"):
            yield begun, " ".join(part.removesuffix("\\").strip() for part in parts)
            begun = 0


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
