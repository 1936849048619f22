"""The zygote's standby: it becomes the next worker, and whatever happens to it costs no more than a fork."""

import os
import signal
import threading
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.wire.lifeline import is_stopped
from tests.support.processes import eventually, is_gone
from tests.support.serving import Serving, serving, write_function

HANDLER = """
    import os

    def handler(payload):
        backend = os.environ["GAIA_BACKEND"]
        return {"pid": os.getpid(), "parent": os.getppid(), "group": os.getpgrp(), "backend": backend}
"""


def waiting(running: Serving, but: int | None = None) -> int:
    """The standby, once there is one, other than `but`."""
    seen: list[int | None] = [None]

    def stays() -> bool:  # a zygote also forks a child to see whether it may, which ends at once
        seen.append(running.standby())
        return seen[-1] not in (None, but) and seen[-1] == seen[-2]

    assert eventually(stays)
    assert seen[-1] is not None
    return seen[-1]


def test_the_standby_becomes_the_next_worker_on_either_backend(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        standbys, answers = [], []
        for backend in ("gpu", "cpu"):
            standbys.append(waiting(running))
            running.switch(backend)
            answers.append(running.post({}).json())
        zygote = running.state()["zygote"]

    assert answers == [
        {"pid": pid, "parent": zygote, "group": pid, "backend": backend}
        for pid, backend in zip(standbys, ("gpu", "cpu"), strict=True)
    ]


def test_a_worker_that_dies_is_replaced_by_the_standby(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER), GAIA_MODE="cpu") as running:
        standby = waiting(running)
        os.kill(running.worker_pid("cpu"), signal.SIGKILL)
        answer = running.request("GET").json()
        successor = waiting(running)

    assert answer["pid"] == standby
    assert successor != standby


def test_without_a_standby_a_worker_is_forked_and_then_there_is_one_again(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        standby = waiting(running)
        os.kill(standby, signal.SIGKILL)
        assert eventually(lambda: running.standby() is None)
        running.switch("gpu")
        answer = running.post({}).json()
        zygote = running.state()["zygote"]
        successor = waiting(running)
        told = running.named("zygote")

    assert (answer["backend"], answer["parent"]) == ("gpu", zygote)
    assert standby not in (answer["pid"], successor)
    assert told == []


def test_a_standby_that_is_stopped_is_ended_and_a_worker_forked(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        standby = waiting(running)
        os.kill(standby, signal.SIGSTOP)
        assert eventually(lambda: is_stopped(standby))
        running.switch("gpu")
        answer = running.post({}).json()

        assert answer["backend"] == "gpu"
        assert answer["pid"] != standby
        assert is_gone(standby)


def test_two_starts_at_once_get_two_workers(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        standby = waiting(running)
        switching = threading.Thread(target=running.switch, args=("gpu",))
        switching.start()
        os.kill(running.worker_pid("cpu"), signal.SIGKILL)
        switching.join()
        answer = running.post({}).json()
        zygote = running.state()["zygote"]

    assert (answer["backend"], answer["parent"]) == ("gpu", zygote)
    assert standby in {event["pid"] for event in running.named("worker")}


@pytest.mark.parametrize("stopped", [False, True], ids=["waiting", "stopped"])
def test_a_standby_ends_with_the_runtime(tmp_path: Path, stopped: bool) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        standby = waiting(running)
        if stopped:
            os.kill(standby, signal.SIGSTOP)
        running.process.kill()

        assert eventually(lambda: is_gone(standby))


def test_a_standby_ends_with_its_zygote_and_the_next_zygote_has_one_too(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        standby = waiting(running)
        os.kill(running.state()["zygote"], signal.SIGKILL)
        successor = waiting(running, but=standby)

        assert eventually(lambda: is_gone(standby))
        assert successor != standby


def test_a_zygote_that_is_stopped_is_replaced_and_the_worker_spawned(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        zygote, standby = running.state()["zygote"], waiting(running)
        os.kill(zygote, signal.SIGSTOP)
        assert eventually(lambda: is_stopped(zygote))
        running.switch("gpu")
        answer = running.post({}).json()
        said = running.event("zygote")
        successor = waiting(running, but=standby)

        assert eventually(lambda: is_gone(zygote) and is_gone(standby))

    assert (answer["backend"], answer["parent"]) == ("gpu", running.process.pid)
    assert (said["pid"], said["reason"]) == (zygote, f"it ended with signal {signal.SIGKILL:d}")
    assert successor not in (zygote, standby)


def test_a_function_with_threads_of_its_own_is_served_by_standbys(tmp_path: Path) -> None:
    source = """
        import os
        import threading

        STARTED = threading.Event()
        threading.Thread(target=STARTED.set, daemon=True).start()
        threading.Thread(target=threading.Event().wait, daemon=True).start()

        def handler(payload):
            return {"pid": os.getpid(), "started": STARTED.wait(5)}
    """
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        standby = waiting(running)
        running.switch("gpu")
        answer = running.post({}).json()

    assert answer == {"pid": standby, "started": True}


def test_a_function_that_is_broken_meanwhile_is_told_by_the_worker_and_not_by_the_standby(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER)) as running:
        running.admin("POST", "/pin")
        first = waiting(running)
        (tmp_path / "func.py").unlink()
        running.switch("gpu")
        failed = running.event("setup_failed")
        waiting(running, but=first)
        still = running.post({}).json()

    assert failed["kind"] == "no_entry"
    assert still["backend"] == "cpu"
    assert running.named("zygote") == []
