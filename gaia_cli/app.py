"""The command line as Typer sees it: all verbs, in the order in which help lists them."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import Report
from gaia_cli.verbs.checking import doctor
from gaia_cli.verbs.deploying import deploy, diff
from gaia_cli.verbs.functions import ReportFormat, analyze, build, init, manifest
from gaia_cli.verbs.inspecting import delete, describe, list_functions, logs
from gaia_cli.verbs.linting import lint, rule, rules
from gaia_cli.verbs.operating import controller_install, controller_run, controller_status, controller_uninstall
from gaia_cli.verbs.serving import invoke, run
from gaia_cli.verbs.simulating import Simulate
from gaia_cli.verbs.steering import pin, switch, unpin

Verb = Callable[..., ExitCode]

_HELP = """CPU or GPU, decided by the platform: analyze a Python function, build it, run it, watch it switch.

Begin with: gaia init hello"""
_EXIT_CODES = """Exit codes: 0 ok, 1 findings or SLO missed, 2 usage or configuration, 3 Docker, GPU or another
part missing here, 4 the cluster, 130 Ctrl-C."""

app = typer.Typer(
    name="gaia",
    epilog=_EXIT_CODES,
    rich_markup_mode=None,  # plain help: drawing it with rich would cost more than all the rest of it
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help=_HELP)
def _gaia(
    _version: Annotated[bool, typer.Option("--version", "-V", help="Show the version and exit.")] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from.  [env var: GAIA_DEBUG]")
    ] = False,
) -> None:
    """Declare the flags that `__main__` has taken out before parsing, for help and completion."""


def version(output_format: ReportFormat = Report.FULL) -> ExitCode:
    """Show the version.

    Example: gaia version --output-format json
    """
    from gaia_cli.commands import version as command

    return command.version(output_format)


def _to_call(verb: Verb) -> Callable[..., Verb]:
    """Make `verb` hand back the call instead of making it: `__main__` makes it, outside of Typer's own handlers."""

    @wraps(verb)
    def parsed(**values: object) -> Verb:
        return partial(verb, **values)

    return parsed


for _verb in (init, analyze, lint, rule, rules, manifest, build, run, invoke, deploy, diff, doctor):
    app.command()(_to_call(_verb))
app.command("simulate")(Simulate)  # made of its flags, it is the call
app.command("list")(_to_call(list_functions))
_ON_CLUSTERS: tuple[Verb, ...] = (describe, logs, delete, switch, pin, unpin)
for _on_clusters in _ON_CLUSTERS:
    app.command()(_to_call(_on_clusters))
app.command()(_to_call(version))

_controller = typer.Typer(rich_markup_mode=None, help="The controller of a cluster's functions.")
for _name, _part in (
    ("run", controller_run),
    ("install", controller_install),
    ("status", controller_status),
    ("uninstall", controller_uninstall),
):
    _controller.command(_name)(_to_call(_part))
app.add_typer(_controller, name="controller")
