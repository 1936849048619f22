"""`gaia run` as a user runs it: a process of its own, a real runtime, real workers, real signals."""

import contextlib
import http.client
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.processes import eventually

HANDLER = """
import time

def handler(payload):
    time.sleep((payload or {}).get("seconds", 0))
    return {"ok": True}
"""
PROCESS = ("--engine", "process", "--port", "0")
DEADLINE_S = 60.0

Run = subprocess.Popen[str]


@pytest.fixture
def function(tmp_path: Path) -> Path:
    directory = tmp_path / "function"
    directory.mkdir()
    (directory / "func.py").write_text(HANDLER)
    (directory / "gaia.toml").write_text('[function]\nname = "nap"\n\n[mode]\npin = "cpu_preferred"\n')
    return directory


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Make a directory for sockets, short enough for their paths; it must be empty when a run has ended."""
    with tempfile.TemporaryDirectory(prefix="g-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.fixture
def environ(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cache = tmp_path_factory.getbasetemp() / "gaia-cache"
    return os.environ | {"TMPDIR": str(temporary), "GAIA_CACHE_DIR": str(cache), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def gaia(environ: dict[str, str]) -> Iterator[Callable[..., Run]]:
    """Start `gaia run` in a process group of its own, and end it after the test whatever happened."""
    started: list[Run] = []

    def start(*arguments: object, env: dict[str, str] = environ, terminal: int | None = None) -> Run:
        process = subprocess.Popen(
            [sys.executable, "-m", "gaia_cli", "run", *map(str, arguments)],
            env=env,
            stdin=terminal,
            stdout=terminal or subprocess.PIPE,
            stderr=terminal or subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def left_over(function: Path) -> list[str]:
    """Return the command lines of processes that have to do with the function."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                environ = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if str(function).encode() in environ + command:
                found.append(command.replace(b"\0", b" ").decode())
    return found


def nothing_is_left(function: Path, temporary: Path) -> bool:
    """Whether, soon, no process and no file of the run is there any more."""
    return eventually(lambda: not left_over(function) and not list(temporary.iterdir()))


