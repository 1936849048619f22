"""`gaia simulate`: what a trace would have cost under each policy, and what the best choice would have been."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gaia_cli.errors import ExitCode
from gaia_cli.simulator.options import check_numbers, read_outages, read_policies, read_slos
from gaia_cli.simulator.results.comparison import Comparison, compare, standings
from gaia_cli.simulator.traces.node_files import read_node
from gaia_cli.simulator.traces.sources import find_traces, name_of, open_traces
from gaia_cli.simulator.world.scenario import DEFAULTS, Scenario
from gaia_cli.views import console
from gaia_cli.views.simulation import SimulationView
from runtime_images.policy.model import ExecutionMode

if TYPE_CHECKING:
    from gaia_cli.views.simulation_report import Page


def simulate(
    traces: Sequence[str],
    *,
    policies: Sequence[str] = (),
    slo_p95_ms: Sequence[str] = (),
    start_cpu_s: float = DEFAULTS.start_cpu_s,
    start_gpu_s: float = DEFAULTS.start_gpu_s,
    slots: int = DEFAULTS.slots,
    cpu_price: float = DEFAULTS.cpu_price,
    gpu_price: float = DEFAULTS.gpu_price,
    mode: str = DEFAULTS.mode,
    gpu_outages: Sequence[str] = (),
    node: Path | None = None,
    seed: int = 0,
    output_format: str = "full",
    report: Path | None = None,
) -> ExitCode:
    """Replay each of `traces`, files, directories or names of generators, under each of `policies`.

    Raises:
        UsageError: an option or a trace makes no sense, or the report cannot be written.
    """
    check_numbers({"--start-cpu-s": start_cpu_s, "--start-gpu-s": start_gpu_s})
    check_numbers({"--cpu-price": cpu_price, "--gpu-price": gpu_price, "--slots": slots})
    wanted, slos, outages = read_policies(policies), read_slos(slo_p95_ms), read_outages(gpu_outages)
    conditions = Scenario(
        start_cpu_s=start_cpu_s, start_gpu_s=start_gpu_s, slots=slots, cpu_price=cpu_price, gpu_price=gpu_price,
        mode=ExecutionMode(mode),
    )  # fmt: skip
    sources, stretches = find_traces(traces), read_node(node) if node is not None else ()
    slos.check_names([name_of(source) for source in sources])
    page = _page(report)
    view = SimulationView(as_json=output_format == "json")
    compared: list[Comparison] = []
    for number, trace in enumerate(open_traces(sources, seed, outages, stretches), start=1):
        console.progress(f"{number}/{len(sources)} {trace.name}")
        comparison = compare(trace, replace(conditions, slo_p95_s=slos.seconds(trace.name)), wanted)
        console.progress("")
        view.trace(comparison)
        if page is not None:
            page.add(comparison)
        compared.append(comparison.without_replays())
    summary = standings(compared, wanted)
    view.end(compared, summary)
    if page is not None:
        page.write(summary)
        console.note(f"report: {report}")
    return ExitCode.OK


def _page(report: Path | None) -> "Page | None":
    """The report to fill, if one is asked for; its library is an extra that only this loads."""
    if report is None:
        return None
    from gaia_cli.views.simulation_report import Page

    return Page(report)
