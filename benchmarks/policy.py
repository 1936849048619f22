"""How near the policy is to the offline optimum, what it costs against the paper's prototype, and how long it takes.

    python -m benchmarks.policy [TRACES ...] [--slo-p95-ms MS|TRACE=MS]
    python -m benchmarks.policy --random 0:4

`--random` replays random loads of fifteen families (benchmarks/loads.py) with those seeds, and 18 recordings, instead.
Nobody knows their optimum soon, so the peers are the prototype and the better one of the two fixed backends, which
nobody can know beforehand.

Replays the generators of `gaia simulate`, and every trace in the files and directories given, with the defaults: one
request at a time, 4 s and 10 s of start-up, a p95 SLO of 1000 ms but where --slo-p95-ms says otherwise. Ratios are
objectives over that of the offline optimum (docs/simulate.md); the peer is the prototype's policy, replayed in the
same run.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import geometric_mean

from benchmarks.loads import Load, families
from gaia_cli.errors import UsageError
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.reading import read_slos
from gaia_cli.simulator.results.comparison import Comparison, compare, judge, standings
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.sources import find_traces, open_traces
from gaia_cli.simulator.traces.trace import Row, trace_of
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.decide import PolicySettings, PolicyState, decide, initial_state
from runtime_images.policy.model import Backend, ExecutionMode, LaneObservation, Observation, Slo
from runtime_images.policy.sampling import TICK_S

SETTINGS = PolicySettings(ExecutionMode.CPU_PREFERRED, Slo(latency_p95_ms=300, window_s=10))
PAIR = ("gaia", "reference")
BEFORE_S = {Backend.CPU: 0.5, Backend.GPU: 0.01}
"""Service times on the backend that is left before decisions are timed on the other one, where they are 30 ms."""


def show_workloads(comparisons: list[Comparison]) -> None:
    """Print a row for each workload: gaia's figure and the prototype's, side by side."""
    titles = ("objective/optimum", "avoidable", "cost", "switches")
    print(f"{'gaia, reference':15} {'requests':>8}" + "".join(f"  {title:>19}" for title in titles))
    for one in comparisons:
        gaia, peer = (one.outcomes[name] for name in PAIR)
        columns: list[Sequence[object]] = [
            [f"{one.versus_oracle(name) or 1.0:.3f}" for name in PAIR],
            [gaia.avoidable_violations, peer.avoidable_violations],
            [f"{gaia.cost:.4f}", f"{peer.cost:.4f}"],
            [gaia.switches, peer.switches],
        ]
        print(f"{one.trace.name:15} {len(one.trace):>8}" + "".join(f"  {mine:>9} {its:>9}" for mine, its in columns))


def show_sums(comparisons: list[Comparison]) -> None:
    """Print what the workloads say together."""
    print()
    for one in standings(comparisons, PAIR):
        print(f"{one.policy:10} geometric mean {one.geometric_mean:.3f}, worst {one.worst:.3f} ({one.worst_trace})")
    late, peer_late = (sum(one.outcomes[name].avoidable_violations for one in comparisons) for name in PAIR)
    cost, peer_cost = (sum(one.outcomes[name].cost for one in comparisons) for name in PAIR)
    print(f"avoidable violations, gaia over reference: {late}/{peer_late} = {late / max(peer_late, 1):.2f}")
    print(f"cost, gaia over reference: {cost:.4f}/{peer_cost:.4f} = {cost / peer_cost:.2f}")
    asleep = next(one for one in comparisons if one.trace.name == "sleeper").outcomes["gaia"]
    print(f"GPU seconds on the sleeper: {asleep.gpu_seconds:g}")


def show_random(seeds: range) -> None:
    """Print a row for each family of random loads: the policy's objective over those of its peers."""
    titles = f"{'over better fixed':>17}  {'over best peer':>14} {'worst':>7} {'>10 % above':>11}"
    print(f"{'loads':16} {'number':>6}  {titles}")
    ratios: list[tuple[float, float]] = []
    for name, number, loads in families(seeds):
        mine = [over_peers(load) for load in loads]
        show_ratios(name, number, mine)
        ratios += mine
    show_ratios("all", len(ratios), ratios)


def over_peers(load: Load) -> tuple[float, float]:
    """Return the policy's objective over that of the better fixed backend, and over that of the best peer."""
    outcome = {
        name: judge(load.trace, load.scenario, replay(load.trace, load.scenario, make(load.scenario))).objective
        for name, make in POLICIES.items()
    }
    fixed = min(outcome["static-cpu"], outcome["static-gpu"])
    return outcome["gaia"] / fixed, outcome["gaia"] / min(fixed, outcome["reference"])


def show_ratios(name: str, number: int, ratios: list[tuple[float, float]]) -> None:
    """Print geometric means, the worst ratio and the share of loads that are more than 10 % above the best peer."""
    fixed, best = ([pair[index] for pair in ratios] for index in (0, 1))
    above = sum(one > 1.1 for one in best) / number
    figures = f"{geometric_mean(fixed):>17.3f}  {geometric_mean(best):>14.3f} {max(best):>7.2f} {above:>11.0%}"
    print(f"{name:16} {number:>6}  {figures}", flush=True)


