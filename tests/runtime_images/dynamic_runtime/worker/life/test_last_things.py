"""What a function does after its last answer has the drain time, at a switch and at the end; a cut is told."""

import http.client
import signal
import textwrap
from pathlib import Path

import pytest

from tests.support.libraries import python_with
from tests.support.serving import serving, write_function

HOOKS = """
    import atexit, os, pathlib, sys, tempfile, threading, time, weakref

    HERE = pathlib.Path(__file__).parent
    kept = tempfile.TemporaryDirectory(dir=HERE, prefix="temporary-")
    atexit.register(lambda: (HERE / "flushed").touch())

    def work():
        time.sleep(0.5)
        (HERE / "thread").touch()

    def begin(payload):
        threading.Thread(target=work).start()
        return os.getpid()
"""
FORMS = {
    "blocking": "def handler(payload): return begin(payload)",
    "async": "async def handler(payload): return begin(payload)",
}


@pytest.mark.parametrize("way", ["switch", "end"])
@pytest.mark.parametrize("form", FORMS)
def test_threads_end_exit_hooks_run_and_temporary_directories_go(tmp_path: Path, form: str, way: str) -> None:
    function = write_function(tmp_path, f"{HOOKS}\n    {FORMS[form]}\n")
    with serving(function, GAIA_MODE="cpu_preferred") as running:
        running.admin("POST", "/pin")
        pid = running.post({}).json()
        kept = list(function.glob("temporary-*"))
        if way == "switch":
            running.switch("gpu")
            running.event("worker", lambda event: (event["pid"], event["state"]) == (pid, "exited"))
            assert not kept[0].exists()
            assert {path.name for path in function.iterdir()} >= {"flushed", "thread"}
    exits = [event["exit_code"] for event in running.named("worker") if event["state"] == "exited"]

    assert list(function.glob("temporary-*")) == []
    assert {path.name for path in function.iterdir()} >= {"flushed", "thread"}
    assert exits == [0] * len(exits)
    assert [event["what"] for event in running.named("cut_off")] == []


BACKGROUND = """
    import asyncio, contextlib, time
    from fastapi import BackgroundTasks, FastAPI

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        await asyncio.sleep(0.2)
        print("shut down")

    app = FastAPI(lifespan=lifespan)

    async def work():
        await asyncio.sleep(1)
        print("worked")

    def blocking_work():
        time.sleep(1)
        print("worked, too")

    @app.post("/")
    async def job(tasks: BackgroundTasks):
        tasks.add_task(work)
        tasks.add_task(blocking_work)
        return {}
"""


@pytest.mark.parametrize("way", ["switch", "end"])
def test_background_tasks_and_the_shutdown_of_an_application_end_in_order(tmp_path: Path, way: str) -> None:
    function = write_function(tmp_path, BACKGROUND, "app.py")
    settings = {"GAIA_ENTRYPOINT": "app.py:app", "GAIA_FUNCTION_PYTHON": python_with("fastapi")}
    with serving(function, True, GAIA_MODE="cpu_preferred", **settings) as running:
        running.admin("POST", "/pin")
        assert running.post({}).status == 200
        if way == "switch":
            running.switch("gpu")
            running.event("log", lambda event: event["line"] == "shut down")
    lines = [event["line"] for event in running.named("log")]

    assert lines[:3] == ["worked", "worked, too", "shut down"]


