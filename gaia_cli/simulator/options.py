"""What the options of `gaia simulate` ask for, read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gaia_cli.errors import UsageError
from gaia_cli.simulator.results.comparison import POLICY_NAMES
from gaia_cli.simulator.traces.csv_files import LARGEST, LONGEST_S
from gaia_cli.simulator.traces.trace import Outage

DEFAULT_SLO_MS = 1000.0


@dataclass(frozen=True, slots=True)
class SloTargets:
    """The p95 latency asked for, in milliseconds: for every trace, and for some by name."""

    everywhere_ms: float
    by_trace: dict[str, float]

    def seconds(self, trace: str) -> float:
        """The SLO of the trace of this name, in seconds."""
        return self.by_trace.get(trace, self.everywhere_ms) / 1000.0

    def check_names(self, traces: Sequence[str]) -> None:
        """Check that every trace that is named is one of `traces`.

        Raises:
            UsageError: one is not.
        """
        for name in self.by_trace:
            if name not in traces:
                hint = f"the traces are {', '.join(dict.fromkeys(traces))}"
                raise UsageError(f"--slo-p95-ms {name}=... names no trace of this call", hint)


def read_slos(texts: Sequence[str]) -> SloTargets:
    """The targets in `texts`, each "MS" or "TRACE=MS"; the last one of a kind counts.

    Raises:
        UsageError: one is neither.
    """
    everywhere_ms, by_trace = DEFAULT_SLO_MS, {}
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
    """The policies named, each once, in the order in which they are known; all of them where none is named.

    Raises:
        UsageError: one is not known.
    """
    for name in names:
        if name not in POLICY_NAMES:
            raise UsageError(f"there is no policy {name}", f"the policies are {', '.join(POLICY_NAMES)}")
    return tuple(name for name in POLICY_NAMES if not names or name in names)


def read_outages(texts: Sequence[str]) -> tuple[Outage, ...]:
    """The outages in `texts`, each "BEGIN:END" in seconds, with ":planned" where the policy may know of it.

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


def check_numbers(values: dict[str, float]) -> None:
    """Check that each option's number is one of 0 or more, and not beyond all bounds.

    Raises:
        UsageError: one is not.
    """
    for option, value in values.items():
        if LONGEST_S < value < inf:
            raise UsageError(f"{option} {value:g} is more than {LONGEST_S:.0f}", "see gaia simulate --help")
        if not 0 <= value <= LONGEST_S:
            raise UsageError(f"{option} {value:g} is not a number of 0 or more", "see gaia simulate --help")
