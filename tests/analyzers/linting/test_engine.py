"""Files linted one by one: in the project they lie in, from the cache, in several processes, whatever they hold."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analyzers import FileResult, analyze, lint
from analyzers.linting import cache as cache_module
from analyzers.linting.cache import write_sealed
from analyzers.linting.engine import MANY_FILES
from tests.analyzers.support import project

_PINNED = 'import torch\n\nx = torch.zeros(3).to("cuda")\n'
_SERVED = "def handler(payload):\n    return payload\n"
_IMPORTED = "import torch\nfrom config import DEVICE\n\nx = torch.zeros(3).to(DEVICE)\n"


def _found(results: list[FileResult]) -> list[tuple[str, str]]:
    return [(result.path, finding.rule) for result in results for finding in result.findings]


def _cache_file(cache: Path) -> Path:
    (found,) = cache.glob("*-lint.json")
    return found


def _lint(root: Path, *paths: str, cache: Path | None = None, processes: int = 1) -> list[FileResult]:
    return list(lint(list(paths), root=root, cache_dir=cache, processes=processes))


def _printed(program: str, root: Path) -> str:
    """Return what `program` prints in a process of its own, which is given `root`."""
    command = [sys.executable, "-c", program, str(root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_results_come_in_the_order_of_the_paths_and_relative_to_the_root(tmp_path: Path) -> None:
    project(tmp_path, {"b.py": _PINNED, "deep/a.py": _PINNED})

    results = list(lint([tmp_path / "deep" / "a.py", "b.py"], root=tmp_path))

    assert [result.path for result in results] == ["deep/a.py", "b.py"]
    assert {finding.place.path for finding in results[0].findings} == {"deep/a.py"}


@pytest.mark.parametrize("home", ["config.py", "src/config.py", "config/__init__.py"])
def test_a_name_leads_into_the_module_that_it_is_imported_from(tmp_path: Path, home: str) -> None:
    project(tmp_path, {"func.py": _IMPORTED, home: 'DEVICE = "cuda"\n'})

    assert ("func.py", "GA201") in _found(_lint(tmp_path, "func.py"))


def test_a_module_beside_the_file_is_found_and_only_the_files_own_findings_are_reported(tmp_path: Path) -> None:
    project(tmp_path, {"deep/func.py": _IMPORTED, "deep/config.py": f'{_PINNED}DEVICE = "cuda"\n'})

    results = _lint(tmp_path, "deep/func.py")

    assert ("deep/func.py", "GA201") in _found(results)
    assert {path for path, _ in _found(results)} == {"deep/func.py"}


def test_inference_finds_what_the_syntax_does_not_tell(tmp_path: Path) -> None:
    code = "import torch\nfrom base import A\n\nclass B(A):\n    pass\n\nb = B()\nx = torch.zeros(3).to(b.dev)\n"
    project(tmp_path, {"func.py": code, "base.py": 'class A:\n    dev = "cuda"\n'})

    assert ("func.py", "GA201") in _found(_lint(tmp_path, "func.py"))


def test_comments_silence_findings_and_those_in_vain_are_told(tmp_path: Path) -> None:
    code = (
        'import torch\nx = torch.zeros(3).to("cuda")  # gaia: ignore[GA201] only here\n'
        'y = "# noqa: GA201"\nz = 1  # noqa: GA202\n'
    )
    project(tmp_path, {"func.py": code})

    (result,) = _lint(tmp_path, "func.py")

    assert "GA201" not in {finding.rule for finding in result.findings}
    assert [(one.place.line, one.place.column, one.message) for one in result.vain] == [
        (4, 8, "this comment silences GA202, which finds nothing on its line"),
    ]


def test_a_second_run_takes_results_from_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": _PINNED + "y = 1  # noqa: GA999\n"})
    first = _lint(tmp_path, "func.py", cache=cache)
    stored = json.loads(_cache_file(cache).read_text())
    stored["entries"]["func.py"]["result"]["findings"][0][5] = "from the cache"
    write_sealed(str(cache), _cache_file(cache).name, stored)

    second = _lint(tmp_path, "func.py", cache=cache)

    assert second[0].findings[0].message == "from the cache"
    assert second[0].findings[1:] == first[0].findings[1:]
    assert second[0].vain == first[0].vain != ()
    assert (cache / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("func.py", _PINNED),
        ("config.py", 'DEVICE = "cuda"\n'),
        ("src/config.py", 'DEVICE = "cuda"\n'),
        ("other.py", 'DEVICE = "cuda"\n'),
    ],
)
def test_what_a_result_rests_on_makes_it_anew_when_it_changes(tmp_path: Path, change: str, text: str) -> None:
    cache = tmp_path / ".gaia_cache"
    code = _IMPORTED if change != "other.py" else _IMPORTED.replace("config", "other")
    project(tmp_path, {"func.py": code})
    if change == "config.py":
        project(tmp_path, {"config.py": 'DEVICE = "cpu"\n'})
    assert ("func.py", "GA201") not in _found(_lint(tmp_path, "func.py", cache=cache))

    project(tmp_path, {change: text})

    assert ("func.py", "GA201") in _found(_lint(tmp_path, "func.py", cache=cache))


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"format": 1}', "[" * 100_000, "\0", "entries", "result"])
def test_a_damaged_cache_is_ignored_and_written_anew(tmp_path: Path, damage: str) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": _PINNED})
    expected = _lint(tmp_path, "func.py", cache=cache)
    whole = json.loads(_cache_file(cache).read_text())
    if damage == "entries":
        whole["entries"] = {"func.py": 3}
    elif damage == "result":
        whole["entries"]["func.py"]["result"] = {"findings": [[1, 2]]}
    else:
        _cache_file(cache).write_text(damage)
    if damage in ("entries", "result"):
        write_sealed(str(cache), _cache_file(cache).name, whole)

    assert _lint(tmp_path, "func.py", cache=cache) == expected
    assert json.loads(_cache_file(cache).read_text())["entries"]["func.py"]["result"]["findings"]


def test_other_rules_do_not_use_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": _PINNED})
    expected = _lint(tmp_path, "func.py", cache=cache)
    stored = json.loads(_cache_file(cache).read_text())
    stored["entries"]["func.py"]["result"]["findings"] = []
    stored["stamp"], stored["rules"] = "other", "other"
    write_sealed(str(cache), _cache_file(cache).name, stored)

    assert _lint(tmp_path, "func.py", cache=cache) == expected


@pytest.mark.parametrize("name", ["rules/rule.py", "rules/knowledge/libraries.tsv"])
def test_rules_whose_code_or_tables_have_changed_do_not_use_the_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "analyzers"
    shutil.copytree(Path(cache_module.__file__).parents[1], package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache_module, "_PACKAGE", str(package))
    cache = tmp_path / ".gaia_cache"
    project(tmp_path / "function", {"func.py": _PINNED})
    expected = _lint(tmp_path / "function", "func.py", cache=cache)
    stored = json.loads(_cache_file(cache).read_text())
    stored["entries"]["func.py"]["result"]["findings"] = []
    write_sealed(str(cache), _cache_file(cache).name, stored)
    assert _lint(tmp_path / "function", "func.py", cache=cache) != expected

    (package / name).write_text((package / name).read_text() + "\n")

    assert _lint(tmp_path / "function", "func.py", cache=cache) == expected


def test_the_same_rules_on_another_machine_use_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": _PINNED})
    _lint(tmp_path, "func.py", cache=cache)
    stored = json.loads(_cache_file(cache).read_text())
    stored["entries"]["func.py"]["result"]["findings"] = []
    stored["stamp"] = "written where the files have other times"
    write_sealed(str(cache), _cache_file(cache).name, stored)

    assert _lint(tmp_path, "func.py", cache=cache)[0].findings == ()


def test_where_no_cache_can_be_written_there_is_none(tmp_path: Path) -> None:
    project(tmp_path, {"func.py": _PINNED, "taken": "a file where the cache should be"})

    assert _lint(tmp_path, "func.py", cache=tmp_path / "taken") == _lint(tmp_path, "func.py")


def test_processes_change_nothing_but_the_time(tmp_path: Path) -> None:
    files = {f"part{number:03}.py": _PINNED if number % 3 else "x = 1\n" for number in range(MANY_FILES + 6)}
    files["part005.py"] = "def broken(:\n"
    project(tmp_path, files)

    assert _lint(tmp_path, *files, processes=3) == _lint(tmp_path, *files)


def test_a_worker_that_dies_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import analyzers.linting.one_file as one_file
    from analyzers.facts.neighbours import Library
    from analyzers.linting.results import Linted

    real = one_file.lint_file

    def dying(library: Library, path: str, *, evidence: bool) -> Linted:
        if path == "part007.py":
            os._exit(9)
        return real(library, path, evidence=evidence)

    monkeypatch.setattr(one_file, "lint_file", dying)  # a forked worker inherits it
    files = {f"part{number:03}.py": _PINNED for number in range(MANY_FILES)}
    project(tmp_path, files)

    results = _lint(tmp_path, *files, processes=2)

    assert [result.path for result in results] == list(files)
    assert [rule for path, rule in _found(results) if path == "part007.py"] == ["GA904"]
    assert all(
        ("GA201" in {finding.rule for finding in result.findings}) != (result.path == "part007.py")
        for result in results
    )


def test_a_file_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    import analyzers.linting.one_file as one_file
    import analyzers.linting.parallel as parallel
    from analyzers.facts.neighbours import Library
    from analyzers.linting.results import FileResult, Linted

    def endless(_library: Library, path: str, **_options: bool) -> Linted:
        if path == "part001.py":
            time.sleep(600)
        return Linted(FileResult(path, ()))

    monkeypatch.setattr(one_file, "lint_file", endless)
    monkeypatch.setattr(parallel, "LONGEST_S", 0.5)
    files = {f"part{number:03}.py": "" for number in range(MANY_FILES)}
    project(tmp_path, files)

    assert _found(_lint(tmp_path, *files, processes=2)) == [("part001.py", "GA905")]


def test_a_worker_killed_while_it_writes_a_result_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal
    import threading
    import time

    import analyzers.linting.one_file as one_file
    from analyzers.facts.neighbours import Library
    from analyzers.findings import Place, failed
    from analyzers.linting.results import Linted

    begun = tmp_path / "begun"
    large = (failed("GA904", Place("part003.py", 1), "x" * 10_000_000),)  # more than a pipe holds

    def killed_once(_library: Library, path: str, **_options: bool) -> Linted:
        if path == "part003.py" and not begun.exists():
            begun.touch()
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return Linted(FileResult(path, large if path == "part003.py" else ()))

    monkeypatch.setattr(one_file, "lint_file", killed_once)
    files = {f"part{number:03}.py": "" for number in range(MANY_FILES)}
    project(tmp_path, files)

    coming = lint(list(files), root=tmp_path, processes=2)
    first = next(coming)
    time.sleep(0.8)  # nobody reads, so the worker dies in the middle of its result
    results = [first, *coming]

    assert begun.exists()
    assert [result.path for result in results] == list(files)
    assert [result.findings for result in results if result.findings] == [large]


def test_an_error_in_a_worker_is_raised_where_the_results_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import analyzers.linting.one_file as one_file

    monkeypatch.setattr(one_file, "lint_file", lambda *_arguments, **_options: int("x"))
    files = {f"part{number:03}.py": "" for number in range(MANY_FILES)}
    project(tmp_path, files)

    with pytest.raises(ValueError, match="x") as raised:
        _lint(tmp_path, *files, processes=2)
    assert "Traceback" in raised.value.__notes__[0]


def test_a_cached_result_needs_neither_parser_nor_rules(tmp_path: Path) -> None:
    project(tmp_path, {"func.py": _PINNED})
    _lint(tmp_path, "func.py", cache=tmp_path / ".gaia_cache")
    code = (
        "import sys; from analyzers import lint;"
        "found = list(lint(['func.py'], root=sys.argv[1], cache_dir=sys.argv[1] + '/.gaia_cache'));"
        "assert found[0].findings;"
        "print(sorted({'ast','astroid','dataclasses', 'pathlib', 'typing', 'analyzers.rules', 'analyzers.facts.stage1'}"
        " & set(sys.modules)))"
    )

    assert _printed(code, tmp_path) == "[]"


def test_runs_with_and_without_evidence_do_not_use_each_others_results(tmp_path: Path) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": f"{_PINNED}\n{_SERVED}"})
    without_evidence = list(lint(["func.py"], root=tmp_path, cache_dir=cache, evidence=False))

    assert [finding.rule[:3] for result in without_evidence for finding in result.findings] == ["GA7", "GA7"]
    assert ("func.py", "GA201") in _found(_lint(tmp_path, "func.py", cache=cache))
    assert list(lint(["func.py"], root=tmp_path, cache_dir=cache, evidence=False)) == without_evidence


def test_without_evidence_what_hinders_a_switch_is_the_same(tmp_path: Path) -> None:
    inherited = (
        "import torch\nclass A:\n    dev = 'cuda'\nclass B(A):\n    pass\nb = B()\nx = torch.zeros(3).to(b.dev)\n"
        + _SERVED
    )
    files = {"pinned.py": _PINNED, "inherited.py": inherited, "plain.py": "x = 1\n", "broken.py": "def f(:\n"}
    project(tmp_path, files)
    everything = [finding for result in _lint(tmp_path, *files) for finding in result.findings]

    results = list(lint(list(files), root=tmp_path, evidence=False))

    assert [finding for result in results for finding in result.findings] == [
        finding for finding in everything if finding.rule[:3] in ("GA7", "GA9")
    ]
    assert ("inherited.py", "GA702") in _found(results)


def test_a_file_with_suppressions_is_searched_for_what_they_may_silence(tmp_path: Path) -> None:
    project(tmp_path, {"func.py": 'import torch\nx = torch.zeros(3).to("cuda")  # noqa: GA201\n'})

    (result,) = lint(["func.py"], root=tmp_path, evidence=False)

    assert "GA201" not in {finding.rule for finding in result.findings}
    assert result.vain == ()


@pytest.mark.parametrize("code", ["import json\nx = json.dumps({})\n", "nonlocal x\n", "def f():\n    return 1\n" * 50])
def test_a_file_about_something_else_is_only_checked_and_never_refused_what_can_be_parsed(
    tmp_path: Path, code: str
) -> None:
    project(tmp_path, {"func.py": code})
    program = (
        "import sys; from analyzers import lint;"
        "assert not next(iter(lint(['func.py'], root=sys.argv[1], evidence=False))).findings;"
        "print(sorted({'analyzers.facts.model', 'analyzers.rules', 'analyzers.facts.scopes.model'} & set(sys.modules)))"
    )

    assert _printed(program, tmp_path) == "[]"


def test_a_cache_that_was_checked_out_or_copied_is_not_believed(tmp_path: Path) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": _PINNED})
    expected = _lint(tmp_path, "func.py", cache=cache)
    stored = json.loads(_cache_file(cache).read_text())
    stored["entries"]["func.py"]["result"]["findings"] = []
    _cache_file(cache).write_text(json.dumps(stored))

    assert _lint(tmp_path, "func.py", cache=cache) == expected
    assert _lint(tmp_path, "func.py", cache=cache) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_cache_of_another_user_is_not_believed(tmp_path: Path) -> None:
    cache = tmp_path / ".gaia_cache"
    project(tmp_path, {"func.py": _PINNED})
    expected = _lint(tmp_path, "func.py", cache=cache)
    stored = json.loads(_cache_file(cache).read_text())
    stored["entries"]["func.py"]["result"]["findings"] = []
    write_sealed(str(cache), _cache_file(cache).name, stored)
    assert _lint(tmp_path, "func.py", cache=cache) != expected

    os.chown(_cache_file(cache), 65534, -1)
    assert _lint(tmp_path, "func.py", cache=cache) == expected


@pytest.mark.parametrize("code", ["x = 1if True else 2\n", 'assert (1, "y")\n', "x = 5\nx is 5\n"])
def test_what_the_parser_thinks_of_odd_code_is_nobodys_business(tmp_path: Path, code: str) -> None:
    """Warnings are errors in these tests, so a file with one would not even be valid."""
    project(tmp_path, {"func.py": f"import torch\n{code}", "helper.py": code})

    assert _lint(tmp_path, "func.py", "helper.py")[0].findings[0].rule == "GA102"
    assert not analyze(tmp_path).failures
    assert not [finding for result in _lint(tmp_path, "helper.py") for finding in result.findings]
