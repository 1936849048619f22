"""What inference costs: a module is built once for many files, from its own text, and not beyond a count."""

from pathlib import Path

import pytest
from astroid.builder import AstroidBuilder

from analyzers import lint
from analyzers.facts import stage2
from analyzers.facts.newest import Newest
from analyzers.facts.stage2 import Query, infer
from analyzers.project.model import Source
from analyzers.project.parsing import syntax_tree
from tests.analyzers.support import project

_BASE = 'class Base:\n    where = "cuda"\n\n\nclass Model(Base):\n    pass\n\n\nmodel = Model()\n'
_USE = "import torch\nfrom base import model\n\nx = torch.zeros(1).to(model.where)\n"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the modules that astroid builds."""
    names: list[str] = []
    build = AstroidBuilder.string_build

    def counted(self: AstroidBuilder, text: str, name: str, path: str) -> object:
        names.append(name)
        return build(self, text, name, path)

    monkeypatch.setattr(AstroidBuilder, "string_build", counted)
    monkeypatch.setattr(stage2, "_KEPT", Newest(stage2.MAX_CHARACTERS))
    return names


def test_a_module_that_many_files_lead_into_is_built_once(tmp_path: Path, built: list[str]) -> None:
    names = [f"part{number}.py" for number in range(5)]
    project(tmp_path, {"base.py": _BASE, **dict.fromkeys(names, _USE)})

    results = list(lint(names, root=tmp_path))

    assert all("GA201" in {finding.rule for finding in result.findings} for result in results)
    assert built.count("base") == 1


def test_a_module_that_has_changed_is_built_anew(tmp_path: Path, built: list[str]) -> None:
    for where in ("cuda", "cpu"):
        project(tmp_path, {"base.py": _BASE.replace("cuda", where), "part.py": _USE})
        (result,) = lint(["part.py"], root=tmp_path)

        assert ("GA201" in {finding.rule for finding in result.findings}) is (where == "cuda")
    assert built.count("base") == 2


def test_what_lies_beyond_the_count_is_not_built(
    tmp_path: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage2, "MAX_CHARACTERS", 50)
    project(tmp_path, {"base.py": _BASE, "part.py": _USE})

    (result,) = lint(["part.py"], root=tmp_path)

    assert "GA905" in {finding.rule for finding in result.findings}
    assert "base" not in built


def test_what_methods_set_on_self_costs_no_inference(tmp_path: Path, built: list[str]) -> None:
    code = _BASE.replace("    pass\n", "    def __init__(self, other):\n        self.a, other.b = 1, 2\n")
    project(tmp_path, {"func.py": "import torch\n" + code + "x = torch.zeros(1).to(model.where)\n"})

    (result,) = lint(["func.py"], root=tmp_path)

    rules = {finding.rule for finding in result.findings}
    assert ("GA201" in rules, "GA905" in rules, built) == (True, False, ["func"])


def test_an_attribute_that_a_method_sets_is_inferred() -> None:
    code = 'class A:\n    def __init__(self):\n        self.d = "cuda"\n\n\nclass B(A):\n    pass\n\n\nx = B().d\n'
    source = Source("a.py", "a", code, syntax_tree(code))

    answers, given_up = infer([Query("a.py", 10, 4)], [source], lambda _name: None)

    assert ([value.value for value in answers.values()], given_up) == (["cuda"], [])  # type: ignore[union-attr] # Known


def test_once_no_inference_is_left_nothing_is_built(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage2, "MAX_INFERENCES_IN_ALL", 1)
    sources = [Source(f"{name}.py", name, "x = 1\ny = x\n", syntax_tree("x = 1\ny = x\n")) for name in "abcd"]

    _, given_up = infer([Query(source.path, 2, 4) for source in sources], sources, lambda _name: None)

    assert len(given_up) == 4
    assert built == ["a"]
