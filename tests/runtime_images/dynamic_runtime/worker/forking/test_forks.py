"""Commands, ends and the standby, in any row: each command gets its own worker, each end is reported, none is left."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.wire.lifeline import is_stopped
from tests.support.processes import eventually, is_gone

ZYGOTE = """
import os, signal, socket, sys

from runtime_images.dynamic_runtime.worker.forking.forks import Forks

command = Forks(socket.socket(fileno=int(sys.argv[1])), lambda: None).serve()
if command is not None:
    os.write(command.descriptors[0], f"{os.getpid()} {command.environ['NAME']}".encode())
    signal.pause()
"""


class Zygote:
    """A process that forks on command, its messages, and what it should have: its workers."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self.control = control
        self.commands = 0
        self.workers: list[int] = []

    def command(self) -> None:
        self.commands += 1
        reading, writing = os.pipe()
        packet = json.dumps({"environ": {"NAME": f"worker {self.commands}"}}).encode()
        socket.send_fds(self.control, [packet], [writing])
        os.close(writing)
        report = self.take()
        said = os.read(reading, 100).decode()
        os.close(reading)

        assert report["event"] == "forked"
        assert report["pid"] not in self.workers
        assert said == f"{report['pid']} worker {self.commands}"
        self.workers.append(report["pid"])

    def kill_worker(self) -> None:
        if self.workers:
            pid = self.workers.pop(0)
            os.kill(pid, signal.SIGKILL)

            assert self.take() == {"event": "exited", "pid": pid, "code": -signal.SIGKILL}

    def kill_standby(self) -> None:
        """One that takes a command with its last breath is a worker that has died at once, and is reported as such."""
        if (pid := self._signal_standby(signal.SIGKILL)) is not None:
            assert eventually(lambda: is_gone(pid))

    def stop_standby(self) -> None:
        if (pid := self._signal_standby(signal.SIGSTOP)) is not None:
            assert eventually(lambda: is_stopped(pid) or is_gone(pid))

    def _signal_standby(self, number: int) -> int | None:
        pid = self.standby()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):  # one that was killed may have been listed still
                os.kill(pid, number)
        return pid

    def wait(self) -> None:
        """Until there is a standby, if one is due: after each command."""
        if self.commands:
            eventually(lambda: self.standby() is not None, timeout_s=0.5)

    def take(self) -> dict[str, Any]:
        packet, descriptors, _, _ = socket.recv_fds(self.control, 65536, 4)
        for descriptor in descriptors:
            os.close(descriptor)
        message: dict[str, Any] = json.loads(packet)
        return message

    def standby(self) -> int | None:
        others = self.children() - set(self.workers)
        assert len(others) <= 1
        return next(iter(others), None)

    def children(self) -> set[int]:
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@contextmanager
def zygote() -> Iterator[Zygote]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(20)
    with ours, theirs:
        arguments = [sys.executable, "-c", ZYGOTE, str(theirs.fileno())]
        process = subprocess.Popen(arguments, pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()
        try:
            yield Zygote(process, ours)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and the workers, which stay when the zygote ends
            process.wait()


STEPS = ("command", "kill_worker", "kill_standby", "stop_standby", "wait")


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=10))
def test_every_command_gets_a_worker_of_its_own_and_every_end_is_reported(steps: list[str]) -> None:
    with zygote() as forking:
        forking.command()
        assert eventually(lambda: forking.standby() is not None)
        descriptors = forking.descriptors()
        for step in steps:
            getattr(forking, step)()
        forking.command()  # after it a standby is due, whatever has become of the last one
        while len(forking.workers) > 1:
            forking.kill_worker()
        assert eventually(lambda: forking.standby() is not None)

        assert eventually(lambda: forking.descriptors() <= descriptors)  # one more until a fork has returned

        standby = forking.standby()
        forking.control.close()

        assert forking.process.wait(10) == 0
        assert standby is not None
        assert eventually(lambda: is_gone(standby))
