"""`gaia delete`: take a function away, after showing what will go."""

from typing import TYPE_CHECKING

from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.project.choices import ClusterChoice
from gaia_cli.project.names import checked_name
from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.inspecting.place import reach
from gaia_cli.views import console

if TYPE_CHECKING:
    from gaia_cli.targets.knative.inspecting.deletion import Doomed
    from runtime_images.cluster.access import Access
    from runtime_images.cluster.api import Api


def delete(name: str, choice: ClusterChoice, timeout_s: float | None, *, yes: bool) -> ExitCode:
    """Delete a function and wait until it is gone, at most `timeout_s`; None is not waiting.

    Raises:
        UsageError: no function can have that name, or nobody can be asked.
        ClusterRefused: there is no such function, or it is not gone in time.
    """
    checked_name(name)
    if not yes and not console.reaches_a_person():
        raise UsageError(f"nobody can be asked here whether to delete {name}", "give -y")
    access, _ = reach(choice)
    from gaia_cli.targets.knative.inspecting import deletion

    what = run(access, lambda api: deletion.doomed(api, name))
    _show(what, access)
    if not yes and not console.agrees("Delete this?"):
        console.note("nothing was deleted")
        return ExitCode.OK

    async def carried_out(api: "Api") -> None:
        await deletion.delete(api, what)
        if timeout_s is not None:
            await deletion.wait_until_gone(api, what, timeout_s)

    try:
        run(access, carried_out)
    except KeyboardInterrupt:
        console.note(f"interrupted: gaia delete {name} again takes away what is left")
        raise
    console.line(f"deleted {name}" if timeout_s is not None else f"{name} is being deleted")
    return ExitCode.OK


def _show(what: "Doomed", access: "Access") -> None:
    console.note(f"context {access.context}, server {access.server}, namespace {access.namespace}, user {access.user}")
    for one in what.described():
        console.note(f"  {one}")
