"""A start that is not needed any more, with real processes: it is killed, nothing is left, and no request is lost."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runtime_images.dynamic_runtime.workers.test_zygote import with_library
from tests.support.processes import eventually, is_gone
from tests.support.serving import Serving, load, serving, write_function

SLOW_ON_THE_GPU = """
    import os, subprocess, sys, time

    if os.environ["GAIA_BACKEND"] == "gpu":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open({children!r}, "a") as children:
            children.write(f"{{child.pid}} {{os.getpid()}}\\n")
        time.sleep(600)

    def handler(payload):
        return {{**payload, "backend": "cpu"}}
"""


def begun(children: Path) -> list[int]:
    """The processes that starts on the GPU have begun so far: the worker's own, and what it has started."""
    return [int(pid) for pid in children.read_text().split()] if children.exists() else []


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = text.rpartition(")")[2].split()[:2]
        if state != "Z" and int(parent) == pid:
            found |= {int(entry.parent.name)} | descendants(int(entry.parent.name))
    return found


async def _served_throughout(running: Serving, children: Path) -> list[str]:
    """Give a start up under load; the failures."""
    loading = asyncio.ensure_future(load(running.port, 8, 4_000))
    switching = asyncio.ensure_future(asyncio.to_thread(running.switch, "gpu"))
    assert await asyncio.to_thread(eventually, lambda: len(begun(children)) == 2)
    stays = await asyncio.to_thread(running.switch, "cpu")
    result = await loading

    assert (stays.status, (await switching).status) == (200, 409)
    assert result.answered == 4_000
    assert result.backends == {"cpu"}
    return result.failures


def test_a_start_is_given_up_while_the_function_loads_with_its_children(tmp_path: Path) -> None:
    children = tmp_path / "children"
    source = SLOW_ON_THE_GPU.format(children=str(children))
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        failures = asyncio.run(_served_throughout(running, children))
        said = running.event("switch", lambda event: event["phase"] == "given_up")
        are_gone = eventually(lambda: all(map(is_gone, begun(children))))
        state = running.state()

    assert failures == []
    assert are_gone
    assert (said["to"], said["mode"]) == ("gpu", "cpu_preferred")
    assert [worker["backend"] for worker in state["workers"]] == ["cpu"]
    assert state["switching_to"] is None
    assert not running.named("setup_failed")
    assert not [event for event in running.named("switch") if event["phase"] == "failed"]


def test_a_start_that_waits_for_the_zygotes_imports_is_given_up_and_the_next_one_is_forked(tmp_path: Path) -> None:
    library = """
        import time

        time.sleep(1.0)
    """
    with serving(tmp_path / "function", GAIA_FUNCTION_PYTHON=with_library(tmp_path, library)) as running:
        running.admin("POST", "/pin")
        os.kill(running.state()["zygote"], signal.SIGKILL)
        running.event("zygote", lambda event: event["state"] == "exited")
        with ThreadPoolExecutor(1) as pool:
            switching = pool.submit(running.switch, "gpu")
            running.event("switch", lambda event: event["phase"] == "ordered")
            begun_s = time.monotonic()
            stays = running.switch("cpu")
            took_s = time.monotonic() - begun_s
            given_up = switching.result()
        moved = running.switch("gpu")
        served, zygote = running.post({}).json(), running.state()["zygote"]

    assert (given_up.status, stays.status, moved.status) == (409, 200, 200)
    assert took_s < 0.9, "it does not wait for the imports"
    assert served["parent"] == zygote


def test_starts_that_are_given_up_at_any_moment_leave_no_process_and_no_descriptor(tmp_path: Path) -> None:
    source = """
        import time

        time.sleep(0.02)

        def handler(payload):
            return payload
    """
    with serving(write_function(tmp_path, source)) as running, ThreadPoolExecutor(1) as pool:
        running.admin("POST", "/pin")
        assert eventually(lambda: running.standby() is not None)
        expected, open_before = len(descendants(running.process.pid)), 0
        for number, pause_s in enumerate(n * 0.04 / 30 for n in range(30)):
            switching = pool.submit(running.switch, "gpu")
            time.sleep(pause_s)  # the moment is the input: none of them may matter
            assert running.switch("cpu").status == 200
            switching.result()
            if number == 4:
                open_before = _open_files(running)
        phases = {event["phase"] for event in running.named("switch")}
        at_rest = eventually(lambda: len(descendants(running.process.pid)) == expected)
        open_after = _open_files(running)
        answer = running.post({"id": 1})

    assert "given_up" in phases
    assert at_rest
    assert open_after <= open_before + 10, "shared memory of a few starts may wait for the garbage collector"
    assert answer.json() == {"id": 1}


def _open_files(running: Serving) -> int:
    assert eventually(lambda: len(running.state()["workers"]) == 1)
    return len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))
