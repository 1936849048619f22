"""`gaia simulate`: what a trace would have cost under each policy, and what the best choice would have been."""

from dataclasses import replace
from pathlib import Path

from gaia_cli.errors import ExitCode
from gaia_cli.simulator.options import Options
from gaia_cli.simulator.reading import check_pods, read_outages, read_policies, read_scenario, read_slos
from gaia_cli.simulator.results.comparison import Comparison, compare, standings
from gaia_cli.simulator.targets import WITHOUT_GPU, node_of, on_target, read_target, slo_ms, without_gpu
from gaia_cli.simulator.traces.sources import find_traces, open_traces
from gaia_cli.simulator.traces.trace_files import read_node
from gaia_cli.views import console
from gaia_cli.views.simulation import SimulationView


def simulate(options: Options, *, as_json: bool = False, report: Path | None = None) -> ExitCode:
    """Replay each trace of `options` under each of its policies, and show what it came to."""
    conditions, policies = read_scenario(options), read_policies(options.policy or ())
    outages, node = read_outages(options.gpu_outage or ()), read_node(options.node) if options.node is not None else ()
    slos = read_slos(options.slo_p95_ms or ())
    if settings := read_target(options):
        conditions, node = on_target(conditions, settings), node_of(settings, options.begin)
        slos = read_slos(options.slo_p95_ms or (), slo_ms(settings))
        if without_gpu(node):
            policies = tuple(name for name in policies if name in WITHOUT_GPU)
            console.note(f"{options.target} never has a GPU: only {', '.join(WITHOUT_GPU)} are replayed")
    check_pods(conditions)
    sources = find_traces(options.traces)
    slos.check_names([Path(source).stem for source in sources])
    page = None
    if report is not None:  # its library is an extra that only this loads
        from gaia_cli.views.simulation_report import Page

        page = Page(report)
    view = SimulationView(as_json=as_json)
    compared: list[Comparison] = []
    for number, trace in enumerate(open_traces(sources, options.seed, outages, node), start=1):
        console.progress(f"{number}/{len(sources)} {trace.name}")
        comparison = compare(trace, replace(conditions, slo_p95_s=slos.seconds(trace.name)), policies)
        console.progress("")
        view.trace(comparison)
        if page is not None:
            page.add(comparison)
        compared.append(replace(comparison, replays={}))  # the figures alone are small
    summary = standings(compared, policies)
    view.end(compared, summary)
    if page is not None:
        page.write(summary)
        console.note(f"report: {report}")
    return ExitCode.OK
