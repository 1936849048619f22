"""The verb `simulate`: traces replayed under other policies."""

from pathlib import Path
from typing import Annotated

import typer

from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import ModeName, Report
from gaia_cli.verbs.functions import ReportFormat

_POLICIES = "gaia, reference (the paper's prototype), static-cpu, static-gpu, oracle (the offline optimum)"
_GENERATORS = "ramp, drift, burst, diurnal, square-wave, random-sizes, sleeper, outage, orbit, handover"


def simulate(
    traces: Annotated[
        list[str],
        typer.Argument(metavar="TRACES", help=f"CSV files, directories of them, or generators: {_GENERATORS}."),
    ],
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"May be repeated; by default all: {_POLICIES}.", show_default=False),
    ] = None,
    slo_p95_ms: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MS",
            help="The p95 latency to keep to; TRACE=MS for one trace.  [default: 1000]",
            show_default=False,
        ),
    ] = None,
    start_cpu_s: Annotated[float, typer.Option(help="Seconds until a CPU backend is ready.")] = 4.0,
    start_gpu_s: Annotated[float, typer.Option(help="Seconds until a GPU backend is ready.")] = 10.0,
    slots: Annotated[int, typer.Option(min=1, max=4096, help="Requests that a backend serves at once.")] = 1,
    cpu_price: Annotated[float, typer.Option(help="What a second of the CPU backend costs.")] = 0.000038,
    gpu_price: Annotated[float, typer.Option(help="What a second of the GPU backend costs.")] = 0.000133,
    mode: Annotated[ModeName, typer.Option(help="The execution mode that gaia starts in.")] = ModeName.CPU_PREFERRED,
    gpu_outage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BEGIN:END[:planned]",
            help="Seconds without a GPU, foreseen by the policy if planned; may be repeated.",
            show_default=False,
        ),
    ] = None,
    node: Annotated[
        Path | None,
        typer.Option(metavar="NODE.csv", help="How the node is over time: its GPU, power, prices (docs/simulate.md)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the generators: the same one gives the same trace.")] = 0,
    output_format: ReportFormat = Report.FULL,
    report: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Also write a page with pictures, in one file.")
    ] = None,
) -> ExitCode:
    """Say what a trace would have cost under other policies.

    Replays recorded or generated requests, and finds the best that anybody could have done who knew them in advance.

    Example: gaia simulate ramp burst --report simulation.html
    """
    from gaia_cli.commands import simulate as command

    return command.simulate(
        traces,
        policies=tuple(policy or ()),
        slo_p95_ms=tuple(slo_p95_ms or ()),
        start_cpu_s=start_cpu_s,
        start_gpu_s=start_gpu_s,
        slots=slots,
        cpu_price=cpu_price,
        gpu_price=gpu_price,
        mode=mode,
        gpu_outages=tuple(gpu_outage or ()),
        node=node,
        seed=seed,
        output_format=output_format,
        report=report,
    )
