"""`gaia simulate`: what a trace would have cost under each policy, and what the best choice would have been."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.simulator.options import Options
from gaia_cli.simulator.reading import asked_for, read_outages, read_policies, read_slos, scenario_of
from gaia_cli.simulator.results.comparison import Comparison, compare, standings
from gaia_cli.simulator.targets import WITHOUT_GPU, node_of, of_target, read_target, without_gpu
from gaia_cli.simulator.traces.sources import find_traces, open_traces
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.traces.trace_files import read_node
from gaia_cli.views import console
from gaia_cli.views.simulation import SimulationView
from runtime_images.policy.model import ExecutionMode


def simulate(options: Options, *, as_json: bool = False, report: Path | None = None) -> ExitCode:
    """Replay each trace of `options` under each of its policies, and show what it came to."""
    asked, policies = asked_for(options), read_policies(options.policy or ())
    outages, node = read_outages(options.gpu_outage or ()), read_node(options.node) if options.node is not None else ()
    slos, place = read_slos(options.slo_p95_ms or ()), dict[str, Any]()
    if settings := read_target(options):
        place, node = of_target(settings), node_of(settings, options.begin)
        if without_gpu(node):
            policies = tuple(name for name in policies if name in WITHOUT_GPU)
            console.note(f"{options.target} never has a GPU: only {', '.join(WITHOUT_GPU)} are replayed")
    if mode := _mode(options):
        asked["mode"] = mode
    scenario_of(Trace(""), slos, place, asked)  # what contradicts itself is said before anything is read
    sources, scraped = find_traces(options.traces or ()), _scraped(options)
    if not sources and not scraped:
        raise UsageError("there is no trace to replay", "name traces or generators, or give --from-prometheus")
    slos.check_names([*[Path(source).stem for source in sources], *[one.name for one in scraped]])
    page = None
    if report is not None:  # its library is an extra that only this loads
        from gaia_cli.views.simulation_report import Page

        page = Page(report)
    view = SimulationView(as_json=as_json)
    compared: list[Comparison] = []
    total = len(sources) + len(scraped)
    for number, trace in enumerate(open_traces([*scraped, *sources], options.seed, outages, node), start=1):
        console.progress(f"{number}/{total} {trace.name}")
        comparison = compare(trace, scenario_of(trace, slos, place, asked), policies)
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


def _scraped(options: Options) -> list[Trace]:
    """Return the trace that a Prometheus is asked for, if one is.

    Raises:
        UsageError: it cannot be asked, or knows no such function.
    """
    if not options.from_prometheus:
        return []
    from gaia_cli.running.recording.from_prometheus import trace_from

    trace = trace_from(options.from_prometheus, options.select, options.last_s)
    console.note(
        f"{trace.source}: {len(trace)} requests, made of scrapes. That is an approximation: those of one interval come "
        "evenly, and take the times of its histogram in no order"
    )
    return [trace]


def _mode(options: Options) -> ExecutionMode | None:
    """Return the mode that is asked for: by name, or as that of a function.

    Raises:
        UsageError: both are, or there is no such function.
        AnalysisError: the function could not be analyzed.
    """
    if options.mode is not None and options.mode_of is not None:
        raise UsageError("--mode and --mode-of both say where gaia begins", "give one of the two")
    if options.mode_of is None:
        return None if options.mode is None else ExecutionMode(options.mode)
    from gaia_cli.project.serving import mode_of, servable_project

    mode, reason = mode_of(servable_project(options.mode_of), options.mode_of)
    console.note(f"gaia begins in {mode}: {reason}")
    return mode
