"""The zygote: what it imports ahead, when it must not fork, and that its workers are as good as spawned ones."""

import asyncio
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.clock import SystemClock
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.wire import lifeline
from runtime_images.dynamic_runtime.workers import zygote_client
from runtime_images.dynamic_runtime.workers.zygote_client import ZygoteClient
from tests.support.processes import eventually, is_gone
from tests.support.serving import Serving, load, serving, write_function

TORCH_SPEC = find_spec("torch")
needs_torch = pytest.mark.skipif(TORCH_SPEC is None, reason="needs torch: pip install torch")
needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc libc6-dev"
)

HANDLER = """
    import os

    def handler(payload):
        return {**payload, "pid": os.getpid(), "parent": os.getppid(), "backend": os.environ["GAIA_BACKEND"]}
"""


def with_library(directory: Path, library: str, function: str = HANDLER) -> str:
    """A function that imports `library`, which lies in an environment of the function's own; its interpreter.

    The environment has what this one has, too.
    """
    environment = directory / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next((environment / "lib").glob("python*/site-packages"))
    beside = [sysconfig.get_path("purelib")]
    if TORCH_SPEC is not None and TORCH_SPEC.origin is not None:  # it may lie elsewhere
        beside.append(str(Path(TORCH_SPEC.origin).parents[1]))
    (packages / "beside.pth").write_text("\n".join(beside) + "\n")
    write_function(packages, library, "library.py")
    source = "import library\n\n" + textwrap.dedent(function)
    write_function(directory / "function", source)
    return str(environment / "bin" / "python")


def test_both_backends_are_forked_from_one_zygote_and_see_their_own_environment(tmp_path: Path) -> None:
    source = """
        import os

        BACKEND = os.environ["GAIA_BACKEND"]

        def handler(payload):
            return {"backend": BACKEND, "parent": os.getppid(), "cuda": os.environ.get("CUDA_VISIBLE_DEVICES")}
    """
    with serving(write_function(tmp_path, source), GAIA_ACCELERATOR="emulated") as running:
        running.admin("POST", "/pin")
        answers = [running.post({}).json()]
        running.switch("gpu")
        answers.append(running.post({}).json())
        zygote = running.state()["zygote"]

    assert [answer["backend"] for answer in answers] == ["cpu", "gpu"]
    assert {answer["parent"] for answer in answers} == {zygote}
    assert answers[0]["cuda"] == ""


def test_libraries_are_imported_once_and_the_functions_own_code_in_each_worker(tmp_path: Path) -> None:
    library = f"""
        with open({str(tmp_path / "imports")!r}, "a") as imports:
            imports.write("library\\n")
    """
    function = f"""
        with open({str(tmp_path / "imports")!r}, "a") as imports:
            imports.write("function\\n")

        class Function:
            def start(self, cfg):
                with open({str(tmp_path / "imports")!r}, "a") as imports:
                    imports.write("start\\n")

            async def handle(self, scope, receive, send): ...

        def new():
            return Function()
    """
    python = with_library(tmp_path, library, function)
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python) as running:
        running.admin("POST", "/pin")
        for backend in ("gpu", "cpu"):
            running.switch(backend)

    imported = (tmp_path / "imports").read_text().split()
    assert imported == ["library"] + ["function", "start"] * 3


def test_a_variable_that_a_library_needs_is_set_for_its_import_and_not_before_the_worker_comes_to_it(
    tmp_path: Path,
) -> None:
    library = """
        import os

        MODE, PID = os.environ.get("LIBRARY_MODE"), os.getpid()

        def __getattr__(name):
            if name != "lazy":
                raise AttributeError(name)
            globals()["lazy"] = os.getpid()
            return globals()["lazy"]
    """
    function = """
        import os

        SEEN = os.environ.get("LIBRARY_MODE")
        os.environ["LIBRARY_MODE"] = "fast"
        os.environ.setdefault("LIBRARY_HOME", "/ours")

        import library
        from library import lazy

        def handler(payload):
            home = os.environ["LIBRARY_HOME"]
            return {"seen": SEEN, "mode": library.MODE, "imported_by": [library.PID, lazy], "home": home}
    """
    python = with_library(tmp_path, library)
    write_function(tmp_path / "function", function)  # which imports the library only after that
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python, LIBRARY_HOME="/theirs") as running:
        running.admin("POST", "/pin")
        answers = [running.post({}).json()]
        running.switch("gpu")
        answers.append(running.post({}).json())
        zygote = running.state()["zygote"]

    expected = {"seen": None, "mode": "fast", "imported_by": [zygote, zygote], "home": "/theirs"}
    assert answers == [expected, expected]


def test_a_library_that_starts_a_thread_is_not_forked_and_that_is_said_once(tmp_path: Path) -> None:
    library = """
        import threading

        threading.Thread(target=threading.Event().wait, daemon=True).start()
    """
    python = with_library(tmp_path, library)
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python) as running:
        running.admin("POST", "/pin")
        workers = [running.post({}).json()]
        for backend in ("gpu", "cpu"):
            running.switch(backend)
            workers.append(running.post({}).json())
        said = running.named("zygote")

    assert {worker["parent"] for worker in workers} == {running.process.pid}
    assert [(event["state"], event["pid"]) for event in said] == [("unfit", workers[0]["pid"])]
    assert "1 threads of their own" in said[0]["reason"]


