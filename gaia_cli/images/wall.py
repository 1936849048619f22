"""The wall around a function's container: what the engine `docker` sets, and what `gaia build` says to set.

An engine kills what it stops after ten seconds, and with it the requests that are still being answered: so a container
has the time that draining may take.
"""

import shlex

MOST_PROCESSES = 2048
TEMPORARY = "/tmp"  # noqa: S108 -- the container's own, its one writable place
TEMPORARY_OPTIONS = "rw,exec,nosuid,nodev,size=2g,mode=1777"
SECURITY_OPTIONS = ("no-new-privileges",)
DROPPED = ("ALL",)
STOP_TIMEOUT_S = 40
"""What an engine waits for the end of a container that it stops: the drain time, and some for the end itself."""


def docker_options(cpus: float | None, memory: str) -> str:
    """Return the options of `docker run` that raise the wall; limits of the project's own where it has some."""
    options = ["--read-only", "--tmpfs", f"{TEMPORARY}:{TEMPORARY_OPTIONS}"]
    options += [word for name in DROPPED for word in ("--cap-drop", name)]
    options += [word for name in SECURITY_OPTIONS for word in ("--security-opt", name)]
    options += ["--pids-limit", str(MOST_PROCESSES), "--stop-timeout", str(STOP_TIMEOUT_S)]
    options += ["--memory", memory, "--memory-swap", memory] if memory else []
    options += ["--cpus", f"{cpus:g}"] if cpus is not None else []
    return shlex.join(options)
