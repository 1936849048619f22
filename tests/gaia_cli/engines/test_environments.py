import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.engines.environments import cache_directory, clean_environ, function_python
from gaia_cli.errors import ConfigurationError, RequirementsError
from gaia_cli.project.project import FunctionProject, load_project
from runtime_images.policy.model import Accelerator


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAIA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path / "cache" / "environments"


@pytest.fixture
def function(tmp_path: Path) -> Path:
    directory = tmp_path / "function"
    directory.mkdir()
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")
    return directory


def make_wheel(directory: Path, name: str) -> str:
    """Make a wheel of one module that defines VALUE, and return its file name."""
    wheel = f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(directory / wheel, "w") as archive:
        archive.writestr(f"{name}.py", "VALUE = 7\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:VALUE.bit_length\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def prepare(project: FunctionProject, accelerator: Accelerator = Accelerator.NONE) -> tuple[Path, list[str]]:
    steps: list[str] = []
    return function_python(project, accelerator, steps.append), steps


def imports(python: Path, module: str) -> bool:
    return subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def test_a_function_without_requirements_sees_an_empty_environment(function: Path) -> None:
    python, _ = prepare(load_project(function))

    assert imports(python, "json")
    assert not any(imports(python, module) for module in ("typer", "gaia_cli", "pip", "uvloop"))


def test_an_environment_is_made_once(function: Path) -> None:
    first, first_steps = prepare(load_project(function))
    second, second_steps = prepare(load_project(function))

    assert first == second
    assert first_steps
    assert second_steps == []


def test_a_local_wheel_is_installed_relative_to_the_function(
    function: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "json.py").write_text("raise SystemExit('a file of the function is not for pip')")
    (function / "deps").mkdir()
    (function / "deps" / "more.txt").write_text(f"./{wheel}\n")
    (function / "requirements.txt").write_text("-r deps/more.txt\n")
    monkeypatch.chdir(tmp_path)

    python, steps = prepare(load_project(function))
    assert imports(python, "tiny")
    assert "installing the requirements of function" in steps


def test_the_scripts_of_a_package_work_where_they_are(function: Path) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "requirements.txt").write_text(f"./{wheel}\n")

    python, _ = prepare(load_project(function))
    assert subprocess.run([python.with_name("tiny")], check=False).returncode == 3


def test_a_list_in_the_configuration_is_installed(function: Path) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "gaia.toml").write_text(f'[function]\nrequirements = ["./{wheel}"]\n')

    assert imports(prepare(load_project(function))[0], "tiny")


def test_requirements_for_a_gpu_are_installed_only_for_a_real_one(function: Path) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "gaia.toml").write_text(f'[function]\ngpu_requirements = ["./{wheel}"]\n')
    project = load_project(function)

    seen = {kind: imports(prepare(project, kind)[0], "tiny") for kind in Accelerator}
    assert seen == {Accelerator.NONE: False, Accelerator.EMULATED: False, Accelerator.NVIDIA: True}


def test_a_changed_local_file_makes_a_new_environment(function: Path) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "requirements.txt").write_text(f"./{wheel}\n")
    before, _ = prepare(load_project(function))
    os.utime(function / wheel, ns=(1, 1))

    assert prepare(load_project(function))[0] != before


def test_what_cannot_be_installed_is_reported_with_pips_last_words(function: Path, cache: Path) -> None:
    (function / "requirements.txt").write_text("absent-package==1\n")

    with pytest.raises(RequirementsError) as caught:
        prepare(load_project(function))
    assert "the requirements of function cannot be installed: No matching distribution" in caught.value.message
    assert "\n  ERROR: " in caught.value.message
    assert "requirements.txt" in caught.value.hint
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_an_interrupted_installation_leaves_nothing(
    function: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "requirements.txt").write_text(f"./{wheel}\n")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))

    def interrupt(step: str) -> None:
        if step.startswith("pip: Installing"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        function_python(load_project(function), Accelerator.NONE, interrupt)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_python_that_is_not_there_is_reported(function: Path) -> None:
    with pytest.raises(RequirementsError, match=r"with Python 3\.99"):
        prepare(replace(load_project(function), python="3.99"))


def test_an_environment_that_was_not_completed_is_made_anew(function: Path) -> None:
    python, _ = prepare(load_project(function))
    (python.parent.parent / "gaia-complete").unlink()
    (python.parent.parent / "half").touch()

    again, steps = prepare(load_project(function))
    assert again == python
    assert steps
    assert not (python.parent.parent / "half").exists()


def test_an_environment_without_its_interpreter_is_made_anew(function: Path) -> None:
    python, _ = prepare(load_project(function))
    python.unlink()

    assert imports(prepare(load_project(function))[0], "json")


def test_two_at_once_make_one(function: Path) -> None:
    project = load_project(function)
    steps: list[str] = []
    threads = [
        threading.Thread(target=function_python, args=(project, Accelerator.NONE, steps.append)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([step for step in steps if step.startswith("creating")]) == 1


def test_a_cache_that_cannot_be_written_is_reported(
    function: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAIA_CACHE_DIR", str(tmp_path / "file"))

    with pytest.raises(ConfigurationError, match="cannot write to the cache"):
        prepare(load_project(function))


def test_the_cache_follows_the_desktop_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAIA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_directory() == tmp_path / "gaia"


def test_gaias_own_settings_and_python_do_not_reach_a_function() -> None:
    own = str(Path(sys.prefix, "bin"))
    environ = {
        "HOME": "/home/me",
        "PATH": f"{own}:/usr/bin",
        "GAIA_ADMIN_TOKEN": "secret",
        "PYTHONPATH": "/somewhere",
        "VIRTUAL_ENV": sys.prefix,
    }

    assert clean_environ(environ) == {"HOME": "/home/me", "PATH": "/usr/bin"}
