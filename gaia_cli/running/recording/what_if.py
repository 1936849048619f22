"""What the other policies would have cost on the run's own requests, replayed.

The replay needs service times on both backends, and one backend served each request; the other time is estimated
(`rows`). Where a backend has served nothing there is nothing to estimate from, and nothing is claimed.
"""

from math import inf
from statistics import median

from gaia_cli.running.history import RunHistory
from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.running.summary import Alternative, WhatIf
from gaia_cli.simulator.results.comparison import compare
from gaia_cli.simulator.traces.trace import trace_of
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend, ExecutionMode


def what_if(recorder: TraceRecorder, history: RunHistory, mode: ExecutionMode, slots: int) -> WhatIf:
    """Return the alternatives to the run of `history`, whose answered requests `recorder` has."""
    served = recorder.backends()
    missing = [backend.upper() for backend in Backend if backend not in served]
    if not served:
        return WhatIf(note="no request was answered")
    if missing:
        return WhatIf(note=f"the {missing[0]} served no request, so its service times are unknown")
    compared = compare(trace_of("run", recorder.rows()), scenario_of(history, mode, slots))
    return WhatIf(
        tuple(
            Alternative(name, one.cost, one.violations, one.switches, compared.versus_oracle(name))
            for name, one in compared.outcomes.items()
        )
    )


def scenario_of(history: RunHistory, mode: ExecutionMode, slots: int) -> Scenario:
    """Return the conditions of a run: its SLO and prices, and the start-up times that were measured."""
    slo_ms, prices = history.slo.latency_p95_ms, history.prices
    return Scenario(
        slo_p95_s=inf if slo_ms is None else slo_ms / 1000.0,
        start_cpu_s=_start_s(history, Backend.CPU),
        start_gpu_s=_start_s(history, Backend.GPU),
        slots=slots,
        cpu_price=prices.per_second(Backend.CPU),
        gpu_price=prices.per_second(Backend.GPU),
        mode=mode,
        window_s=history.slo.window_s,
    )


def _start_s(history: RunHistory, backend: Backend) -> float:
    """Return the median start-up time of a backend; where it never started, that of the first one."""
    took = [one.moved - one.ordered for one in history.switches if one.to is backend and one.moved is not None]
    return median(took or [history.start_s])