def show_speed(requests: int) -> None:
    """Print how many requests a second of processor time are simulated, at two rates."""
    print(f"\n{'policy':12} {'requests a second of the load':>30} {'simulated a second':>19}")
    for rate in (20.0, 200.0):
        load = trace_of("steady", (Row(i / rate, 0.5 / rate, 0.1 / rate, 0.5 / rate) for i in range(requests)))
        for name in POLICIES:
            scenario = Scenario()
            begun = time.process_time()
            replay(load, scenario, POLICIES[name](scenario))
            print(f"{name:12} {rate:>30g} {requests / (time.process_time() - begun):>19,.0f}")


def lane(finished: int, service_s: float, kept: int, serving: int = 0) -> LaneObservation:
    """Return a backend that has finished `finished` requests of `service_s`, with `kept` of them still listed."""
    times = (service_s,) * min(finished, kept)
    ages = (service_s / 2,) * serving
    return LaneObservation(
        available=True, running=finished > 0 or serving > 0, p95_s=service_s, recent_latencies_s=times,
        recent_services_s=times, in_flight_ages_s=ages, cpu_share=1.0, start_up_s=1.0, finished=finished,
    )  # fmt: skip


def observations(active: Backend, per_decision: int, queue: int) -> Iterator[Observation]:
    """Yield what is seen at each decision, with `per_decision` new requests every time."""
    finished = 100
    while True:
        finished += per_decision
        here = lane(finished, 0.03, 500, serving=1)
        lanes = {active: here, active.other: lane(100, BEFORE_S[active.other], 0)}
        yield Observation(active, None, lanes, (0.01,) * queue, arrival_rate=4.0 * per_decision)


def before_a_switch(active: Backend, start_s: float = -20.0) -> tuple[PolicyState, float]:
    """Return the state after twenty seconds on the other backend: with it the two can be compared from then on."""
    state, now = initial_state(SETTINGS), start_s
    for finished in range(20, 101):
        lanes = {active: lane(100, 0.03, 0), active.other: lane(finished, BEFORE_S[active.other], 500, serving=1)}
        state, _ = decide(SETTINGS, state, Observation(active.other, None, lanes, arrival_rate=4.0), now)
        now += TICK_S
    return state, now


def microseconds(active: Backend, per_decision: int, queue: int, rounds: int) -> float:
    """Return the best of five averages over `rounds` decisions."""
    best = float("inf")
    for _ in range(5):
        state, now = before_a_switch(active)
        seen = observations(active, per_decision, queue)
        prepared = [next(seen) for _ in range(rounds)]
        begun = time.process_time()
        for observation in prepared:
            now += TICK_S
            state, _ = decide(SETTINGS, state, observation, now)
        best = min(best, (time.process_time() - begun) / rounds * 1e6)
    return best


def show_decisions(rounds: int) -> None:
    """Print how long one decision takes, in the moments of a run that differ most."""
    print(f"\n{'active':8} {'new requests':>12} {'queue':>6} {'us/decision':>12}")
    for active in Backend:
        for per_decision, queue in ((0, 0), (1, 0), (25, 0), (250, 0), (25, 100)):
            took = microseconds(active, per_decision, queue, rounds)
            print(f"{active:8} {per_decision:>12} {queue:>6} {took:>12.1f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="*", help="traces, or directories of them (*.csv)")
    slo_help = "the SLO, of all traces or of one"
    parser.add_argument("--slo-p95-ms", action="append", default=[], metavar="MS|TRACE=MS", help=slo_help)
    parser.add_argument("--seed", type=int, default=0, help="of the generators")
    parser.add_argument("--random", metavar="FROM:TO", help="replay random loads with these seeds")
    parser.add_argument("--rounds", type=int, default=500, help="decisions in each average")
    parser.add_argument("--requests", type=int, default=20000, help="requests for the speed of the simulator")
    asked = parser.parse_args()
    if asked.random:
        first, _, end = asked.random.partition(":")
        if not (first.isdigit() and end.isdigit() and int(first) < int(end)):
            parser.error("--random takes two numbers, as in 0:4")
        show_random(range(int(first), int(end)))
        return
    try:
        slo = read_slos(asked.slo_p95_ms)
        traces = list(open_traces(find_traces([*GENERATORS, *asked.traces]), asked.seed))
    except UsageError as error:
        parser.error(f"{error}; {error.hint}")
    comparisons = [compare(one, replace(Scenario(), slo_p95_s=slo.seconds(one.name)), PAIR) for one in traces]
    show_workloads(comparisons)
    show_sums(comparisons)
    show_speed(asked.requests)
    show_decisions(asked.rounds)


if __name__ == "__main__":
    main()
