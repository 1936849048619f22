"""What the options of `gaia simulate` ask for, read and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from gaia_cli.errors import UsageError
from gaia_cli.simulator.defaults import SLO_P95_S
from gaia_cli.simulator.options import Options
from gaia_cli.simulator.results.comparison import POLICY_NAMES
from gaia_cli.simulator.traces.trace import Outage, Trace
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.node.table import LARGEST, LONGEST_S

NUMBERS = ("start_cpu_s", "start_gpu_s", "cpu_price", "gpu_price", "slots", "pods_min", "pods_max")
"""The options that are conditions of a scenario of the same name."""


@dataclass(frozen=True, slots=True)
class SloTargets:
    """The p95 latency to keep to, in milliseconds: for every trace where one is asked for, and for some by name."""

    everywhere_ms: float | None
    by_trace: dict[str, float]

    def seconds(self, trace: str, otherwise_s: float = SLO_P95_S) -> float:
        """Return the SLO of the trace of this name, in seconds; `otherwise_s` where none is asked for."""
        asked_ms = self.by_trace.get(trace, self.everywhere_ms)
        return otherwise_s if asked_ms is None else asked_ms / 1000.0

    def check_names(self, traces: Sequence[str]) -> None:
        """Check that every trace that is named is one of `traces`.

        Raises:
            UsageError: one is not.
        """
        for name in self.by_trace:
            if name not in traces:
                hint = f"the traces are {', '.join(dict.fromkeys(traces))}"
                raise UsageError(f"--slo-p95-ms {name}=... names none of the traces", hint)


def read_slos(texts: Sequence[str]) -> SloTargets:
    """Parse targets, each "MS" or "TRACE=MS"; the last one of a kind counts.

    Raises:
        UsageError: one is neither.
    """
    everywhere_ms: float | None = None
    by_trace = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            milliseconds = float(value)
        except ValueError:
            milliseconds = 0.0
        if not 0 < milliseconds <= LARGEST or (equals and not name):
            hint = "give milliseconds above 0, or TRACE=MS for one trace"
            raise UsageError(f"--slo-p95-ms {text} is not a latency", hint)
        if equals:
            by_trace[name] = milliseconds
        else:
            everywhere_ms = milliseconds
    return SloTargets(everywhere_ms, by_trace)


def read_policies(names: Sequence[str]) -> tuple[str, ...]:
    """Return the policies named, each once, in the order in which they are known; all of them where none is named.

    Raises:
        UsageError: one is not known.
    """
    for name in names:
        if name not in POLICY_NAMES:
            raise UsageError(f"there is no policy {name}", f"the policies are {', '.join(POLICY_NAMES)}")
    return tuple(name for name in POLICY_NAMES if not names or name in names)


def read_outages(texts: Sequence[str]) -> tuple[Outage, ...]:
    """Parse outages, each "BEGIN:END" in seconds, with ":planned" where the policy may know of it.

    Raises:
        UsageError: one is no span of time.
    """
    outages = []
    for text in texts:
        span = text.removesuffix(":planned")
        begin, _, end = span.partition(":")
        try:
            outage = Outage(float(begin), float(end), planned=span != text)
        except ValueError:
            outage = Outage(0.0, 0.0)
        if not 0.0 <= outage.begin_s < outage.end_s <= LONGEST_S:
            raise UsageError(f"--gpu-outage {text} is not a span of time", "give it in seconds, such as 60:120")
        outages.append(outage)
    return tuple(outages)


def asked_for(options: Options) -> dict[str, Any]:
    """Return the conditions that flags name, by their names in a scenario, but for SLO and mode.

    Raises:
        UsageError: a number is negative, not finite, or beyond all bounds.
    """
    numbers = {name: value for name in NUMBERS if (value := getattr(options, name)) is not None}
    for name, value in numbers.items():
        _check(f"--{name.replace('_', '-')}", value)
    for backend in ("cpu", "gpu"):
        if f"start_{backend}_s" in numbers:
            numbers[f"{backend}_starts_s"] = numbers[f"{backend}_expected_s"] = ()  # a recording's are not asked for
    return numbers


def scenario_of(trace: Trace, slos: SloTargets, *said: Mapping[str, Any]) -> Scenario:
    """Return the conditions for a trace: its recording's, under what is `said`, of which the last goes before all.

    Raises:
        UsageError: they contradict one another.
    """
    scenario = Scenario(**{name: value for part in (trace.conditions.scenario, *said) for name, value in part.items()})
    check_pods(scenario)
    return replace(scenario, slo_p95_s=slos.seconds(trace.name, scenario.slo_p95_s))


def check_pods(scenario: Scenario) -> None:
    """Check that no more pods are asked for at least than at most.

    Raises:
        UsageError: they are.
    """
    if scenario.pods_min > scenario.pods_max:
        message = f"{scenario.pods_min} pods at least are more than {scenario.pods_max} at most"
        raise UsageError(message, "lower --pods-min, or raise --pods-max")


def _check(option: str, value: float) -> None:
    if LONGEST_S < value < inf:
        raise UsageError(f"{option} {value:g} is more than {LONGEST_S:.0f}", "see gaia simulate --help")
    if not 0 <= value <= LONGEST_S:
        raise UsageError(f"{option} {value:g} is not a number of 0 or more", "see gaia simulate --help")
