"""What the other policies would have cost on the run's own requests, replayed.

The replay needs service times on both backends, and one backend served each request; the other time is estimated
(`rows`). Where a backend has served nothing there is nothing to estimate from, and nothing is claimed.

The line of the run's own policy is a replay, too, so that all lines are of one kind: what it says of itself can be held
against the run. It meets the starts that the run has measured, in their order, and the clients wait where they waited.
"""

from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.running.summary import Alternative, WhatIf
from gaia_cli.simulator.results.comparison import Comparison, compare
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend


def what_if(recorder: TraceRecorder) -> WhatIf:
    """Return the alternatives to the run that `recorder` has followed, under its conditions.

    The others meet the median of the starts: which of them they would have met, nobody knows.
    """
    if why_not := _unknown(recorder.backends()):
        return WhatIf(note=why_not)
    trace = recorder.trace()
    compared = compare(trace, Scenario(**trace.conditions.scenario))
    return WhatIf(tuple(_alternative(compared, name) for name in compared.outcomes))


def _unknown(served: set[Backend]) -> str:
    """Return why nothing can be replayed, empty where it can."""
    if not served:
        return "no request was answered"
    missing = [backend.upper() for backend in Backend if backend not in served]
    return f"the {missing[0]} served no request, so its service times are unknown" if missing else ""


def _alternative(compared: Comparison, name: str) -> Alternative:
    """Return what a policy came to; over an optimum that costs nothing there is no ratio."""
    one = compared.outcomes[name]
    return Alternative(name, one.cost, one.violations, one.switches, compared.versus_oracle(name))