def test_a_zygote_that_must_not_fork_becomes_one_of_two_workers_that_start_at_once(tmp_path: Path) -> None:
    library = """
        import threading
        import time

        time.sleep(0.5)
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    """
    python = with_library(tmp_path, library)
    with serving(tmp_path / "function", wait=False, GAIA_FUNCTION_PYTHON=python) as running:
        assert eventually(running.admin_path.exists)
        running.admin("POST", "/pin")
        answer = running.switch("gpu")
        assert eventually(lambda: running.post({}).json()["backend"] == "gpu")
        pids = {event["pid"] for event in running.named("worker")}

    assert answer.status == 200
    assert len(pids) == 2


def test_a_library_that_kills_the_process_is_left_to_the_worker(tmp_path: Path) -> None:
    python = with_library(tmp_path, "import os\nif os.environ.get('PYTORCH_NVML_BASED_CUDA_CHECK'): os._exit(7)\n")
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python) as running:
        answer = running.post({"id": 1}).json()
        said = running.named("zygote")

    assert (answer["id"], answer["parent"]) == (1, running.process.pid)
    assert [event["reason"] for event in said] == ["it ended with exit code 7 during its imports"]


def test_a_zygote_that_dies_is_replaced_and_its_worker_goes_on(tmp_path: Path) -> None:
    async def kill_under_load(running: Serving, zygote: int) -> list[str]:
        loading = asyncio.ensure_future(load(running.port, 8, 4000))
        await asyncio.sleep(0.1)
        os.kill(zygote, signal.SIGKILL)
        return (await loading).failures

    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        first = running.state()["zygote"]
        worker = running.worker_pid("cpu")
        failures = asyncio.run(kill_under_load(running, first))
        said = running.event("zygote")
        same = running.worker_pid("cpu")
        assert eventually(lambda: running.state()["zygote"] not in (None, first))
        running.switch("gpu")
        answer = running.post({}).json()
        left = running.event("worker", lambda event: event["pid"] == worker and event["state"] == "exited")
        second = running.state()["zygote"]

    assert failures == []
    assert said["reason"] == f"it ended with signal {signal.SIGKILL:d}"
    assert same == worker
    assert answer["parent"] == second
    assert left["exit_code"] == 0


@contextmanager
def keeping(function: Path) -> Iterator[ZygoteClient]:
    """A client of the zygote in this process, on real processes; it needs a running event loop."""
    alive, held = lifeline.create()
    settings = Settings(function, function_python=sys.executable)
    events = EventLog(SystemClock(), None)
    try:
        yield ZygoteClient(settings, SystemClock(), events, dict(os.environ), alive, lambda _pid: lambda *_line: None)
    finally:
        os.close(held)
        os.close(alive)


def test_zygotes_that_die_one_after_the_other_are_followed_by_another_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote_client, "FIRST_REST_S", 0.5)

    async def scene(client: ZygoteClient) -> None:
        pids = set()
        for _ in range(zygote_client.MAX_LOST):
            zygote = await client.prepared()
            assert zygote is not None
            pids.add(zygote.pid)
            zygote.process.kill()
            while client.zygote is zygote:  # noqa: ASYNC110 -- nobody says when it is missed
                await asyncio.sleep(0.01)
        at_rest = await client.prepared()
        await asyncio.sleep(0.6)
        again = await client.prepared()
        await client.close()

        assert len(pids) == zygote_client.MAX_LOST
        assert at_rest is None
        assert again is not None

    with keeping(write_function(tmp_path, HANDLER)) as client:
        asyncio.run(scene(client))


def test_a_zygote_that_could_not_be_started_once_is_started_for_the_next_worker(tmp_path: Path) -> None:
    async def scene(client: ZygoteClient) -> None:
        had = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, had[1]))
        try:
            without = await client.prepared()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, had)
        after = await client.prepared()
        await client.close()

        assert without is None
        assert after is not None

    with keeping(write_function(tmp_path, HANDLER)) as client:
        asyncio.run(scene(client))


def test_a_zygote_whose_imports_never_end_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote_client, "PREPARE_TIMEOUT_S", 0.5)
    with_library(tmp_path, "import time\ntime.sleep(3600)\n")

    async def scene(client: ZygoteClient) -> None:
        client.settings = replace(client.settings, function_python=str(tmp_path / "environment" / "bin" / "python"))
        without = await client.prepared()
        await client.close()

        assert without is None

    with keeping(tmp_path / "function") as client:
        asyncio.run(scene(client))


