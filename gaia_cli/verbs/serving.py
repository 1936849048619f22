"""The verbs that serve a function and ask it: `run` and `invoke`."""

from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import DEFAULT_PORT, AcceleratorName, EngineName, Stream
from gaia_cli.verbs.durations import Timeout
from gaia_cli.verbs.functions import FunctionPath, Mode

Variables = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME[=VALUE]", help="Give a variable to the function and to pip; may be repeated."),
]


def run(
    path: FunctionPath,
    engine: Annotated[
        EngineName, typer.Option(envvar="GAIA_ENGINE", help="Where to run: a local process, or Docker.")
    ] = EngineName.AUTO,
    accelerator: Annotated[
        AcceleratorName,
        typer.Option(
            envvar="GAIA_ACCELERATOR",
            help="What the GPU backend uses; 'emulated' models a GPU on a machine without one.",
        ),
    ] = AcceleratorName.AUTO,
    port: Annotated[
        int,
        typer.Option(envvar="GAIA_PORT", min=0, max=65535, help="The port; if it is taken, a free one."),
    ] = DEFAULT_PORT,
    slo_p95_ms: Annotated[
        float | None,
        typer.Option(envvar="GAIA_SLO_P95_MS", min=0.001, help="The p95 latency to keep; overrides gaia.toml."),
    ] = None,
    mode: Mode = None,
    output_format: Annotated[
        Stream,
        typer.Option("--output-format", "-o", help="A live view for people, or one JSON event a line for programs."),
    ] = Stream.FULL,
    record: Annotated[Path | None, typer.Option(metavar="TRACE.csv", help="Record the requests as a trace.")] = None,
    play: Annotated[
        Path | None,
        typer.Option(metavar="REQUESTS.jsonl", help="Send these requests as load, then stop."),
    ] = None,
    env: Variables = None,
    what_if: Annotated[
        bool, typer.Option("--what-if", help="At the end, show what other policies would have cost on this traffic.")
    ] = False,
) -> ExitCode:
    """Serve the function here and watch it switch.

    While it serves, Gaia moves it between the CPU and the GPU backend to keep its SLO. Ctrl-C drains it
    and prints a summary.

    Example: gaia run samples/02-matmul --play samples/02-matmul/load.jsonl
    """
    from gaia_cli.commands import run as command

    as_json = output_format == Stream.JSON_LINES
    options = command.RunOptions(
        engine, accelerator, port, slo_p95_ms, mode, as_json, record, play, what_if, tuple(env or ())
    )
    return command.run(path, options)


def invoke(
    target: Annotated[
        str,
        typer.Argument(metavar="PATH|URL", help="A running function's URL, or a function to start for this request."),
    ],
    data: Annotated[str, typer.Option("--data", "-d", help="The body: JSON, @file, or - for standard input.")] = "",
    method: Annotated[str, typer.Option("--method", "-X", help="By default POST with a body and GET without.")] = "",
    path: Annotated[str, typer.Option(help="The path of the request, added to the URL.")] = "",
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header; may be repeated."),
    ] = None,
    env: Variables = None,
    timeout: Timeout = 60.0,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also show status, backend and timing, on stderr.")
    ] = False,
) -> ExitCode:
    """Send one request and print the answer.

    Example: gaia invoke http://127.0.0.1:8080 --data '{"size": 64}'
    """
    from gaia_cli.commands import invoke as command

    headers, variables = tuple(header or ()), tuple(env or ())
    return command.invoke(
        target,
        data=data,
        method=method,
        path=path,
        headers=headers,
        variables=variables,
        timeout_s=timeout,
        verbose=verbose,
    )
