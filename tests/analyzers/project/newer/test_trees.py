import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from analyzers import analyze
from analyzers.project.newer import child
from analyzers.project.newer.interpreters import chosen, function_python
from analyzers.project.newer.signs import RUNNING, Version
from analyzers.project.parsing import LONGEST_S, MOST_BYTES, syntax_tree
from gaia_cli.commands.analyze import analyze as analyze_command
from gaia_cli.errors import ExitCode
from tests.analyzers.support import project

_PLACED = '    return torch.ones(3, device="cuda").tolist()\n'
SYNTAX: dict[str, tuple[Version, str]] = {
    "a type statement": ((3, 12), "type Vector = list[float]\n"),
    "a generic type statement": ((3, 12), "type Pair[T] = tuple[T, T]\n"),
    "type parameters of a function": ((3, 12), "def first[T](xs: list[T]) -> T:\n    return xs[0]\n"),
    "type parameters of a coroutine": ((3, 12), "async def first[**P](*xs: P.args) -> None:\n    pass\n"),
    "type parameters of a class": ((3, 12), "class Box[T: int, *Ts](dict):\n    item: T\n"),
    "the same quotes in an f-string": ((3, 12), 'd = {"a": 1}\nx = f"{d["a"]}"\n'),
    "a backslash in an f-string": ((3, 12), "x = f\"{'\\n'.join('ab')}\"\n"),
    "a comment in an f-string": ((3, 12), 'x = f"""{\n    1  # one\n}"""\n'),
    "f-strings in f-strings": ((3, 12), "x = f'{f'{f'{1}'}'}'\n"),
    "defaults of type parameters": ((3, 13), "def first[T = int](xs: list[T]) -> T:\n    return xs[0]\n"),
    "a template string": ((3, 14), 'name = "x"\ny = t"{name!r:>{9}} b"\n'),
    "except without parentheses": ((3, 14), "try:\n    x = 1\nexcept ValueError, KeyError:\n    x = 2\n"),
}


def _needs(version: Version) -> None:
    if version > RUNNING and chosen(version) is None:
        pytest.skip(f"no Python {'.'.join(map(str, version))} or newer is installed")


def _function(code: str) -> str:
    return f"import torch\n\n{code}\n\ndef handler(payload):\n{_PLACED}"


@pytest.mark.parametrize("name", SYNTAX)
def test_a_newer_python_parses_what_this_one_cannot(name: str, tmp_path: Path) -> None:
    since, code = SYNTAX[name]
    _needs(since)
    text = _function(code)

    found = analyze(project(tmp_path, func_py=text))

    line = text.splitlines().index(_PLACED.rstrip()) + 1
    assert (found.mode, found.entry, found.failures) == ("gpu", "func.py", ())
    assert [one.place.line for one in found.findings if one.rule == "GA201"] == [line]


@pytest.mark.parametrize("name", SYNTAX)
def test_the_linter_agrees_with_and_without_its_cache(name: str, tmp_path: Path) -> None:
    from analyzers import lint

    since, code = SYNTAX[name]
    _needs(since)
    (tmp_path / "a.py").write_text(f'import torch\n\n{code}\nnet = torch.nn.Linear(1, 1).to("cuda")\n')
    results = [list(lint(["a.py"], root=tmp_path, cache_dir=tmp_path / "cache")) for _ in range(2)]

    assert results[0] == results[1]
    assert {one.rule for one in results[0][0].findings} & {"GA701", "GA901"} == {"GA701"}


def test_a_newer_file_that_says_nothing_of_gpus_is_valid_too(tmp_path: Path) -> None:
    from analyzers import lint

    _needs((3, 12))
    (tmp_path / "a.py").write_text("type A = int\n")

    assert [one.findings for one in lint(["a.py"], root=tmp_path)] == [()]


def test_a_module_in_newer_syntax_is_followed(tmp_path: Path) -> None:
    _needs((3, 12))
    code = 'import torch\n\n\ndef put[T](x: T) -> T:\n    return torch.ones(x).to("cuda")\n'
    root = project(tmp_path, func_py="import work\n\n\ndef handler(n):\n    return work.put(n)\n", work_py=code)

    assert analyze(root).mode == "gpu"


