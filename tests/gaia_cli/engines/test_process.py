import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gaia_cli.engines import Launch
from gaia_cli.engines.process import ProcessEngine, RunningProcess
from gaia_cli.errors import ExitCode, RuntimeDiedError, UsageError
from gaia_cli.project.project import load_project
from gaia_cli.running.one_request import Request, ask
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.lifecycle import Ready, Started, Stopped
from runtime_images.policy.model import Accelerator, ExecutionMode


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def temporary(cache: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the engine makes its directories; short, or it would not put a socket there."""
    monkeypatch.setenv("GAIA_CACHE_DIR", cache)
    with tempfile.TemporaryDirectory(prefix="g-", dir="/tmp") as place:
        monkeypatch.setattr("tempfile.tempdir", place)
        yield Path(place)


@pytest.fixture
def running(temporary: Path, tmp_path: Path) -> RunningProcess:
    assert temporary.is_dir(), "what the engine makes goes there"
    function = tmp_path / "f"
    function.mkdir()
    (function / "func.py").write_text("import os\ndef handler(payload):\n    return dict(os.environ)\n")
    project = load_project(function)
    settings = Settings(function_dir=function, mode=ExecutionMode.CPU, port=0)
    started = ProcessEngine().start(Launch(project, settings, Accelerator.NONE), lambda _step: None)
    assert isinstance(started, RunningProcess)
    return started


def ready(running: RunningProcess) -> Ready:
    return next(event for event in running.events() if isinstance(event, Ready))


def test_a_function_serves_until_it_is_stopped(running: RunningProcess, temporary: Path) -> None:
    event = ready(running)
    answer = ask(event.url, Request())
    running.stop()
    running.stop()
    last = list(running.events())[-1]

    assert answer.status == 200
    assert isinstance(last, Stopped)
    assert running.close() == 0
    assert list(temporary.iterdir()) == []


def test_the_admin_socket_is_for_its_owner_only(running: RunningProcess) -> None:
    socket = Path(ready(running).admin.removeprefix("unix://"))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (socket, socket.parent)]
    running.close()

    assert modes == [0o600, 0o700]


def test_closing_alone_stops_as_well(running: RunningProcess, temporary: Path) -> None:
    ready(running)

    assert running.close() == 0
    assert list(temporary.iterdir()) == []


def test_closing_before_it_is_ready_leaves_nothing(running: RunningProcess, temporary: Path) -> None:
    running.close()

    assert list(temporary.iterdir()) == []


def test_a_runtime_that_dies_is_reported(running: RunningProcess) -> None:
    pid = next(event for event in running.events() if isinstance(event, Started)).pid
    os.kill(pid, signal.SIGKILL)

    with pytest.raises(RuntimeDiedError, match=r"ended unexpectedly \(killed by SIGKILL\)") as died:
        list(running.events())
    assert died.value.exit_code == ExitCode.USAGE, "2, as docs/running.md says"
    assert running.close() == 128 + signal.SIGKILL


def test_the_function_sees_no_variables_of_the_user_but_those_that_are_handed_over(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert temporary.is_dir(), "what the engine makes goes there"
    for name in ("GAIA_DEBUG", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, "hidden")
    (tmp_path / "func.py").write_text("import os\ndef handler(payload):\n    return dict(os.environ)\n")
    settings = Settings(function_dir=tmp_path, mode=ExecutionMode.CPU, port=0)
    launch = Launch(load_project(tmp_path), settings, Accelerator.NONE, {"MINE": "given"})
    running = ProcessEngine().start(launch, lambda _step: None)
    url = next(event.url for event in running.events() if isinstance(event, Ready))
    environ = json.loads(ask(url, Request()).body)
    running.close()

    assert environ["MINE"] == "given"
    assert environ["PATH"]
    assert "hidden" not in environ.values()


def test_the_function_gets_its_own_variables_to_the_letter_and_what_is_handed_over_on_top(
    temporary: Path, tmp_path: Path
) -> None:
    assert temporary.is_dir(), "what the engine makes goes there"
    (tmp_path / "func.py").write_text("import os\ndef handler(payload):\n    return dict(os.environ)\n")
    (tmp_path / "gaia.toml").write_text(
        '[run.env]\nWORKERS = 4\nDEBUG = true\nRATE = 0.5\nEMPTY = ""\nTEXT = """one\ntwo é $(A)\n"""\nMINE = "file"\n'
    )
    settings = Settings(function_dir=tmp_path, mode=ExecutionMode.CPU, port=0)
    launch = Launch(load_project(tmp_path), settings, Accelerator.NONE, {"MINE": "given"})
    running = ProcessEngine().start(launch, lambda _step: None)
    url = next(event.url for event in running.events() if isinstance(event, Ready))
    environ = json.loads(ask(url, Request()).body)
    running.close()

    expected = {
        "WORKERS": "4",
        "DEBUG": "true",
        "RATE": "0.5",
        "EMPTY": "",
        "TEXT": "one\ntwo é $(A)\n",
        "MINE": "given",
    }
    assert {name: environ[name] for name in expected} == expected


@pytest.mark.usefixtures("temporary")
def test_the_runtime_goes_when_the_command_line_is_killed(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    starter = f"""
import os, signal
from pathlib import Path
from gaia_cli.engines import Launch
from gaia_cli.engines.process import ProcessEngine
from gaia_cli.project.project import load_project
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.policy.model import Accelerator
project = load_project(Path({str(tmp_path / "func.py")!r}))
settings = Settings(function_dir=project.directory, port=0)
for event in ProcessEngine().start(Launch(project, settings, Accelerator.NONE), lambda step: None).events():
    if event.NAME == "started":
        print(event.pid, flush=True)
    if event.NAME == "ready":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, timeout=60, check=False)

    assert killed.returncode == -signal.SIGKILL
    while Path(f"/proc/{int(killed.stdout)}").exists():
        time.sleep(0.02)