def test_a_worker_without_its_zygote_is_still_missed_when_it_dies(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        zygote, worker = running.state()["zygote"], running.worker_pid("cpu")
        os.kill(zygote, signal.SIGKILL)
        running.event("zygote")
        os.kill(worker, signal.SIGKILL)
        died = running.event("worker_exit")
        answer = running.post({"id": 2})

    assert (died["pid"], died["signal"]) == (worker, signal.SIGKILL)
    assert answer.json()["id"] == 2


def test_a_runtime_that_is_killed_leaves_neither_a_hung_worker_nor_a_stopped_one(tmp_path: Path) -> None:
    source = """
        import os, signal, subprocess

        child = subprocess.Popen(["sleep", "300"])

        async def handle(scope, receive, send):
            with open("child", "w") as file:
                file.write(str(child.pid))
            os.kill(os.getpid(), signal.SIGSTOP)
            while True:
                pass
    """
    with serving(write_function(tmp_path, source)) as running:
        zygote, worker = running.state()["zygote"], running.worker_pid("cpu")
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n")
            assert eventually((tmp_path / "child").exists)
            running.process.kill()
        left = [zygote, worker, int((tmp_path / "child").read_text())]

        assert eventually(lambda: all(is_gone(pid) for pid in left))


FAKE_CUDA = """
static int ready;
int cuInit(unsigned flags) { ready = 1; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return ready ? 0 : 3; }
"""


@needs_compiler
@pytest.mark.parametrize("initialised", [False, True], ids=["loaded", "initialised"])
def test_cuda_may_be_loaded_but_not_initialised_before_a_fork(tmp_path: Path, initialised: bool) -> None:
    driver = tmp_path / "libcuda.so.1"
    command = ["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-x", "c", "-", "-o", str(driver)]
    subprocess.run(command, input=FAKE_CUDA.encode(), check=True)
    library = f"import ctypes\ncuda = ctypes.CDLL({str(driver)!r})\n" + ("cuda.cuInit(0)\n" if initialised else "")
    python = with_library(tmp_path, library)
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python) as running:
        forked = running.post({}).json()["parent"] != running.process.pid
        said = [event["reason"] for event in running.named("zygote")]

    assert forked is not initialised
    assert said == (
        ["its libraries have initialised CUDA, which a forked process could not use"] if initialised else []
    )


TORCH = """
    import os
    import torch

    def handler(payload):
        torch.set_num_threads(2)
        ones = torch.ones(500, 500)
        return {"sum": float(ones.matmul(ones).relu().sum()), "parent": os.getppid(), "cuda": torch.cuda.is_available()}
"""


@needs_torch
def test_workers_forked_with_torch_imported_run_parallel_operations(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, TORCH)) as running:
        running.admin("POST", "/pin")
        answers = [running.post({}).json()]
        for backend in ("gpu", "cpu"):
            running.switch(backend)
            answers.append(running.post({}).json())
        zygote = running.state()["zygote"]

    assert answers == [{"sum": 500.0**3, "parent": zygote, "cuda": False}] * 3


@needs_torch
def test_a_library_that_has_run_a_parallel_torch_operation_is_not_forked(tmp_path: Path) -> None:
    library = """
        import torch

        torch.set_num_threads(2)
        torch.ones(500, 500).matmul(torch.ones(500, 500)).relu()
    """
    python = with_library(tmp_path, library, TORCH)
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python) as running:
        running.admin("POST", "/pin")
        answers = [running.post({}).json()]
        running.switch("gpu")
        answers.append(running.post({}).json())
        said = running.named("zygote")

    assert answers == [{"sum": 500.0**3, "parent": running.process.pid, "cuda": False}] * 2
    assert [event["state"] for event in said] == ["unfit"]


@needs_torch
def test_a_worker_forked_with_torch_imported_has_little_memory_of_its_own(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, TORCH)) as running:
        rollup = Path(f"/proc/{running.worker_pid('cpu')}/smaps_rollup").read_text()
        private_kb = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))

    assert private_kb < 40_000


def test_numbers_drawn_by_numpy_differ_between_workers(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    source = """
        import numpy.random

        def handler(payload):
            return int(numpy.random.randint(2**31))
    """
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        drawn = [running.post({}).json()]
        for backend in ("gpu", "cpu"):
            running.switch(backend)
            drawn.append(running.post({}).json())

    assert len(set(drawn)) == 3


@needs_torch
def test_numbers_drawn_by_torch_differ_between_workers_unless_it_was_seeded(tmp_path: Path) -> None:
    library = """
        import torch

        seeded = torch.Generator()
        seeded.manual_seed(7)
    """
    source = """
        import torch
        import library

        def handler(payload):
            return [torch.rand(1).item(), torch.randn(1).item(), torch.rand(1, generator=library.seeded).item()]
    """
    python = with_library(tmp_path, library, source)
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=python) as running:
        running.admin("POST", "/pin")
        drawn = [running.post({}).json()]
        for backend in ("gpu", "cpu"):
            running.switch(backend)
            drawn.append(running.post({}).json())
        assert running.named("zygote") == [], "all of them were forked"

    assert [len({numbers[place] for numbers in drawn}) for place in range(3)] == [3, 3, 1]
