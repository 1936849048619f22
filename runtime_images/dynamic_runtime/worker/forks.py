"""Forking workers to order, with one child that stands by so that the next order costs no fork.

To fork a process that has imported torch keeps the kernel busy for some 4 ms, and the child for more until the pages
that it writes to are its own. Nothing of that depends on the order. So when nothing has happened for a moment, one
child is forked ahead. It rehearses what workers do first, waits for an order, and with that goes on exactly as if it
had been forked for it:

- environment, descriptors and session come with the order, so the standby serves either backend, and it holds
  nothing that could grow old: libraries are the zygote's, and the function's own code is read by each worker;
- until then it belongs to the zygote's process group, so that the zygote's lifeline ends it too, even when it is
  stopped; and it ends by itself when the zygote does;
- it is a short cut and no more: where there is none yet, or it was killed or stopped, an order is a fork. What has
  killed it may do so again, so its successor is forked after the next order, not at once.

Standard library only: it runs in the function's own environment.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import MAX_PACKET_BYTES
from runtime_images.dynamic_runtime.wire.lifeline import is_stopped

MAX_DESCRIPTORS = 16
CALM_S = 0.2
"""How long no order and no end of a worker must have come before the standby is forked: a start may be under way."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the front wants started: changes to the environment, and the descriptors of the new worker.

    The first two descriptors become its output and its error output, the others are the worker's own arguments.
    """

    environ: dict[str, str | None]
    descriptors: list[int]


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was forked, and its pidfd."""

    pid: int
    watch: int


@dataclass(frozen=True, slots=True)
class Standby:
    """A child that waits for its order on the other end of `channel`."""

    child: Child
    channel: socket.socket


class Forks:
    """Starts a worker for each order, and tells the front when one has ended.

    `rehearse` is called in the standby: what it does, a worker does again, then on memory that is its own already.
    """

    def __init__(self, control: socket.socket, rehearse: Callable[[], None]) -> None:
        self._control = control
        self._rehearse = rehearse
        self._workers: dict[int, Child] = {}
        self._standby: Standby | None = None
        self._standby_due = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> Order | None:
        """Work until the front is gone: None then. In each child this returns its order, and the child is clean."""
        while True:
            events = self._selector.select(CALM_S if self._standby_due else None)
            if not events:
                if (order := self._stand_by()) is not None:
                    return order
                continue
            key, _ = events[0]  # one at a time: what is done about it may end what the others are about
            if key.fileobj is not self._control:
                self._reap(key.fd)
            elif (order := take_order(self._control)) is None:
                return None
            elif self._start(order):
                return order

    def _start(self, order: Order) -> bool:
        """Start a worker; True in a child that was forked for it."""
        self._standby_due = True
        try:
            child = self._pass_on(order) or self._fork()
        except OSError as error:  # no memory, too many processes
            send(self._control, {"event": "failed", "message": str(error)})
        else:
            if child is None:
                return True
            self._workers[child.watch] = child
            send(self._control, {"event": "forked", "pid": child.pid}, [child.watch])
        for descriptor in order.descriptors:
            os.close(descriptor)
        return False

    def _pass_on(self, order: Order) -> Child | None:
        """Give the order to the standby; None if there is none that can take it."""
        standby, self._standby = self._standby, None
        if standby is None:
            return None
        if not is_stopped(standby.child.pid):
            with contextlib.suppress(OSError), standby.channel:
                socket.send_fds(standby.channel, [json.dumps({"environ": order.environ}).encode()], order.descriptors)
                return standby.child
        self._end(standby)
        return None

    def _stand_by(self) -> Order | None:
        """Fork the standby. In that child: its order, once there is one."""
        self._standby_due = False
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:  # no descriptors left: orders will be forks
            return None
        with theirs:
            try:
                child = self._fork()
            except OSError:
                ours.close()
                return None
            if child is None:
                ours.close()
                return self._await_order(theirs)
        self._standby = Standby(child, ours)
        return None

    def _await_order(self, channel: socket.socket) -> Order:
        """In the standby: its order. Without one it does not return."""
        with contextlib.suppress(Exception):  # the worker meets it again, and reports it
            self._rehearse()
        order = take_order(channel)
        if order is None:
            os._exit(0)
        return order

    def _fork(self) -> Child | None:
        """Fork; None in the child, which has nothing of this object's left.

        Raises:
            OSError: there is no child.
        """
        pid = os.fork()
        if not pid:
            self._leave_to_parent()
            return None
        try:
            watch = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)  # a child of which nobody knows must not serve
            os.waitpid(pid, 0)
            raise
        self._selector.register(watch, selectors.EVENT_READ)
        return Child(pid, watch)

    def _leave_to_parent(self) -> None:
        self._selector.close()
        self._control.close()
        for watch in self._workers:
            os.close(watch)

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
        """Wait for the end of a child; its exit code."""
        self._selector.unregister(child.watch)
        os.close(child.watch)
        _, status = os.waitpid(child.pid, 0)
        return os.waitstatus_to_exitcode(status)


def send(control: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Tell the front something."""
    with contextlib.suppress(OSError):  # the front is gone: the next read says so, too
        socket.send_fds(control, [json.dumps(message).encode()], descriptors or [])


def take_order(channel: socket.socket) -> Order | None:
    """The next order; None once the other side is gone."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(channel, MAX_PACKET_BYTES, MAX_DESCRIPTORS)
    except OSError:
        return None
    return Order(json.loads(packet)["environ"], list(descriptors)) if packet else None
