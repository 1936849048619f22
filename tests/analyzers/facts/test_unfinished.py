"""Values that are asked for and cannot be worked out: the facts say so, once the rules have looked."""

import ast

import pytest

from analyzers.facts.stage1 import DeepRecursion, extract, unfinished
from analyzers.facts.values import evaluator
from analyzers.project.model import Source

_SUM = "torch.zeros(" + " + ".join(["size"] * 40) + ")"


def _source(path: str, code: str) -> Source:
    return Source(path, path.removesuffix(".py"), code, ast.parse(code))


def test_each_file_whose_values_go_beyond_the_budget_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator, "MAX_STEPS", 60)
    code = f"import torch\nsize = 3\n{_SUM}\n{_SUM}\n"
    files, failures = extract([_source("a.py", code), _source("b.py", code)], ())
    assert (failures, unfinished(files)) == ((), ())

    with DeepRecursion():
        for file in files:
            assert [argument.value for call in file.calls for argument in call.arguments]

    assert [(found.rule, found.place.path) for found in unfinished(files)] == [("GA905", "a.py"), ("GA905", "b.py")]