def test_the_emulated_lane_is_always_the_last_offer() -> None:
    assert ProcessEngine().accelerators()[-1] is Accelerator.EMULATED


def test_a_port_that_was_taken_during_the_preparation_is_reported_before_anything_runs(
    temporary: Path, tmp_path: Path
) -> None:
    (tmp_path / "func.py").write_text("def handler(payload): ...\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        launch = Launch(load_project(tmp_path), Settings(tmp_path, mode=ExecutionMode.CPU, port=port), Accelerator.NONE)

        with pytest.raises(UsageError, match=f"port {port} is taken"):
            ProcessEngine().start(launch, lambda _step: None)

    assert list(temporary.iterdir()) == []


def test_what_a_killed_command_has_left_is_swept_by_the_next_one(temporary: Path, tmp_path: Path) -> None:
    left, in_use, young = (temporary / f"gaia-admin-{name}" for name in ("left", "in-use", "young"))
    for directory in (left, in_use, young):
        directory.mkdir()
    (in_use / "admin.sock").touch()
    for directory in (left, in_use):
        os.utime(directory, (0, 0))
    (tmp_path / "func.py").write_text("def handler(payload): ...\n")
    launch = Launch(load_project(tmp_path), Settings(tmp_path, mode=ExecutionMode.CPU, port=0), Accelerator.NONE)

    ProcessEngine().start(launch, lambda _step: None).close(at_once=True)

    assert sorted(temporary.iterdir()) == [in_use, young]


_LEAVES_A_CHILD = """
import subprocess, time
from pathlib import Path
child = subprocess.Popen(["sleep", "4712"], start_new_session=True)
Path("child").write_text(str(child.pid))
"""


def started(function: Path, code: str) -> RunningProcess:
    (function / "func.py").write_text(code)
    settings = Settings(function_dir=function, mode=ExecutionMode.CPU, port=0)
    running = ProcessEngine().start(Launch(load_project(function), settings, Accelerator.NONE), lambda _step: None)
    assert isinstance(running, RunningProcess)
    return running


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("how", ["at once", "killed", "drained"])
def test_no_child_outlives_the_runtime_not_even_one_that_has_left_its_session(tmp_path: Path, how: str) -> None:
    running = started(tmp_path, f"{_LEAVES_A_CHILD}\ndef handler(payload):\n    time.sleep(1000)\n")
    ready(running)
    child = int((tmp_path / "child").read_text())
    if how == "killed":
        os.kill(running._process.pid, signal.SIGKILL)
    running.close(at_once=how == "at once")

    assert not is_there(child)


@pytest.mark.usefixtures("temporary")
def test_of_several_functions_each_ends_with_its_own_children_and_leaves_the_others_theirs(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("first", "second", "third")]
    for place in places:
        place.mkdir()
    code = f"{_LEAVES_A_CHILD}\ndef handler(payload):\n    return 7\n"
    running = [started(place, code) for place in places]
    urls = [ready(one).url for one in running]
    children = [int((place / "child").read_text()) for place in places]
    running[0].close()
    os.kill(running[1]._process.pid, signal.SIGKILL)
    running[1].close()
    left = [is_there(child) for child in children]
    answer = ask(urls[2], Request())
    os.kill(running[2]._process.pid, signal.SIGKILL)
    running[2].close()

    assert left == [False, False, True]
    assert answer.status == 200
    assert not is_there(children[2]), "the last one has nobody but this process to end it"


@pytest.mark.usefixtures("temporary")
def test_what_is_loading_for_minutes_ends_at_once_with_all_that_it_has_started(tmp_path: Path) -> None:
    running = started(tmp_path, f"{_LEAVES_A_CHILD}\ntime.sleep(1000)\ndef handler(payload): ...\n")
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
        time.sleep(0.02)
    begun = time.monotonic()
    code = running.close(at_once=True)

    assert code == 0, "it has ended by itself"
    assert time.monotonic() - begun < 2.0
    assert not is_there(int((tmp_path / "child").read_text()))


@pytest.mark.usefixtures("temporary")
def test_programs_and_python_of_the_functions_environment_are_the_first_on_its_path(tmp_path: Path) -> None:
    code = "import shutil, sys\ndef handler(payload):\n    return [shutil.which('python'), sys.executable]\n"
    running = started(tmp_path, code)
    found = json.loads(ask(ready(running).url, Request()).body)
    running.close()

    assert found[0] == found[1]
