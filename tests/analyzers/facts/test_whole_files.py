"""No statement hides the rest of its file: chains and tables cost little, and what is beyond the budget is told."""

import ast
from pathlib import Path

import pytest

from analyzers import analyze, lint
from analyzers.facts.model import Value
from analyzers.facts.scopes.model import Scope
from analyzers.facts.values.evaluator import Evaluator
from tests.analyzers.support import project

_BEFORE = "import torch\n\nmodel = torch.nn.Linear(2, 2)\n"
_AFTER = '\n\ndef handler(event):\n    return model.to("cuda")(event)\n\n\nx = torch.zeros(1).cuda()\n'

LONG = {
    "a chain of calls": 's = "abc"' + "".join(f'.replace("{n}", "")' for n in range(1_400)),
    "a chain over lines": "s = (df\n" + "".join(f"    .assign(c{n}=lambda d: d.a + {n})\n" for n in range(800)) + ")",
    "a chain whose calls hold others": "s = q" + "".join(f".filter(f({n}, g(x).y).z, h=k[{n}])" for n in range(800)),
    "a chain that is awaited": "async def q():\n    r = (await c" + ".x()" * 900 + ")",
    "a chain with subscripts": "s = q" + ".a()[0]" * 700,
    "a product of many matrices": "s = " + " @ ".join(f"a{n}" for n in range(900)),
    "a long sum": "s = " + " + ".join(f"f(a{n})" for n in range(900)),
    "nested calls": "s = " + "f(" * 90 + "1" + ")" * 90,
    "nested lists": "s = " + "[" * 90 + "1" + "]" * 90,
    "many elif": "def pick(a):\n    if a == 0:\n        return f(0)\n"
    + "".join(f"    elif a == {n}:\n        return f({n})\n" for n in range(1, 900)),
    "a large dict": "T = {\n" + "".join(f"    'key{n}': Entry({n}),\n" for n in range(5_000)) + "}\nv = T['key1']",
    "a large list": "T = [\n" + "".join(f"    ({n}, 'a{n}'),\n" for n in range(20_000)) + "]\n" + "use(T)\n" * 300,
    "an f-string of many fields": "s = f'" + "".join(f"{{a{n}}} " for n in range(1_500)) + "'",
    "generated messages": "D = pool.AddSerializedFile(b'" + "\\n\\x0f" * 9_000 + "')\n"
    + "".join(f"_M{n} = D.types['M{n}']\n_M{n}._start = {n}\ndb.Register(_M{n})\n" for n in range(1_000)),
}  # fmt: skip


@pytest.mark.parametrize("code", LONG.values(), ids=LONG)
def test_a_long_statement_hides_nothing_of_its_file(tmp_path: Path, code: str) -> None:
    project(tmp_path, {"main.py": _BEFORE + code + _AFTER})

    (result,) = lint(["main.py"], root=tmp_path, evidence=False)

    assert [finding.rule for finding in result.findings] == ["GA701", "GA701", "GA702"]
    assert analyze(tmp_path).failures == ()


def test_each_link_of_a_chain_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    call = Evaluator._call

    def counted(evaluator: Evaluator, node: ast.Call, scope: Scope) -> Value:
        asked.append(node)
        return call(evaluator, node, scope)

    monkeypatch.setattr(Evaluator, "_call", counted)
    project(tmp_path, {"main.py": _BEFORE + "s = q" + ".cuda_x()" * 400 + "\n"})

    list(lint(["main.py"], root=tmp_path))

    assert len(asked) < 3 * 400


def test_what_is_beyond_the_budget_is_told_by_the_look_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.facts.values.evaluator.MAX_STEPS", 60)
    code = "".join(f"a{n} = b{n} + a{n + 1}\n" for n in range(99)) + "model.run(a0)\nmodel.to(device=a0)\n"
    project(tmp_path, {"main.py": _BEFORE + "".join(f"use{n}(x{n})\n" for n in range(99)) + code + _AFTER})

    (result,) = lint(["main.py"], root=tmp_path, evidence=False)

    assert {finding.rule for finding in result.findings} >= {"GA701", "GA905"}


def test_code_under_a_test_that_is_beyond_the_budget_is_not_called_unguarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzers.facts.values.evaluator.MAX_STEPS", 60)
    code = "".join(f"use{n}(x{n})\n" for n in range(99)) + 'if torch.cuda.is_available():\n    model.to("cuda")\n'
    project(tmp_path, {"main.py": _BEFORE + code})

    (result,) = lint(["main.py"], root=tmp_path, evidence=False)

    assert "GA701" not in {finding.rule for finding in result.findings}
