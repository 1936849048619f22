"""The Dockerfile beside a function, instruction by instruction: in that image its code runs.

What the image is built from, what it installs and what it starts are software as much as the code's own imports. Only
the last stage counts, and the stages that it begins with. Of a script that the image starts the lines are read too. A
file that cannot be read says nothing here; that a Dockerfile is broken is for those who build it.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from analyzers.findings import Place
from analyzers.lean.files import TEXT_BYTES, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.project.model import Step
from analyzers.project.requirements import joined_lines, text_of_list

_DOCKERFILE = "Dockerfile"
_NAMED = Pattern(r"(?i)dockerfile\.\w|[\w-]++\.dockerfile$|containerfile$")
_ASIDE = Pattern(r"(?i)dev|test|lint|doc(?!ker)|front|web|nginx|ignore")
"""Dockerfiles that serve something else, and the list of what is left out."""
SCRIPT = "SCRIPT"
"""The word of a line in a script that the image starts."""
_STARTS = frozenset({"CMD", "ENTRYPOINT"})
_QUOTING = str.maketrans("\"'[],", "     ")
_ARGUMENT = Pattern(r"""([A-Za-z_]\w{0,99})=["']?([^\s"']{0,500})""")
_USED = Pattern(r"\$(?:\{([A-Za-z_]\w{0,99})(?::?-([^}]{0,200}))?\}|([A-Za-z_]\w{0,99}))")
_HEREDOC = Pattern(r"<<-?[\"']?([A-Za-z_]\w{0,99})")
_MOST_SCRIPTS = 5
_MOST_STEPS = 1000
_LONGEST = 10_000
"""Characters of an instruction."""
_MOST_USES = 20
"""Arguments that are put into one instruction: each may be long."""


def read_steps(root: Path, entry: str = "") -> tuple[Step, ...]:
    """Return the instructions of the Dockerfiles at the project's root and beside `entry`."""
    folders = dict.fromkeys(("", entry.rpartition("/")[0]))
    return tuple(step for folder in folders for step in _beside(str(root), f"{folder}/".lstrip("/")))


def _beside(root: str, folder: str) -> Iterator[Step]:
    path = folder + _name(f"{root}/{folder}")
    steps = _last_stage(islice(_instructions(path, _text(root, path)), _MOST_STEPS))
    yield from steps
    words = (word for step in steps if step.word in _STARTS for word in step.text.translate(_QUOTING).split())
    scripts = dict.fromkeys(folder + word.rpartition("/")[2] for word in words if word.endswith(".sh"))
    for script in list(scripts)[:_MOST_SCRIPTS]:
        yield from _of_script(script, _text(root, script))


def _name(folder: str) -> str:
    """Return what the Dockerfile in `folder` is called: `Dockerfile.gpu` is one where there is no other."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- pathlib makes a Path of every file
    except OSError:
        return _DOCKERFILE
    others = [name for name in names if _NAMED.match(name) and not _ASIDE.search(name)]
    return others[0] if len(others) == 1 and _DOCKERFILE not in names else _DOCKERFILE


def _text(root: str, path: str) -> str:
    try:
        return text_of_list(read_inside(root, path, TEXT_BYTES), "replace")
    except OSError:
        return ""


def _instructions(path: str, text: str) -> Iterator[Step]:
    """Yield the instructions; a line that ends in a backslash goes on in the next, a heredoc to its last word."""
    begun, parts, ends = 0, list[str](), ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if ends:
            parts.append("" if bare == ends else f"\n{bare}")
            ends = "" if bare == ends else ends
        elif not bare or bare.startswith("#"):
            continue
        else:
            begun = begun or number
            parts.append(bare.removesuffix("\\").strip())
            heredoc = _HEREDOC.search(bare)
            ends = heredoc[1] if heredoc else ""
        if begun and not ends and not bare.endswith("\\"):
            yield _step(path, begun, " ".join(parts))
            begun, parts = 0, []
    if begun:
        yield _step(path, begun, " ".join(parts))


def _step(path: str, number: int, instruction: str) -> Step:
    word, _, text = instruction.partition(" ")
    return Step(word.upper(), text.strip()[:_LONGEST], Place(path, number))


def _of_script(path: str, text: str) -> Iterator[Step]:
    """Yield the commands of a shell script."""
    lines = islice(joined_lines(path, text), _MOST_STEPS)
    return (Step(SCRIPT, one.text[:_LONGEST], Place(one.path, one.number)) for one in lines)


def _last_stage(steps: Iterable[Step]) -> list[Step]:
    """Return the instructions that the image is made of, with what its ARGs and ENVs are by default."""
    stages: dict[str, list[Step]] = {}
    given: dict[str, str] = {}
    current: list[Step] = []
    for step in steps:
        text = _filled(step.text, given)
        if step.word in ("ARG", "ENV"):
            given.update(_ARGUMENT.findall(text))
        if step.word != "FROM":
            current.append(Step(step.word, text, step.place))
            continue
        image, *alias = [word for word in text.split() if not word.startswith("--")] or [""]
        current = [*stages.get(image.lower(), [Step("FROM", image, step.place)])]
        if alias:
            stages[alias[-1].lower()] = current
    return current


def _filled(text: str, given: dict[str, str]) -> str:
    """Return `text` with the arguments that are `given`; what is unknown stays as it is."""
    return _USED.sub(lambda used: given.get(used[1] or used[3], used[2] or used[0]), text, _MOST_USES)
