"""What is served is the source that was read, and nothing compiled that a checkout brings."""

import json
import os
import py_compile
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.worker.forms.own_code import import_from_source
from tests.support.serving import serving, serving_quickly, write_function

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
"""Python runs such a file without a look at its source."""

LOAD = """
import json, sys
from pathlib import Path
from runtime_images.dynamic_runtime.worker.forms.loading import load_function
function = load_function(Path(sys.argv[1]), sys.argv[2])
print(json.dumps(function.plain(None)))
"""


def answer(directory: Path, entrypoint: str = "") -> object:
    """Return what the function answers in a process that may compile."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", LOAD, str(directory), entrypoint]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(ended.stdout)


def write(path: Path, text: str, *, compiled_from: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if compiled_from:
        path.write_text(compiled_from)
        py_compile.compile(str(path), invalidation_mode=UNCHECKED)
    path.write_text(text)


def handler(who: str) -> str:
    return f"def handler(payload):\n    return '{who}'\n"


@pytest.mark.parametrize("name", ["func.py", "odd-name.py", "deep/er/func.py"])
def test_a_compiled_entry_point_of_other_code_is_not_run(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, handler("source"), compiled_from=handler("compiled"))

    assert answer(tmp_path, name) == "source"


def test_no_compiled_module_of_other_code_is_imported(tmp_path: Path) -> None:
    names = ("helper", "package/__init__", "package/part", "package/deep/__init__", "vendor/late")
    for name in names:
        write(tmp_path / f"{name}.py", "WHO = 'source'\n", compiled_from="WHO = 'compiled'\n")
    code = (
        "import sys\nimport helper, package.part, package.deep\nsys.path.append('vendor')\nimport late\n\n\n"
        "def handler(payload):\n"
        "    return [m.WHO for m in (helper, package, package.part, package.deep, late)]\n"
    )
    (tmp_path / "func.py").write_text(code)

    assert answer(tmp_path) == ["source"] * len(names)


def test_nothing_is_compiled_into_the_function_or_through_a_link_there(tmp_path: Path) -> None:
    function, victim = tmp_path / "function", tmp_path / "home"
    victim.mkdir()
    write(function / "func.py", f"import helper, package\n\n\n{handler('source')}")
    write(function / "helper.py", "")
    write(function / "package" / "__init__.py", "")
    (function / "__pycache__").symlink_to(victim)

    assert answer(function) == "source"
    assert not list(victim.iterdir())
    assert not list(function.rglob("*.pyc"))


def test_what_is_elsewhere_is_imported_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "function").mkdir()
    write(tmp_path / "function-of-others" / "elsewhere_compiled.py", "", compiled_from="WHO = 'compiled'\n")
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.syspath_prepend(str(tmp_path / "function-of-others"))

    import_from_source(tmp_path / "function")
    import elsewhere_compiled  # type: ignore[import-not-found] # made above

    assert elsewhere_compiled.WHO == "compiled"


EDITED = {
    "blocking": "from own import value\n\n\ndef handler(payload):\n    import late\n    return [value, late.value]\n",
    "async": "import own\n\n\nasync def handler(payload):\n    import late\n    return [own.value, late.value]\n",
}


@pytest.mark.parametrize("form", EDITED)
def test_a_switch_and_a_crash_run_the_code_of_the_start(tmp_path: Path, form: str) -> None:
    function = write_function(tmp_path / "function", EDITED[form])
    for name in ("own", "late"):
        write_function(function, "value = 1\n", f"{name}.py")
    with serving(function, GAIA_MODE="cpu_preferred") as running:
        running.admin("POST", "/pin")
        before = running.post({}).json()
        write_function(function, "value = 2\n", "own.py")
        write_function(function, "value = ", "late.py")
        write_function(function, "def handler(payload", "func.py")
        running.switch("gpu")
        switched = running.post({}).json()
        os.kill(running.worker_pid("gpu"), signal.SIGKILL)
        running.event("worker_exit")
        after = running.post({}).json()
        told = running.event("log", lambda event: "has changed since the start" in event["line"])

    assert before == switched == after == [1, 1]
    assert told["stream"] == "stderr"


def test_a_function_that_cannot_be_started_is_mended_by_mending_its_file(tmp_path: Path) -> None:
    function = write_function(tmp_path, "raise RuntimeError\n\n\ndef handler(payload): ...\n")
    with serving_quickly(function, wait=False, GAIA_MODE="cpu") as running:
        running.event("setup_failed")
        write_function(function, "def handler(payload):\n    return 2\n")
        assert running.post({}).json() == 2
