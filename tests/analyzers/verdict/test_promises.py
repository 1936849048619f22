"""What a report promises is done to the code, and the mode has to become the promised one: on every rule's examples."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzers import analyze
from analyzers.rules.examination import evidence_rules, switchability_rules
from analyzers.rules.rule import Rule
from tests.analyzers.support import FILES_MARK, REQUIREMENTS_MARK, analysis_of, project

_RULES: tuple[Rule[Any], ...] = (*evidence_rules(), *switchability_rules())
_EXAMPLES = [
    pytest.param(example, id=f"{rule.code}-{number}")
    for rule in _RULES
    for number, example in enumerate((*rule.matches, *rule.passes))
    if not example.startswith((FILES_MARK, REQUIREMENTS_MARK))
]
_QUESTIONS = {
    "torch.cuda.is_available()": "if torch.cuda.is_available():\n",
    "a test for a GPU": 'import os\nif os.environ.get("GAIA_BACKEND") == "gpu":\n',
}
_LOADED = 'models.from_pretrained("x/llama-1b")'


def kept(code: str, condition: str) -> str:
    """`code` after the change that a promise asks for."""
    lines = [int(line) for line in re.findall(r"func\.py:(\d+)", condition)]
    if condition.startswith("guard"):
        return _changed(code, lines, lambda text: _guarded(text, _QUESTIONS[condition.partition(" with ")[2]]))
    if condition.startswith("remove"):
        return _changed(code, lines, lambda _: "pass\n")
    assert condition.startswith("load a model of a billion parameters")
    return _changed(code, lines, lambda text: re.sub(r"\S+\(.*\)", lambda _: _LOADED, text, flags=re.DOTALL))


def _guarded(text: str, question: str) -> str:
    return question + "".join(f"    {line}" for line in text.splitlines(keepends=True))


def _changed(code: str, lines: list[int], change: Callable[[str], str]) -> str:
    """`code` with the statements that begin on `lines` changed, from the last to the first."""
    source = code.splitlines(keepends=True)
    source[-1] = source[-1].rstrip("\n") + "\n"
    for first, last in sorted({_extent(code, line) for line in lines}, reverse=True):
        text = "".join(source[first - 1 : last])
        indent = text[: len(text) - len(text.lstrip())]
        plain = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        source[first - 1 : last] = [f"{indent}{line}" for line in change(plain).splitlines(keepends=True)]
    return "".join(source)


def _extent(code: str, line: int) -> tuple[int, int]:
    """The lines of the innermost statement that holds `line`, decorators included."""
    holding = [(first, last) for first, last in _statements(ast.parse(code)) if first <= line <= last]
    return min(holding, key=lambda extent: extent[1] - extent[0])


def _statements(tree: ast.Module) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            decorators = getattr(node, "decorator_list", [])
            yield min([node.lineno, *(one.lineno for one in decorators)]), node.end_lineno or node.lineno


@pytest.mark.parametrize("example", _EXAMPLES)
def test_a_promise_that_is_kept_gives_the_promised_mode(example: str, tmp_path: Path) -> None:
    for number, promise in enumerate(analysis_of(tmp_path / "before", example).alternatives):
        changed = kept(example, promise.condition)

        assert analyze(project(tmp_path / str(number), None, func_py=changed)).mode == promise.mode, changed


def test_a_device_that_is_guarded_weighs_what_the_rule_says(tmp_path: Path) -> None:
    code = 'import torch\nnet = torch.jit.load("m.pt").to("cuda")\n'
    guarded = code.replace('"cuda"', '"cuda" if torch.cuda.is_available() else "cpu"')

    (promise,) = analysis_of(tmp_path / "before", code).alternatives

    assert promise.sentence == "Guard func.py:2 with torch.cuda.is_available() and the mode becomes gpu_preferred"
    assert analysis_of(tmp_path / "after", guarded).mode == promise.mode
