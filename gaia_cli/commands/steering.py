"""`gaia switch`, `gaia pin` and `gaia unpin`: moving a function by hand, wherever it runs.

One rule finds it: a flag that names a cluster means the cluster; else a function of that name that `gaia run` serves on
this machine; else the cluster. Each answer says which one it was.
"""

from typing import TYPE_CHECKING, TypeVar

from gaia_cli.errors import ExitCode, MissingPartError
from gaia_cli.project.choices import BackendName, ClusterChoice
from gaia_cli.project.names import checked_name
from gaia_cli.running.records import LocalFunction
from gaia_cli.running.steering import find_local, never_switches, pin_local, switch_local, unpin_local
from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.inspecting.place import reach, says_anything
from gaia_cli.views import console
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime_images.cluster.access import Access
    from runtime_images.cluster.api import Api

_Result = TypeVar("_Result")


def switch(name: str, backend: BackendName, choice: ClusterChoice, timeout_s: float) -> ExitCode:
    """Move a function to a backend, and wait until requests go there.

    Raises:
        UsageError: no function can have that name, or its mode never switches.
        EngineError: the function here cannot start that backend.
        ClusterRefused: the one on the cluster cannot move there, or does not in time.
    """
    wanted = Backend(backend)
    if (local := _local(name, choice)) is not None:
        moved, where = switch_local(local, wanted, timeout_s), _here(local)
    else:
        access = _cluster(name, choice)
        from gaia_cli.targets.knative.inspecting import switching

        moved = _on_cluster(name, access, lambda api: switching.switch(api, name, wanted, timeout_s, console.note))
        where = _there(access)
    console.line(f"{name} ({where}) {'now serves' if moved else 'already serves'} on {wanted}")
    return ExitCode.OK


def pin(name: str, backend: BackendName | None, choice: ClusterChoice, timeout_s: float) -> ExitCode:
    """Keep a function on a backend, by default on the one that serves.

    Raises:
        UsageError, EngineError, ClusterRefused: as for `switch`; no pin is left then.
    """
    wanted = Backend(backend) if backend else None
    if (local := _local(name, choice)) is not None:
        pinned, where = pin_local(local, wanted, timeout_s), _here(local)
    else:
        access = _cluster(name, choice)
        from gaia_cli.targets.knative.inspecting import switching

        pinned = _on_cluster(name, access, lambda api: switching.pin(api, name, wanted, timeout_s, console.note))
        where = _there(access)
    console.line(f"{name} ({where}) is pinned to {pinned}")
    return ExitCode.OK


def unpin(name: str, choice: ClusterChoice, timeout_s: float) -> ExitCode:
    """Let the policy decide again, also over traffic that somebody has set by hand.

    Raises:
        UsageError, EngineError, ClusterRefused: as for `switch`.
    """
    if (local := _local(name, choice)) is not None:
        was = unpin_local(local)
        console.line(f"{name} ({_here(local)}) {'is no longer pinned' if was else 'was not pinned'}")
        return ExitCode.OK
    access = _cluster(name, choice)
    from gaia_cli.targets.knative.inspecting import switching

    taken = _on_cluster(name, access, lambda api: switching.unpin(api, name, timeout_s))
    where = _there(access)
    if taken.held_by is not None:
        said = f"took its traffic back from {taken.held_by.manager}, who held it since {taken.held_by.since}"
        console.line(f"{name} ({where}) {said}; it now serves on {taken.backend}")
    if taken.pin:
        console.line(f"{name} ({where}) is no longer pinned to {taken.pin}")
    elif taken.held_by is None:
        console.line(f"{name} ({where}) was not pinned")
    return ExitCode.OK


def _local(name: str, choice: ClusterChoice) -> LocalFunction | None:
    checked_name(name)
    return None if says_anything(choice) else find_local(name)


def _cluster(name: str, choice: ClusterChoice) -> "Access":
    try:
        access, _ = reach(choice)
    except MissingPartError as error:
        if says_anything(choice):
            raise
        message = f"no function {name} runs on this machine, and no cluster can be asked: {error.message}"
        raise MissingPartError(message, error.hint) from None
    return access


def _on_cluster(name: str, access: "Access", work: "Callable[[Api], Awaitable[_Result]]") -> _Result:
    from gaia_cli.targets.knative.inspecting.switching import FixedModeError

    try:
        return run(access, work)
    except FixedModeError as error:
        raise never_switches(name, error.mode) from None


def _here(function: LocalFunction) -> str:
    return f"on this machine, {function.url}"


def _there(access: "Access") -> str:
    return f"namespace {access.namespace}, context {access.context}"