@pytest.mark.parametrize(
    "code", ['print "x"\n', "{% if x %}\n", "<<<<<<< HEAD\nx = 1\n=======\n", "def handler(payload:\n    pass\n"]
)
def test_what_is_no_python_for_anybody_is_one_finding_and_asks_nobody(code: str, tmp_path: Path) -> None:
    found = analyze(project(tmp_path, func_py=code))

    assert [one.rule for one in found.failures] == ["GA901"]
    assert "run Gaia" not in found.failures[0].message
    assert "was tried" not in found.failures[0].message


def test_without_a_newer_python_one_sentence_says_which_to_take(tmp_path: Path) -> None:
    if RUNNING >= (3, 14) or chosen((3, 14)) is not None:
        pytest.skip("there is a Python 3.14")
    found = analyze(project(tmp_path, func_py="try:\n    pass\nexcept ValueError, KeyError:\n    pass\n"))

    assert len(found.failures) == 1
    assert found.failures[0].message.endswith(
        "it looks like Python 3.14: run Gaia with that, or put a python3.14 on the PATH for it to ask"
    )


def test_an_error_in_newer_code_is_the_newer_pythons(tmp_path: Path) -> None:
    _needs((3, 12))
    if RUNNING >= (3, 12):
        pytest.skip("this Python knows the syntax")
    (failure,) = analyze(project(tmp_path, func_py="type A = int\n\ndef f(:\n    pass\n")).failures

    assert failure.place.line == 3
    assert "was tried as well" in failure.message


def test_the_python_that_the_function_asks_for_chooses_the_grammar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = f"{RUNNING[0]}.{RUNNING[1]}"
    text = _function(SYNTAX["except without parentheses"][1] if RUNNING >= (3, 12) else "type A = int\n")
    project(tmp_path, func_py=text, gaia_toml=f'[function]\npython = "{older}"\n')

    assert analyze_command(tmp_path, output_format="json") is ExitCode.USAGE
    assert f"and the function asks for {older}" in json.loads(capsys.readouterr().out)["evidence"][0]["message"]


def test_requires_python_names_the_python_to_run_gaia_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if RUNNING >= (3, 14) or chosen((3, 14)) is not None:
        pytest.skip("there is a Python 3.14")
    project(tmp_path, func_py='x = t"{1}"\n', pyproject_toml='[project]\nname = "x"\nrequires-python = ">=3.14"\n')

    assert analyze_command(tmp_path, output_format="json") is ExitCode.USAGE
    assert "the function asks for Python 3.14: run Gaia with that" in capsys.readouterr().out


def test_long_and_deep_code_ends_within_the_limits(tmp_path: Path) -> None:
    _needs((3, 12))
    deep = f"type A = int\nx = {'(' * 5000}{')' * 5000}\n"
    slow = "type A = int\n" + 'x = f"' + "{a}" * 300_000 + '"\n'
    for code in (deep, slow):
        (failure,) = analyze(project(tmp_path, func_py=code)).failures
        assert failure.rule in ("GA901", "GA904")


def test_what_the_newer_python_writes_builds_the_same_tree() -> None:
    text = Path(ast.__file__).read_text() + 'x = [1, 2.5, 3j, b"x", ..., None, True, -0.0, 1e400, 10**9, "\\ud800é"]\n'
    program = [sys.executable, "-I", "-S", "-B", child.__file__, str(LONGEST_S), str(MOST_BYTES)]
    ended = subprocess.run(program, input=json.dumps(text).encode(), capture_output=True, check=True)

    from analyzers.project.newer.trees import _built

    assert ast.dump(_built(json.loads(ended.stdout)["nodes"]), include_attributes=True) == ast.dump(
        syntax_tree(text), include_attributes=True
    )


def test_a_version_that_is_none_asks_for_nothing() -> None:
    with function_python("latest"):
        assert syntax_tree("x = 1\n").body