WORK = "the work of 1 requests after their answers"
ENDLESS = {
    "its exit hooks": """
        import atexit, time
        atexit.register(time.sleep, 600)
        def handler(payload): return payload
    """,
    "threads of its own": """
        import threading
        def handler(payload):
            threading.Thread(target=threading.Event().wait).start()
            return payload
    """,
    "the stop hook": """
        import asyncio
        class Function:
            async def handle(self, scope, receive, send):
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"{}"})
            async def stop(self):
                await asyncio.sleep(600)
        def new():
            return Function()
    """,
    WORK: """
        import asyncio
        async def handle(scope, receive, send):
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
            await asyncio.sleep(600)
    """,
    "the application's shutdown": """
        import asyncio
        async def handle(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await asyncio.sleep(600)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
    """,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_does_not_end_in_the_drain_time_is_cut_off_and_told(tmp_path: Path, what: str) -> None:
    function = write_function(tmp_path, ENDLESS[what])
    with serving(function, GAIA_MODE="cpu_preferred", GAIA_DRAIN_TIMEOUT_S="1") as running:
        running.admin("POST", "/pin")
        assert running.post({}).status == 200
        running.switch("gpu")
        told = running.event("cut_off")
        ended = running.event("worker", lambda event: event["state"] == "exited")
        assert running.post({}).status == 200

    assert what in told["what"]
    assert told["pid"] == ended["pid"]
    if what == WORK:  # the worker goes on with its shutdown
        assert (0.6 < told["after_s"] < 1.0, ended["exit_code"]) == (True, 0)
    else:
        assert (told["after_s"], ended["exit_code"]) == (1.0, -signal.SIGKILL)


LEFT_RUNNING = {
    "a task": """
        async def work():
            await asyncio.sleep(0.7)
            done()

        async def begin():
            tasks.append(asyncio.create_task(work()))
    """,
    "a task that begins another": """
        async def second():
            await asyncio.sleep(0.4)
            done()

        async def first():
            await asyncio.sleep(0.3)
            tasks.append(asyncio.create_task(second()))

        async def begin():
            tasks.append(asyncio.create_task(first()))
    """,
    "a call in the loop's executor": """
        async def begin():
            asyncio.get_running_loop().run_in_executor(None, late)
    """,
    "a thread": """
        async def begin():
            threading.Thread(target=late).start()
    """,
    "a pool of threads with a queue": """
        pool = concurrent.futures.ThreadPoolExecutor(1)

        async def begin():
            pool.submit(time.sleep, 0.2)
            pool.submit(late)
    """,
    "a pool of processes": """
        async def begin():
            concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("fork")).submit(late)
    """,
    "a process of multiprocessing": """
        async def begin():
            multiprocessing.get_context("fork").Process(target=late).start()
    """,
    "a program that a task waits for": """
        async def work():
            process = await asyncio.create_subprocess_exec("sleep", "0.7")
            await process.wait()
            done()

        async def begin():
            tasks.append(asyncio.create_task(work()))
    """,
}
LEAVES = """
    import asyncio, concurrent.futures, contextlib, multiprocessing, pathlib, threading, time

    HERE = pathlib.Path(__file__).parent
    tasks = []

    def done():
        (HERE / "done").touch()

    def late():
        time.sleep(0.7)
        done()

    async def for_ever():
        while True:
            await asyncio.sleep(0.01)

    class Function:
        async def start(self, cfg):
            tasks.append(asyncio.create_task(for_ever()))

        async def handle(self, scope, receive, send):
            await begin()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        async def stop(self):
            print("work is done" if (HERE / "done").exists() else "stopped")

    def new():
        return Function()
"""


@pytest.mark.parametrize("way", ["switch", "end"])
@pytest.mark.parametrize("what", LEFT_RUNNING)
def test_what_a_request_has_left_running_ends_before_the_worker_does(tmp_path: Path, what: str, way: str) -> None:
    function = write_function(tmp_path, textwrap.dedent(LEAVES) + textwrap.dedent(LEFT_RUNNING[what]))
    with serving(function, GAIA_MODE="cpu_preferred") as running:
        running.admin("POST", "/pin")
        assert running.post({}).status == 200
        if way == "switch":
            running.switch("gpu")
            running.event("worker", lambda event: event["state"] == "exited")
            assert (function / "done").exists()

    assert (function / "done").exists()
    assert [event["what"] for event in running.named("cut_off")] == []
    if "task" in what:
        assert "work is done" in [event["line"] for event in running.named("log")]


def test_a_task_that_goes_on_for_ever_keeps_no_shutdown_from_running_and_is_told(tmp_path: Path) -> None:
    begin = """
        async def begin():
            tasks.append(asyncio.create_task(for_ever()))
    """
    with serving(
        write_function(tmp_path, textwrap.dedent(LEAVES) + textwrap.dedent(begin)),
        GAIA_MODE="cpu_preferred",
        GAIA_DRAIN_TIMEOUT_S="1",
    ) as running:
        running.admin("POST", "/pin")
        assert running.post({}).status == 200
        running.switch("gpu")
        told = running.event("cut_off")
        ended = running.event("worker", lambda event: event["state"] == "exited")
        running.event("log", lambda event: event["line"] == "stopped")

    assert told["what"] == "1 tasks of its own: for_ever"
    assert 0.6 < told["after_s"] < 1.0
    assert ended["exit_code"] == 0


def test_what_has_run_for_longer_than_the_drain_time_is_a_loop_that_nobody_waits_for(tmp_path: Path) -> None:
    source = """
        import asyncio
        tasks = []

        async def for_ever():
            while True:
                await asyncio.sleep(0.01)

        async def handler(payload):
            if not tasks:
                tasks.append(asyncio.create_task(for_ever()))
            await asyncio.sleep(payload["seconds"])
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu", GAIA_DRAIN_TIMEOUT_S="0.2") as running:
        assert running.post({"seconds": 0.5}).status == 200
        running.stop()

    assert [event["what"] for event in running.named("cut_off")] == []


def test_a_stream_without_an_end_learns_of_the_end_before_the_shutdown(tmp_path: Path) -> None:
    source = """
        import asyncio

        class Function:
            async def handle(self, scope, receive, send):
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await receive()
                gone = asyncio.ensure_future(receive())
                while not gone.done():
                    await send({"type": "http.response.body", "body": b"x", "more_body": True})
                    await asyncio.sleep(0.01)
                await send({"type": "http.response.body", "body": b""})
                print(gone.result()["type"])

            async def stop(self):
                print("stopped")

        def new():
            return Function()
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu", GAIA_DRAIN_TIMEOUT_S="1") as running:
        client = http.client.HTTPConnection("127.0.0.1", running.port)
        client.request("GET", "/")
        answer = client.getresponse()
        answer.read(5)
        code = running.stop()
        with pytest.raises(http.client.IncompleteRead):  # it must not look whole
            answer.read()
        client.close()

    assert code == 0
    assert [event["line"] for event in running.named("log")] == ["http.disconnect", "stopped"]
