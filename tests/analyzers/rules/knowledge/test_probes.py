"""Small functions around one use of a library each, with the modes that are right for it.

A probe in probes/*.txt begins with `## NAME: MODES`; below stands main.py, and behind a line `>> NAME` another file.
`unsure` says that the confidence is low.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzers import analyze
from tests.analyzers.support import project

_FOLDER = Path(__file__).parent / "probes"
_UNSURE = "unsure"
_LOW = 0.65


def _probes(name: str) -> Iterator[tuple[str, frozenset[str], dict[str, str]]]:
    """The name, the modes and the files of each probe in a list."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    for block in re.split(r"(?m)^## ", text)[1:]:
        head, _, code = block.partition("\n")
        probe, _, modes = head.partition(": ")
        main, *others = re.split(r"(?m)^>> ?", code)
        files = dict(other.split("\n", 1) for other in others)
        yield probe, frozenset(modes.split()), {"main.py": main, **files}


_ALL = [
    (f"{name}-{probe}", modes, files)
    for name in ("libraries", "placements", "cpu_pins", "amounts")
    for probe, modes, files in _probes(name)
]


@pytest.mark.parametrize(("modes", "files"), [probe[1:] for probe in _ALL], ids=[probe[0] for probe in _ALL])
def test_a_probe_gets_one_of_its_modes(modes: frozenset[str], files: dict[str, str], tmp_path: Path) -> None:
    analysis = analyze(project(tmp_path, files), entrypoint="main.py")

    assert analysis.mode in modes
    assert _UNSURE not in modes or analysis.confidence <= _LOW
