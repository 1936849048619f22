import inspect
import os
import stat
import subprocess
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.engines.environments import cache_directory, function_python
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


def make_wheel(directory: Path, name: str, value: int = 7) -> str:
    """Make a wheel of one module that defines VALUE, and return its file name."""
    directory.mkdir(exist_ok=True)
    wheel = f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(directory / wheel, "w") as archive:
        archive.writestr(f"{name}.py", f"VALUE = {value}\n")
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


def value_of(project: Path, module: str = "tiny") -> int:
    """Return VALUE of the module in the environment of the project."""
    python, _ = prepare(load_project(project))
    return int(subprocess.check_output([python, "-I", "-c", f"import {module}; print({module}.VALUE)"]))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two projects, each with a wheel of the same name and version in `wheels`, whose VALUEs are 1 and 2."""
    projects = tmp_path / "one", tmp_path / "two"
    for number, project in enumerate(projects, 1):
        project.mkdir()
        (project / "func.py").write_text("def handler(payload): ...\n")
        make_wheel(project / "wheels", "tiny", number)
    return projects


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
    with pytest.raises(RequirementsError, match=r"asks for Python 3\.99"):
        prepare(replace(load_project(function), python="3.99"))


def test_an_environment_that_was_not_completed_is_made_anew(function: Path) -> None:
    python, _ = prepare(load_project(function))
    python.parent.parent.chmod(0o755)
    (python.parent.parent / "gaia-complete").unlink()
    (python.parent.parent / "half").touch()

    again, steps = prepare(load_project(function))
    assert again == python
    assert steps
    assert not (python.parent.parent / "half").exists()


def test_an_environment_without_its_interpreter_is_made_anew(function: Path) -> None:
    python, _ = prepare(load_project(function))
    python.parent.chmod(0o755)
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


@pytest.mark.parametrize("lines", ["wheels/tiny-1.0-py3-none-any.whl", "--find-links wheels\ntiny==1.0"])
def test_no_project_runs_the_packages_of_another_and_a_wheel_changed_in_place_is_installed(
    pair: tuple[Path, Path], lines: str
) -> None:
    for project in pair:
        (project / "requirements.txt").write_text(f"{lines}\n")
    assert [value_of(project) for project in pair] == [1, 2]

    wheel = pair[0] / "wheels/tiny-1.0-py3-none-any.whl"
    before = wheel.stat()
    make_wheel(pair[0] / "wheels", "tiny", 3)
    os.utime(wheel, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert wheel.stat().st_size == before.st_size
    assert [value_of(project) for project in pair] == [3, 2]


def test_a_local_package_is_installed_again_after_its_code_has_changed_and_only_then(function: Path) -> None:
    package = function / "mine"
    package.mkdir()
    (package / "tiny.py").write_text("VALUE = 1\n")
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "backend"\n'
    )
    (package / "backend.py").write_text(
        "import sys; sys.path.insert(0, '..')\nfrom pathlib import Path\nimport maker\n"
        "def build_wheel(directory, settings=None, metadata=None):\n"
        "    [Path(name).mkdir(exist_ok=True) for name in ('tiny.egg-info', 'build')]\n    Path('build/x').touch()\n"
        "    return maker.make_wheel(Path(directory), 'tiny', int(Path('tiny.py').read_text().split()[-1]))\n"
    )
    source = inspect.getsource(make_wheel)
    (function / "maker.py").write_text(f"import zipfile\nfrom pathlib import Path\n{source}")
    (function / "requirements.txt").write_text("./mine\n")

    assert value_of(function) == 1
    assert prepare(load_project(function))[1] == []
    (package / "tiny.py").write_text("VALUE = 2\n")
    assert value_of(function) == 2


def test_an_environment_cannot_be_written_to(function: Path) -> None:
    wheel = make_wheel(function, "tiny")
    (function / "requirements.txt").write_text(f"./{wheel}\n")
    home = prepare(load_project(function))[0].parents[1]

    found = [home, *home.rglob("*")]
    writable = [path for path in found if not path.is_symlink() and path.stat().st_mode & 0o222]
    assert writable == []
    assert len(found) > 10


@pytest.mark.parametrize("name", ["sitecustomize.py", "evil.pth", "tiny.py"])
def test_an_environment_with_other_code_in_it_is_made_anew_and_that_of_others_never_had_it(
    pair: tuple[Path, Path], name: str
) -> None:
    one, two = (prepare(load_project(project))[0].parents[1] for project in pair)
    place = next(one.glob("lib/*/site-packages"))
    place.chmod(0o755)
    (place / name).write_text("import evil\n")

    prepare(load_project(pair[0]))
    assert not (place / name).exists()
    assert not any(two.rglob(name))


def test_an_environment_with_another_interpreter_is_made_anew(function: Path, tmp_path: Path) -> None:
    python, _ = prepare(load_project(function))
    (tmp_path / "evil").write_text("#!/bin/sh\n")
    python.parent.chmod(0o755)
    python.unlink()
    python.symlink_to(tmp_path / "evil")

    assert prepare(load_project(function))[0].resolve() != tmp_path / "evil"


def test_an_environment_that_python_has_compiled_something_in_is_not_made_anew(function: Path) -> None:
    python, _ = prepare(load_project(function))
    (place,) = python.parents[1].glob("lib/*/site-packages")
    place.chmod(0o755)
    (place / "__pycache__").mkdir()
    place.chmod(0o555)

    assert prepare(load_project(function))[1] == []


def test_an_environment_that_others_may_write_to_is_made_anew(function: Path) -> None:
    home = prepare(load_project(function))[0].parents[1]
    home.chmod(0o777)

    assert prepare(load_project(function))[1]
    assert stat.S_IMODE(home.stat().st_mode) & 0o222 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_an_environment_of_another_user_is_not_used_wherever_it_begins(function: Path, cache: Path, depth: int) -> None:
    home = prepare(load_project(function))[0].parents[1]
    others = (home, cache, cache.parent)[depth]
    os.chown(others, 65534, 65534)

    with pytest.raises(ConfigurationError, match="belongs to another user") as refused:
        prepare(load_project(function))
    assert str(others) in refused.value.message
    assert "GAIA_CACHE_DIR" in refused.value.hint


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o702])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_cache_that_others_may_write_to_is_not_used(function: Path, cache: Path, depth: int, mode: int) -> None:
    cache.mkdir(parents=True)
    (cache, cache.parent)[depth].chmod(mode)

    with pytest.raises(ConfigurationError, match="other users may write to"):
        prepare(load_project(function))


def test_a_cache_in_a_place_like_tmp_is_used_and_is_for_this_user_alone(function: Path, cache: Path) -> None:
    cache.parent.mkdir()
    cache.parent.chmod(0o1777)
    prepare(load_project(function))

    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_the_lock_is_not_opened_through_a_link_and_no_pipe_holds_it_up(
    function: Path, cache: Path, tmp_path: Path
) -> None:
    home = prepare(load_project(function))[0].parents[1]
    lock, target = home.with_suffix(".lock"), tmp_path / "target"
    target.write_text("kept")
    lock.unlink()
    lock.symlink_to(target)
    with pytest.raises(ConfigurationError, match="cannot open"):
        prepare(load_project(function))
    lock.unlink()
    os.mkfifo(lock)
    prepare(load_project(function))

    assert target.read_text() == "kept"
    assert sorted(path.name for path in cache.iterdir()) == sorted((home.name, lock.name))


@pytest.mark.parametrize("name", ["home", "environments"])
def test_an_environment_that_is_a_link_is_not_used(function: Path, cache: Path, tmp_path: Path, name: str) -> None:
    home = prepare(load_project(function))[0].parents[1]
    place = home if name == "home" else cache
    home.chmod(0o755)
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigurationError, match="is no directory"):
        prepare(load_project(function))


def test_pip_sees_no_secrets_of_the_user(function: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    package = function / "mine"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "backend"\n'
    )
    (package / "backend.py").write_text(
        f"import os\nwith open({str(tmp_path / 'seen')!r}, 'w') as seen:\n    seen.write(repr(dict(os.environ)))\n"
    )
    (function / "requirements.txt").write_text("./mine\n")

    with pytest.raises(RequirementsError):
        prepare(load_project(function))
    assert "PATH" in (tmp_path / "seen").read_text()
    assert "hidden" not in (tmp_path / "seen").read_text()


def test_an_environment_that_an_archive_brings_is_made_anew(function: Path, cache: Path) -> None:
    python, _ = prepare(load_project(function))
    home = python.parents[1]
    brought = cache / "brought"
    subprocess.run(["cp", "-a", home, brought], check=True)  # with every name, byte, permission and time
    home.rename(cache / "aside")
    brought.rename(home)

    _, steps = prepare(load_project(function))

    assert steps == [
        "the function's environment was changed since it was made",
        "creating a virtual environment without packages",
    ]


def test_nothing_in_the_cache_stands_in_for_the_modules_of_the_tools(function: Path, cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    for name in ("virtualenv", "json", "platformdirs"):
        (cache / f"{name}.py").write_text(f"raise SystemExit('{name} of the cache')\n")

    python, _ = prepare(load_project(function))

    assert imports(python, "json")


def test_an_environment_is_not_made_through_a_link_that_a_checkout_brings(
    function: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (function / ".cache").symlink_to(tmp_path / "home")
    monkeypatch.chdir(function)

    for place in (".cache", str(function / ".cache")):
        monkeypatch.setenv("GAIA_CACHE_DIR", place)
        with pytest.raises(ConfigurationError, match=r"\.cache is a link"):
            prepare(load_project(function))
    assert not list((tmp_path / "home").iterdir())
