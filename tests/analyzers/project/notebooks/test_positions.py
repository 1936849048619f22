import json
import time

import pytest

from analyzers.facts.model import Place
from analyzers.project.notebooks.positions import NotebookFile
from tests.support.notebooks import as_text, notebook

_CODE = 'import torch\nx = "é\\n"; y = torch.zeros(3).cuda()\n'
_STRETCH = "torch.zeros(3).cuda()"


def _stretch(text: str, place: Place) -> str:
    """What stands at a place of a file."""
    return text.splitlines()[place.line - 1][place.column - 1 : place.end_column - 1]


def _place(cell: int = 1) -> Place:
    line = _CODE.splitlines()[1]
    start = line.index(_STRETCH) + 1
    return Place("a.ipynb", 2, start, start + len(_STRETCH), cell)


@pytest.mark.parametrize("indent", [1, None], ids=["as Jupyter writes it", "in one line"])
def test_a_place_in_a_cell_is_found_in_the_file(indent: int | None) -> None:
    text = notebook(("markdown", "# cells [1]"), _CODE, indent=indent)

    assert _stretch(text, NotebookFile(text).place(_place(2))) == _STRETCH


@pytest.mark.parametrize(
    "source",
    [
        _CODE,
        _CODE.replace("\n", "\r\n"),
        _CODE.replace("\n", "\r"),
        [*_CODE],
        _CODE.splitlines(keepends=True),
    ],
    ids=["one string", "DOS", "Mac", "letters", "lines"],
)
def test_however_the_source_is_cut_the_line_is_that_of_the_code(source: str | list[str]) -> None:
    cell = {"outputs": [{"source": ["x"], "text": ["y"]}], "source": source, "cell_type": "code"}
    text = as_text({"metadata": {"cells": [{"source": "no"}]}, "cells": [cell]})
    place = NotebookFile(text).place(_place())

    assert text.splitlines()[place.line - 1][place.column - 1] == "t"
    assert place.end_column > place.column


def test_characters_are_counted_however_they_are_escaped() -> None:
    code = "y = '😀ä\t\"'; z = torch.cuda\n"
    text = json.dumps({"cells": [{"source": code}]})  # writes a pair of surrogates for the first of them
    column = code.index("torch") + 1

    assert _stretch(text, NotebookFile(text).place(Place("a.ipynb", 1, column, column + 10, 1))) == "torch.cuda"


@pytest.mark.parametrize("place", [Place("a.ipynb", 9, 1, 2, 1), Place("a.ipynb", 1, 1, 2, 7)])
def test_what_is_not_there_is_shown_on_the_first_line(place: Place) -> None:
    assert NotebookFile(notebook("x = 1")).place(place) == Place("a.ipynb", 1)


def test_a_mark_behind_the_end_of_a_line_stays_on_the_line() -> None:
    text = notebook("x = 1\n", "y = 2")
    place = NotebookFile(text).place(Place("a.ipynb", 1, 5, 99, 1))

    assert text.splitlines()[place.line - 1].strip() == '"x = 1\\n"'
    assert _stretch(text, place) == "1"


@pytest.mark.parametrize("text", ["", "]", '"', '{"cells": [', "[[[", '{"cells": {"source": "x"}}', "}{" * 99])
def test_text_that_is_no_notebook_does_no_harm(text: str) -> None:
    assert NotebookFile(text).place(_place()) == Place("a.ipynb", 1)


def test_the_places_of_many_findings_cost_no_more_than_the_notebook_and_they() -> None:
    def spent(lines: int) -> float:
        file = NotebookFile(json.dumps({"cells": [{"cell_type": "code", "source": ["x.to('cuda')\n"] * lines}]}))
        began = time.process_time()
        for line in range(1, lines + 1):
            assert file.place(Place("cells.ipynb", line, 1, 2, 1)).column > 1
        return time.process_time() - began

    assert spent(20_000) < 5  # it took the square: half an hour
