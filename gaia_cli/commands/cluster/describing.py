"""`gaia describe`: all that is known of a function that is deployed."""

from typing import TYPE_CHECKING

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import ClusterChoice, ObjectForm
from gaia_cli.project.names import checked_name
from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.inspecting.place import reach

if TYPE_CHECKING:
    from gaia_cli.targets.outputs import DescribeOutput
    from runtime_images.cluster.api import Api


def describe(name: str, choice: ClusterChoice, form: ObjectForm | None) -> ExitCode:
    """Show a function.

    Raises:
        UsageError: no function can have that name.
        ClusterRefused: there is no such function, or it may not be read.
    """
    checked_name(name)
    access, target = reach(choice)
    from gaia_cli.targets.knative.inspecting import description
    from gaia_cli.targets.knative.inspecting.reading import read_everything

    async def described(api: "Api") -> "DescribeOutput":
        return description.describe(name, access, target, await read_everything(api, name))

    said = run(access, described)
    if form is not None:
        from gaia_cli.views.cluster.objects import write_object

        write_object(said, form.value)
    else:
        from gaia_cli.views.cluster.deployed import now_utc, show_description

        show_description(said, now_utc())
    return ExitCode.OK
