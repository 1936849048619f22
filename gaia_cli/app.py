"""The table of commands: names, flags and help texts, and nothing that works.

Each verb returns the call to make (`Call`); `__main__` makes it. The verb's module is imported by the call,
so that no verb pays for another's imports, and help pays for none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.choices import AcceleratorName, EngineName, ModeName, Report, Stream, Template
from gaia_cli.errors import ExitCode
from gaia_cli.linting.verb import lint
from gaia_cli.simulator.options import Options

Call = Callable[[], ExitCode]

_HELP = """CPU or GPU, decided by the platform: analyze a Python function, bake it, run it, watch it switch.

Begin with: gaia init hello"""
_EXIT_CODES = "Exit codes: 0 ok, 1 findings or SLO missed, 2 usage or configuration, 3 Docker or GPU, 130 Ctrl-C."

app = typer.Typer(
    name="gaia",
    epilog=_EXIT_CODES,
    rich_markup_mode=None,  # plain help: drawing it with rich would cost more than all the rest of it
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


FunctionPath = Annotated[Path, typer.Argument(metavar="PATH", help="The function: a directory, or one Python file.")]
ReportFormat = Annotated[
    Report, typer.Option("--output-format", help="A report to read, or one JSON object for programs.")
]
Mode = Annotated[
    ModeName | None,
    typer.Option(envvar="GAIA_MODE", help="Pin the execution mode, whatever the analyzer says."),
]


@app.callback(help=_HELP)
def _gaia(
    _version: Annotated[bool, typer.Option("--version", "-V", help="Show the version and exit.")] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from.  [env var: GAIA_DEBUG]")
    ] = False,
) -> None:
    """Name the flags that `__main__` has taken out before parsing, for help and completion."""


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the function.")],
    template: Annotated[
        Template, typer.Option(help="A plain handler(payload), or Knative's new() with an ASGI handle.")
    ] = Template.HANDLER,
    name: Annotated[str, typer.Option(help="The function's name; by default made from DIR.")] = "",
) -> Call:
    """Write a small working function to begin with.

    Its code, gaia.toml and requirements.txt; nothing that is there is overwritten.

    Example: gaia init hello
    """

    def call() -> ExitCode:
        from gaia_cli.commands.init import init as work

        return work(directory, template=template.value, name=name)

    return call


@app.command()
def analyze(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A function's directory, a Python file or a notebook.")],
    output_format: ReportFormat = Report.FULL,
    write: Annotated[bool, typer.Option("--write", help="Write gaia.manifest.toml beside the function.")] = False,
    hardware: Annotated[
        str,
        typer.Option(
            envvar="GAIA_HARDWARE",
            metavar="PROFILE|FILE",
            help="The GPU to predict for where there is an SLO, such as l4 or h100.",
        ),
    ] = "",
) -> Call:
    """Say which execution mode the code needs, and why.

    The code is read and never run.

    Example: gaia analyze samples/02-matmul
    """

    def call() -> ExitCode:
        from gaia_cli.commands.analyze import analyze as work

        return work(path, output_format=output_format.value, write=write, hardware=hardware)

    return call


app.command()(lint)


@app.command()
def rule(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The rule's code or name.")],
    output_format: ReportFormat = Report.FULL,
) -> Call:
    """Explain a rule.

    Example: gaia rule GA201
    """

    def call() -> ExitCode:
        from gaia_cli.commands.rule import rule as work

        return work(code, output_format=output_format.value)

    return call


@app.command()
def rules(output_format: ReportFormat = Report.FULL) -> Call:
    """List the rules.

    Example: gaia rules --output-format json
    """

    def call() -> ExitCode:
        from gaia_cli.commands.rules import rules as work

        return work(output_format=output_format.value)

    return call


@app.command()
def manifest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATHS", show_default=False, help="Functions; by default all below that have one."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write each anew instead of checking it.")] = False,
) -> Call:
    """Check that each gaia.manifest.toml is that of its sources.

    Exits with 1 where one is not.

    Example: gaia manifest --write
    """

    def call() -> ExitCode:
        from gaia_cli.commands.manifest import manifest as work

        return work(tuple(paths or ()), write=write)

    return call


@app.command()
def build(
    path: FunctionPath,
    tag: Annotated[str, typer.Option(help="The image's name and tag; by default the function's.")] = "",
    base_image: Annotated[str, typer.Option(help="Build on this image instead of the mode's own.")] = "",
    mode: Mode = None,
    output_format: ReportFormat = Report.FULL,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every layer anew.")] = False,
) -> Call:
    """Bake the function into a container image.

    The image holds the function, its requirements, the runtime and the manifest. Needs a Docker engine.

    Example: gaia build samples/01-hello --tag hello:1
    """

    def call() -> ExitCode:
        from gaia_cli.commands.build import build as work

        return work(
            path,
            tag=tag,
            base_image=base_image,
            mode=mode.value if mode else "",
            output_format=output_format.value,
            no_cache=no_cache,
        )

    return call


@app.command()
def run(
    path: FunctionPath,
    engine: Annotated[
        EngineName, typer.Option(envvar="GAIA_ENGINE", help="Where to run: a local process or Docker.")
    ] = EngineName.AUTO,
    accelerator: Annotated[
        AcceleratorName,
        typer.Option(
            envvar="GAIA_ACCELERATOR",
            help="What the GPU backend uses; 'emulated' is a GPU lane for machines without one.",
        ),
    ] = AcceleratorName.AUTO,
    port: Annotated[
        int,
        typer.Option(envvar="GAIA_PORT", min=0, max=65535, help="The port; a free one if it is taken."),
    ] = 8080,
    slo_p95_ms: Annotated[
        float | None,
        typer.Option(envvar="GAIA_SLO_P95_MS", min=0.001, help="The p95 latency to keep to, over gaia.toml's."),
    ] = None,
    mode: Mode = None,
    output_format: Annotated[
        Stream, typer.Option(help="A live view to read, or one JSON event a line for programs.")
    ] = Stream.FULL,
    record: Annotated[Path | None, typer.Option(metavar="TRACE.csv", help="Record the requests as a trace.")] = None,
    play: Annotated[
        Path | None,
        typer.Option(metavar="REQUESTS.jsonl", help="Send these requests as load, then stop."),
    ] = None,
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Say at the end what other policies would have cost on this traffic.")
    ] = False,
) -> Call:
    """Serve the function here and watch it switch.

    While it serves, it is moved between the CPU and the GPU backend to keep to its SLO. Ctrl-C drains it
    and prints a summary.

    Example: gaia run samples/02-matmul --play samples/02-matmul/load.jsonl
    """

    def call() -> ExitCode:
        from gaia_cli.commands.run import RunOptions
        from gaia_cli.commands.run import run as work

        options = RunOptions(
            engine=engine.value,
            accelerator=accelerator.value,
            port=port,
            slo_p95_ms=slo_p95_ms,
            mode=mode.value if mode else "",
            output_format=output_format.value,
            record=record,
            play=play,
            what_if=what_if,
        )
        return work(path, options)

    return call


@app.command()
def invoke(
    target: Annotated[
        str,
        typer.Argument(metavar="PATH|URL", help="A running function's URL, or a function to start for this."),
    ],
    data: Annotated[str, typer.Option("--data", "-d", help="The body: JSON, @file, or - for standard input.")] = "",
    method: Annotated[str, typer.Option("--method", "-X", help="By default POST with a body and GET without.")] = "",
    path: Annotated[str, typer.Option(help="The path of the request, added to the URL.")] = "",
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header; may be repeated."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds to wait for the answer.")] = 60.0,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also show status, backend and timing, on stderr.")
    ] = False,
) -> Call:
    """Send one request and print the answer.

    Example: gaia invoke http://127.0.0.1:8080 --data '{"size": 64}'
    """

    def call() -> ExitCode:
        from gaia_cli.commands.invoke import invoke as work

        return work(
            target,
            data=data,
            method=method,
            path=path,
            headers=tuple(header or ()),
            timeout_s=timeout,
            verbose=verbose,
        )

    return call


@app.command("simulate")
@dataclass(frozen=True)
class Simulate(Options):
    """Say what a trace would have cost under other policies.

    Replays recorded or generated requests, and finds the best that anybody could have done who knew them in advance.

    Example: gaia simulate ramp burst --report simulation.html
    """

    output_format: ReportFormat = Report.FULL
    report: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Also write a page with pictures, in one file.")
    ] = None

    def __call__(self) -> ExitCode:
        """Replay the traces."""
        from gaia_cli.commands.simulate import simulate as work

        return work(self, as_json=self.output_format is Report.JSON, report=self.report)


@app.command()
def version(output_format: ReportFormat = Report.FULL) -> Call:
    """Show which Gaia this is.

    Example: gaia version --output-format json
    """

    def call() -> ExitCode:
        from gaia_cli.commands.version import version as work

        return work(output_format=output_format.value)

    return call
