"""Forks workers on command, with one child that stands by so that the next command costs no fork.

To fork a process that has imported torch keeps the kernel busy for some 4 ms, and the child for more until the pages
that it writes to are its own. So in a calm moment one child is forked ahead. It rehearses what workers do first, waits
for a command, and goes on as if it had been forked for it:

- environment, descriptors and session come with the command: the standby serves either backend and cannot grow old;
- until then it belongs to the zygote's process group, so that the zygote's lifeline ends it too;
- where there is none yet, or it was killed or stopped, a command is a fork. What has killed it may do so again, so its
  successor is forked after the next command, not at once.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from runtime_images.dynamic_runtime.wire.frames import MAX_PACKET_BYTES
from runtime_images.dynamic_runtime.wire.lifeline import is_stopped

MAX_DESCRIPTORS = 16
CALM_S = 0.2
"""How long no command and no end of a worker must have come before the standby is forked: a start may be under way."""


class Command(NamedTuple):
    """What the front wants started: changes to the environment, and the descriptors of the new worker.

    The first two descriptors become its output and its error output, the others are the worker's own arguments.
    """

    environ: dict[str, str | None]
    descriptors: list[int]


class Child(NamedTuple):
    """A process that was forked, and its pidfd."""

    pid: int
    watch: int


class Standby(NamedTuple):
    """A child that waits for its command on the other end of `channel`."""

    child: Child
    channel: socket.socket


class Forks:
    """Starts a worker for each command, and reports to the front when one has ended.

    `rehearse` is called in the standby: what it does, a worker does again, then on memory that is its own already.
    """

    def __init__(self, control: socket.socket, rehearse: Callable[[], object]) -> None:
        self._control = control
        self._rehearse = rehearse
        self._workers: dict[int, Child] = {}
        self._standby: Standby | None = None
        self._standby_due = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> Command | None:
        """Work until the front is gone, and return None; in each child, a clean one, return its command."""
        while True:
            events = self._selector.select(CALM_S if self._standby_due else None)
            if not events:
                if (command := self._stand_by()) is not None:
                    return command
                continue
            key, _ = events[0]  # one at a time: what is done about it may end what the others are about
            if key.fileobj is not self._control:
                self._reap(key.fd)
            elif (command := receive_command(self._control)) is None:
                return None
            elif self._start(command):
                return command

    def _start(self, command: Command) -> bool:
        """Start a worker; return True in a child that was forked for it."""
        self._standby_due = True
        try:
            child = self._pass_on(command) or self._fork()
        except OSError as error:  # no memory, too many processes
            send(self._control, {"event": "failed", "message": str(error)})
        else:
            if child is None:
                return True
            self._workers[child.watch] = child
            send(self._control, {"event": "forked", "pid": child.pid}, [child.watch])
        for descriptor in command.descriptors:
            os.close(descriptor)
        return False

    def _pass_on(self, command: Command) -> Child | None:
        """Give the command to the standby; return None if there is none that can take it."""
        standby, self._standby = self._standby, None
        if standby is None:
            return None
        if not is_stopped(standby.child.pid):
            with contextlib.suppress(OSError), standby.channel:
                packet = json.dumps({"environ": command.environ}).encode()
                socket.send_fds(standby.channel, [packet], command.descriptors)
                return standby.child
        self._end(standby)
        return None

    def _stand_by(self) -> Command | None:
        """Fork the standby; return in that child its command, once there is one."""
        self._standby_due = False
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:  # no descriptors left: commands will be forks
            return None
        with theirs:
            try:
                child = self._fork()
            except OSError:
                ours.close()
                return None
            if child is None:
                ours.close()
                return self._await_command(theirs)
        self._standby = Standby(child, ours)
        return None

    def _await_command(self, channel: socket.socket) -> Command:
        """Return the command of this standby, when it comes; without one, end."""
        with contextlib.suppress(Exception):  # the worker meets it again, and reports it
            self._rehearse()
        command = receive_command(channel)
        if command is None:
            os._exit(0)
        return command

    def _fork(self) -> Child | None:
        """Fork, or raise OSError. Return None in the child, after closing inherited descriptors."""
        pid = os.fork()
        if not pid:
            self._selector.close()
            self._control.close()
            for watch in self._workers:
                os.close(watch)
            return None
        try:
            watch = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)  # a child of which nobody knows must not serve
            os.waitpid(pid, 0)
            raise
        self._selector.register(watch, selectors.EVENT_READ)
        return Child(pid, watch)

    def _reap(self, watch: int) -> None:
        if self._standby is not None and self._standby.child.watch == watch:
            self._end(self._standby)
            self._standby = None
            return
        worker = self._workers.pop(watch)
        code = self._collect(worker)
        send(self._control, {"event": "exited", "pid": worker.pid, "code": code})

    def _end(self, standby: Standby) -> None:
        """End a standby that is of no use; it may be dead already."""
        standby.channel.close()
        os.kill(standby.child.pid, signal.SIGKILL)
        self._collect(standby.child)

    def _collect(self, child: Child) -> int:
        """Wait for the end of a child; return its exit code."""
        self._selector.unregister(child.watch)
        os.close(child.watch)
        _, status = os.waitpid(child.pid, 0)
        return os.waitstatus_to_exitcode(status)


def send(control: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Send the front a message."""
    with contextlib.suppress(OSError):  # the front is gone: the next read says so, too
        socket.send_fds(control, [json.dumps(message).encode()], descriptors or [])


def receive_command(channel: socket.socket) -> Command | None:
    """Return the next command; None once the other side is gone."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(channel, MAX_PACKET_BYTES, MAX_DESCRIPTORS)
    except OSError:
        return None
    return Command(json.loads(packet)["environ"], list(descriptors)) if packet else None
