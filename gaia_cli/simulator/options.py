"""The options of `gaia simulate`, declared once: the fields of a frozen value are the flags of the command line.

Every start of `gaia` pays for this module, so it imports little; `reading` says what they mean.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gaia_cli.project.choices import ModeName
from gaia_cli.simulator import defaults

POLICIES_HELP = "gaia, reference (the paper's prototype), static-cpu, static-gpu, oracle (the offline optimum)"
GENERATORS_HELP = "ramp, drift, burst, diurnal, square-wave, random-sizes, sleeper, outage, orbit, handover"


def _number(what: str, default: float, least: int | None = None, most: int | None = None) -> Any:  # noqa: ANN401 -- typer's
    """Return an option whose default is only shown: what a recording says goes before it."""
    return typer.Option(help=f"{what}  [default: {default:g}]", min=least, max=most, show_default=False)


@dataclass(frozen=True)
class Options:
    """What to replay, under which policies and conditions, as it was typed.

    A condition that is None is not asked for: the target says it, or the recording, or `defaults`.
    """

    traces: Annotated[
        list[str] | None,
        typer.Argument(metavar="TRACES", help=f"CSV files, directories of them, or generators: {GENERATORS_HELP}."),
    ] = None
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"May be repeated; by default all: {POLICIES_HELP}.", show_default=False),
    ] = None
    slo_p95_ms: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MS",
            help=f"The SLO on the p95 latency; TRACE=MS for one trace.  [default: {1000 * defaults.SLO_P95_S:g}]",
            show_default=False,
        ),
    ] = None
    start_cpu_s: Annotated[float | None, _number("Seconds until a CPU backend is ready.", defaults.START_CPU_S)] = None
    start_gpu_s: Annotated[float | None, _number("Seconds until a GPU backend is ready.", defaults.START_GPU_S)] = None
    slots: Annotated[
        int | None, _number("Requests that a backend serves at once.", defaults.SLOTS, 1, defaults.MOST_AT_ONCE)
    ] = None
    pods_min: Annotated[
        int | None, _number("Pods that a backend has at least.", defaults.PODS_MIN, 0, defaults.MOST_PODS)
    ] = None
    pods_max: Annotated[
        int | None,
        _number(
            "Pods that a backend has at most, as in a cluster; --slots is of each.",
            defaults.PODS_MAX,
            1,
            defaults.MOST_PODS,
        ),
    ] = None
    cpu_price: Annotated[float | None, _number("What a second of the CPU backend costs.", defaults.CPU_PRICE)] = None
    gpu_price: Annotated[float | None, _number("What a second of the GPU backend costs.", defaults.GPU_PRICE)] = None
    mode: Annotated[
        ModeName | None,
        typer.Option(
            help="The execution mode that gaia starts in; by default the one that the target's function is pinned to, "
            "else the recorded run's, else cpu_preferred.",
            show_default=False,
        ),
    ] = None
    mode_of: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Start in the mode that gaia analyze finds for this function.", show_default=False
        ),
    ] = None
    gpu_outage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BEGIN:END[:planned]",
            help="A span of seconds without a GPU, known to gaia in advance if planned; may be repeated.",
            show_default=False,
        ),
    ] = None
    node: Annotated[
        Path | None,
        typer.Option(metavar="NODE.csv", help="The node over time: its GPU, power and prices (docs/simulate.md)."),
    ] = None
    target: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Replay under the SLO, prices, pods, power and GPU windows of [targets.NAME].",
            show_default=False,
        ),
    ] = ""
    function: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The function whose target it is; the working directory by default.", show_default=False
        ),
    ] = None
    begin: Annotated[
        str, typer.Option(metavar="HH:MM", help="The time of day in UTC at which a trace begins, for --target.")
    ] = "00:00"
    from_prometheus: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Also replay a trace made of the metrics that this Prometheus has scraped of a running function: an "
            "approximation, since a scrape does not say which request came when (docs/simulate.md).",
            show_default=False,
        ),
    ] = ""
    select: Annotated[
        str,
        typer.Option(
            metavar="LABELS",
            help='Of these series only, such as namespace="shop",pod=~"resize-.*".',
            show_default=False,
        ),
    ] = ""
    last_s: Annotated[float, typer.Option(min=1, help="Seconds of metrics to ask for, up to now.")] = 3600.0
    seed: Annotated[int, typer.Option(help="The seed of the generators: the same seed gives the same trace.")] = 0