def wait_for(process: Run, word: str) -> str:
    """Return the first line of standard output with `word` in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f"no {word!r}; {process.communicate()}")


def url_of(process: Run) -> str:
    return next(word for word in wait_for(process, " ready  ").split() if word.startswith("http://"))


def asked(url: str) -> object:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/", body=b"{}", headers={"content-type": "application/json"})
        return json.load(connection.getresponse())


def play_file(tmp_path: Path, *requests: dict[str, Any]) -> Path:
    path = tmp_path / "requests.jsonl"
    path.write_text("".join(json.dumps(request) + "\n" for request in requests))
    return path


def test_a_played_load_ends_with_a_summary_and_everything_gone(
    function: Path, temporary: Path, tmp_path: Path, gaia: Callable[..., Run]
) -> None:
    load = play_file(tmp_path, *({"at_s": at * 0.05, "json": {"seconds": 0.01}} for at in range(20)))
    trace = tmp_path / "trace.csv"

    process = gaia(function, *PROCESS, "--output-format", "json-lines", "--play", load, "--record", trace)
    out, err = process.communicate(timeout=DEADLINE_S)
    events = [json.loads(line) for line in out.splitlines()]

    assert process.returncode == 0, err
    assert [events[0]["event"], events[-2]["event"], events[-1]["event"]] == ["started", "stopped", "summary"]
    assert (events[-1]["requests"], events[-1]["failures"]) == (20, 0)
    assert events[0]["accelerator"] == "emulated"
    rows = trace.read_text().splitlines()
    assert rows[0] == "arrival_s,cpu_ms,gpu_ms,cpu_time_ms,think_s,client,conditions"
    assert len(rows) == 21
    assert nothing_is_left(function, temporary)


def test_ctrl_c_drains_prints_the_summary_and_exits_with_130(
    function: Path, temporary: Path, gaia: Callable[..., Run]
) -> None:
    process = gaia(function, *PROCESS)
    assert asked(url_of(process)) == {"ok": True}
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 130, err
    assert "stopped" in out
    assert "\nsummary\n" in out
    assert "requests 1 " in " ".join(out.split())
    assert nothing_is_left(function, temporary)


def test_ctrl_c_lets_a_request_that_is_out_be_answered(
    function: Path, tmp_path: Path, gaia: Callable[..., Run]
) -> None:
    load = play_file(tmp_path, {"at_s": 0, "json": {"seconds": 2}}, {"at_s": 3600})

    process = gaia(function, *PROCESS, "--play", load)
    wait_for(process, "requests 1 ")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 143
    assert "requests 1 · failures 0" in " ".join(out.split())


def test_ctrl_c_lets_clients_have_the_answers_that_they_wait_for(
    function: Path, tmp_path: Path, gaia: Callable[..., Run]
) -> None:
    load = play_file(tmp_path, {"after": "answer", "clients": 1, "think_s": 3600}, {"json": {"seconds": 2}}, {})

    process = gaia(function, *PROCESS, "--play", load)
    wait_for(process, "requests 1 ")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 130
    assert "requests 1 · failures 0" in " ".join(out.split())


def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing(
    function: Path, temporary: Path, tmp_path: Path, gaia: Callable[..., Run]
) -> None:
    load = play_file(tmp_path, {"at_s": 0, "json": {"seconds": 3600}})

    process = gaia(function, *PROCESS, "--play", load)
    wait_for(process, "requests 1 ")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 130
    assert nothing_is_left(function, temporary)


def test_ctrl_c_while_the_environment_is_made_leaves_nothing_and_spoils_nothing(
    function: Path,
    temporary: Path,
    tmp_path: Path,
    environ: dict[str, str],
    gaia: Callable[..., Run],
) -> None:
    fresh = environ | {"GAIA_CACHE_DIR": str(tmp_path / "cache")}

    process = gaia(function, *PROCESS, env=fresh)
    wait_for(process, "creating a virtual environment")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert nothing_is_left(function, temporary)

    again = gaia(function, *PROCESS, "--play", play_file(tmp_path, {"at_s": 0}), env=fresh)
    _, err = again.communicate(timeout=DEADLINE_S)
    assert again.returncode == 0, err


def test_killed_it_still_leaves_no_process(function: Path, gaia: Callable[..., Run]) -> None:
    process = gaia(function, *PROCESS)
    url_of(process)
    process.kill()
    process.communicate()

    assert eventually(lambda: not left_over(function)), left_over(function)


def test_a_taken_port_is_said_and_a_free_one_used(function: Path, gaia: Callable[..., Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = gaia(function, "--engine", "process", "--port", port)
        assert f"port {port} is taken" in wait_for(process, "is taken")
        assert not url_of(process).endswith(f":{port}")


def test_runs_that_start_together_find_a_port_each(function: Path, gaia: Callable[..., Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    runs = [gaia(function, "--engine", "process", "--port", port) for _ in range(3)]

    assert len({url_of(process) for process in runs}) == 3


def test_an_import_that_fails_is_reported_with_its_place(
    function: Path, temporary: Path, gaia: Callable[..., Run]
) -> None:
    (function / "func.py").write_text("import no_such_module\n\ndef handler(payload):\n    return payload\n")

    process = gaia(function, *PROCESS)
    _, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 2
    assert "func.py:1" in err
    assert "no_such_module" in err
    assert "hint: " in err
    assert nothing_is_left(function, temporary)


@pytest.mark.parametrize(
    ("arguments", "code", "reported"),
    [
        (["--play", "{bad}"], 2, "requests.jsonl:2: "),
        (["--record", "{function}"], 2, "cannot write the trace"),
        (["--accelerator", "nvidia"], 3, "no NVIDIA GPU"),
        (["--mode", "gpu", "--accelerator", "none"], 3, "needs a GPU"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_started(
    function: Path,
    tmp_path: Path,
    environ: dict[str, str],
    gaia: Callable[..., Run],
    arguments: list[str],
    code: int,
    reported: str,
) -> None:
    bad = tmp_path / "requests.jsonl"
    bad.write_text('{"at_s": 0}\n{"at_s": "soon"}\n')
    fresh = environ | {"GAIA_CACHE_DIR": str(tmp_path / "cache")}

    process = gaia(function, *PROCESS, *(part.format(bad=bad, function=function) for part in arguments), env=fresh)
    _, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == code, err
    assert reported in err
    assert not (tmp_path / "cache").exists()


def test_no_entry_point_is_an_error_before_anything_is_started(tmp_path: Path, gaia: Callable[..., Run]) -> None:
    (tmp_path / "func.py").write_text("print('hello')\n")

    process = gaia(tmp_path, *PROCESS)
    _, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 2
    assert "no entry point" in err


def test_on_a_terminal_the_live_view_comes_and_goes_and_the_summary_stays(
    function: Path,
    temporary: Path,
    tmp_path: Path,
    environ: dict[str, str],
    gaia: Callable[..., Run],
) -> None:
    load = play_file(tmp_path, *({"at_s": at * 0.1} for at in range(25)))
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    process = gaia(function, *PROCESS, "--play", load, env=environ | {"TERM": "xterm-256color"}, terminal=theirs)
    os.close(theirs)
    screen = read_until_closed(ours)

    assert process.wait(DEADLINE_S) == 0, screen
    before, _, live = screen.partition("\x1b[?1049h")
    live, _, after = live.partition("\x1b[?1049l")
    assert "http://127.0.0.1:" in before
    assert "GPU EMULATED" in live
    assert "summary" in after
    assert "failures 0" in after
    assert nothing_is_left(function, temporary)


@pytest.mark.docker
@pytest.mark.parametrize("signals", [1, 2])
def test_a_container_is_drained_by_one_ctrl_c_ended_by_two_and_gone_after_either(
    function: Path,
    tmp_path: Path,
    gaia: Callable[..., Run],
    docker_client: docker.DockerClient,
    function_name: str,
    base_image: str,
    signals: int,
) -> None:
    (function / "gaia.toml").write_text(
        f'[function]\nname = "{function_name}"\n[mode]\npin = "cpu_preferred"\n[build]\nbase_image = "{base_image}"\n'
    )
    load = play_file(tmp_path, {"at_s": 0, "json": {"seconds": 2 if signals == 1 else 3600}}, {"at_s": 3600})

    process = gaia(function, "--engine", "docker", "--accelerator", "emulated", "--port", "0", "--play", load)
    wait_for(process, "requests 1 ")
    process.send_signal(signal.SIGINT)
    if signals == 2:
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 130, err
    assert f"failures {signals - 1}" in out
    assert docker_client.containers.list(all=True, filters={"label": f"faas.gaia.name={function_name}"}) == []


def read_until_closed(terminal: int) -> str:
    read = b""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until and select.select([terminal], [], [], 1.0) is not None:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # nobody has the other end open any more
            break
        if not part:
            break
        read += part
    os.close(terminal)
    return read.decode(errors="replace")
