"""How much memory this container may use, the shares of it that clients can take, and how it goes back after a peak.

What clients send comes in pieces of up to 256 KiB, which the C library takes from its heap and keeps there when they
are free, for small objects lie between them. Its `malloc_trim` gives the free pages back.
"""

import contextlib
import ctypes
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ASSUMED_BYTES = 2 * 2**30
"""What we share out where nothing limits us."""

SHARE = 8
_CONNECTION_BYTES = 16 * 1024  # what an idle connection costs at most, what the kernel keeps for it included
_OWN_DESCRIPTORS = 64
_NO_LIMIT = 1 << 60  # cgroup v1 says so with the largest multiple of a page
_LEAST_SHARE_BYTES = 4 * 1024 * 1024  # with less, ordinary clients would be in each other's way
_LEAST_TRIMMED_BYTES = 16 * 1024 * 1024  # less is not worth the milliseconds
_FILES = (("memory.max", ""), ("memory.limit_in_bytes", "memory"))  # of cgroup v2 and v1, and where each is mounted


@dataclass(frozen=True, slots=True)
class Shares:
    """Bytes of request bodies, bytes of answers that clients have not taken, and connections, each in all."""

    bodies: int
    answers: int
    connections: int


def share_out(memory_bytes: int) -> Shares:
    """Return the shares of this much memory."""
    share = max(memory_bytes // SHARE, _LEAST_SHARE_BYTES)
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    connections = share // _CONNECTION_BYTES
    if descriptors != resource.RLIM_INFINITY:
        connections = min(connections, max(1, descriptors - _OWN_DESCRIPTORS))
    return Shares(bodies=share, answers=share, connections=connections)


def memory_limit(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """Return how many bytes this process's cgroups let it use, at most `ASSUMED_BYTES`."""
    return min([ASSUMED_BYTES, *_limits(root, membership)])


def _limits(root: Path, membership: Path) -> Iterator[int]:
    """Yield the limits of this process's cgroups and of those above them, by both versions of the interface."""
    with contextlib.suppress(OSError, ValueError):  # no such interface, or none that we know
        for line in membership.read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            for name, mount in _FILES:
                if mount in controllers.split(","):
                    yield from _limits_above(root / mount, PurePosixPath(path.lstrip("/")), name)


def _limits_above(mount: Path, path: PurePosixPath, name: str) -> Iterator[int]:
    for group in (path, *path.parents):
        with contextlib.suppress(OSError, ValueError):  # another namespace's path, or "max"
            limit = int((mount / group / name).read_text("ascii"))
            if 0 < limit < _NO_LIMIT:
                yield limit


class Heap:
    """The heap of this process; `private_bytes` says how much memory the process has for itself."""

    def __init__(self, trim: Callable[[], None], private_bytes: Callable[[], int]) -> None:
        self._trim = trim
        self._private_bytes = private_bytes
        self._settled_bytes = private_bytes()

    def tick(self, in_use_bytes: int) -> None:
        """Look whether a peak is over; `in_use_bytes` is what is needed of the heap beside the usual now."""
        now_bytes = self._private_bytes()
        self._settled_bytes = min(self._settled_bytes, now_bytes)
        if now_bytes - self._settled_bytes > _LEAST_TRIMMED_BYTES + 2 * in_use_bytes:
            self._trim()
            self._settled_bytes = self._private_bytes()


def own_heap() -> Heap:
    """Return the heap of this process; where the C library cannot trim it, it gives memory back by itself."""
    try:
        malloc_trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return Heap(lambda: None, _private_bytes)
    return Heap(lambda: malloc_trim(0), _private_bytes)


def _private_bytes() -> int:
    _, resident, shared, *_ = Path("/proc/self/statm").read_text("ascii").split()
    return (int(resident) - int(shared)) * resource.getpagesize()
