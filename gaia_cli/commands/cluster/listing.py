"""`gaia list`: the functions that are deployed."""

from typing import TYPE_CHECKING

from gaia_cli.errors import ClusterRefused, ExitCode
from gaia_cli.project.choices import ClusterChoice, ListForm
from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.inspecting.place import reach
from gaia_cli.targets.outputs import DEPLOYED_SCHEMA, FunctionRow, ListOutput
from gaia_cli.views import console
from runtime_images.cluster.kinds import EVERYWHERE

if TYPE_CHECKING:
    from runtime_images.cluster.api import Api


def list_functions(choice: ClusterChoice, form: ListForm | None, *, everywhere: bool) -> ExitCode:
    """Show the functions of the namespace, or of all of them.

    Raises:
        ClusterRefused: this user may not list them there.
    """
    access, target = reach(choice)
    from gaia_cli.targets.knative.inspecting.rows import list_functions as listed
    from gaia_cli.targets.knative.namespaces import check_namespace

    async def work(api: "Api") -> tuple[list[FunctionRow], str]:
        found = await listed(api, EVERYWHERE if everywhere else None)
        try:
            if not found and not everywhere:
                await check_namespace(api, access.namespace)  # an empty list is also what a slip in its name gets
        except ClusterRefused as error:
            return found, error.message
        return found, ""

    functions, problem = run(access, work)
    if form is ListForm.NAME:
        for one in functions:
            console.exact(_named(one, everywhere=everywhere))
    elif form is not None:
        from gaia_cli.views.cluster.objects import write_object

        write_object(
            ListOutput(schema_version=DEPLOYED_SCHEMA, target=target, context=access.context, functions=functions),
            form.value,
        )
    else:
        place = "all namespaces" if everywhere else f"namespace {access.namespace}"
        where = f"{place}, context {access.context}{f', target {target}' if target else ''}"
        _show(functions, f"{where}: {problem}" if problem else where, everywhere=everywhere)
    return ExitCode.OK


def _named(function: FunctionRow, *, everywhere: bool) -> str:
    return f"{function['namespace']}/{function['name']}" if everywhere else function["name"]


def _show(functions: list[FunctionRow], where: str, *, everywhere: bool) -> None:
    from gaia_cli.views.cluster.deployed import now_utc, show_list

    if not functions:
        console.note(f"there is no function in {where}")
        return
    console.note(where)
    show_list(functions, now_utc(), with_namespace=everywhere)
