"""Switching and pinning a function that runs on this machine, through its admin address."""

from typing import Any

from gaia_cli.errors import EngineError, UsageError
from gaia_cli.running.admin_client import ask
from gaia_cli.running.records import LocalFunction, running_functions
from runtime_images.policy.model import Backend, ExecutionMode


def find_local(name: str) -> LocalFunction | None:
    """Return the function of that name that runs here, None where none does.

    Raises:
        UsageError: several do.
    """
    found = [one for one in running_functions() if one.name == name]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} functions named {name} run here: {', '.join(one.url for one in found)}",
            "end all but one of them, or ask the admin address of the one that you mean (docs/admin.md)",
        )
    return found[0] if found else None


def switch_local(function: LocalFunction, backend: Backend, timeout_s: float) -> bool:
    """Move a function's requests to a backend; return whether they were elsewhere.

    Raises:
        UsageError: its mode never switches.
        EngineError: that backend cannot start.
    """
    state = _state(function)
    if state.get("backend") == backend and not state.get("switching_to"):
        return False
    status, said = ask(function, "POST", "/switch", {"backend": backend}, timeout_s=timeout_s)
    if status != 200:
        why = (
            said.get("error")
            or f"the {backend} backend could not be started, or was not needed any more; its `gaia run` shows why"
        )
        raise EngineError(f"{function.name} stays on {state.get('backend')}: {why}")
    return True


def pin_local(function: LocalFunction, backend: Backend | None, timeout_s: float) -> Backend:
    """Keep a function where it is, or on `backend`, and return where that is; a failure leaves all as it was.

    Raises:
        UsageError: its mode never switches.
        EngineError: that backend cannot start.
    """
    state = _state(function)
    _told(function, "/pin")
    try:
        if backend is not None:
            switch_local(function, backend, timeout_s)
    except EngineError:
        if not state.get("pinned"):
            _told(function, "/unpin")
        raise
    return backend or Backend(state["backend"])


def unpin_local(function: LocalFunction) -> bool:
    """Give the decision back to the policy; return whether somebody else had it."""
    was_pinned = bool(_state(function).get("pinned"))
    _told(function, "/unpin")
    return was_pinned


def _state(function: LocalFunction) -> dict[str, Any]:
    status, said = ask(function, "GET", "/state")
    if status != 200:
        raise EngineError(f"{function.name} does not take the token of its own record", "start it again")
    if ExecutionMode(said["mode"]).is_fixed:
        raise never_switches(function.name, said["mode"])
    return said


def never_switches(name: str, mode: str) -> UsageError:
    """Return what is said of a function whose mode is fixed."""
    return UsageError(
        f"{name} never switches: its mode is {mode}", "run or deploy it with --mode cpu_preferred or gpu_preferred"
    )


def _told(function: LocalFunction, path: str) -> None:
    status, said = ask(function, "POST", path)
    if status != 200:
        raise EngineError(f"{function.name} refused {path}: {said.get('error') or status}")
