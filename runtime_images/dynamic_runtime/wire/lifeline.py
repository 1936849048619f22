"""The lifeline: a pipe whose closing ends everything that the runtime has started, whatever that is doing.

The runtime holds the only write end. Each process that it starts, and each that a zygote forks, asks the kernel to
send SIGKILL to its whole process group when that end closes (fcntl(2), F_SETSIG and F_SETOWN). So a runtime that is
killed leaves nothing behind, not even a worker that is stopped. PR_SET_PDEATHSIG would end forked workers with their
zygote, which they shall outlive.
"""

import contextlib
import fcntl
import os
import signal
from pathlib import Path


def create() -> tuple[int, int]:
    """Return a fresh lifeline: the end to hand on, and the end to hold."""
    return os.pipe2(os.O_CLOEXEC)


def hold(fd: int) -> int | None:
    """End this process's group when the other end of `fd` closes; close `fd`, and return the descriptor that is kept.

    Where the kernel cannot do that, as in some sandboxes, the closing of the worker's own socket ends it.
    """
    own = None
    with contextlib.suppress(OSError):
        # An open file of our own: the owner of a signal belongs to the open file, which others inherit, too.
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    os.close(fd)
    return own


def is_stopped(pid: int) -> bool:
    """Return whether a process is stopped, as by SIGSTOP; it does nothing until it is continued (proc(5), state T)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split(None, 1)[0] == b"T"
