"""For how long the cgroups of a process were throttled: kept from running since they had used up their share.

Both versions of the interface, and the groups above, of which a container sees what it may. The kernel counts each
processor on which something was kept waiting, so the sum may pass the time. Source: the kernel's
Documentation/admin-guide/cgroup-v2.rst and Documentation/scheduler/sched-bwc.rst.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/sys/fs/cgroup")
"""Where cgroups are mounted, v1's controllers in directories below it."""

_FILE = "cpu.stat"
_KEYS = {b"throttled_usec": 1e-6, b"throttled_time": 1e-9}
"""The lines of v2 and v1, and the seconds of their units."""


class Throttling:
    """The groups of one process as they are now; it is not looked for others later."""

    def __init__(self, pid: int, root: Path = ROOT) -> None:
        found = dict.fromkeys(_files(root, Path(f"/proc/{pid}/cgroup")))
        self._files = [file for file in found if _throttled_s(file) is not None]

    def so_far_s(self) -> float:
        """Return the seconds for which the group that was throttled most has been so; 0 where nothing limits it."""
        return max([_throttled_s(file) or 0.0 for file in self._files], default=0.0)


def _files(root: Path, membership: Path) -> Iterator[Path]:
    """Yield where the process's group and those above it may have their statistics."""
    with contextlib.suppress(OSError, ValueError):  # no such interface, or the process has ended
        for line in membership.read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or "cpu" in controllers.split(","):
                group = PurePosixPath(path.lstrip("/"))
                for mount in (root / controllers, root / "cpu") if controllers else (root, root / "unified"):
                    yield from (mount / above / _FILE for above in (group, *group.parents))


def _throttled_s(file: Path) -> float | None:
    """Return what one group's file says; None where it has no limit that could throttle it."""
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_bytes().splitlines():
            key, _, value = line.partition(b" ")
            if key in _KEYS:
                return int(value) * _KEYS[key]
    return None
