"""How long one decision takes, in microseconds, in the moments of a run that differ most.

    python -m benchmarks.policy

The runtime decides four times a second, so 200 µs are a thousandth of a core; a simulator that decides far more often
wants it smaller.
"""

import argparse
import time
from collections.abc import Iterator

from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Backend, ExecutionMode, LaneObservation, Observation, Slo

SETTINGS = PolicySettings(ExecutionMode.CPU_PREFERRED, Slo(latency_p95_ms=300, window_s=10))


def lane(finished: int, service_s: float, kept: int, serving: int = 0) -> LaneObservation:
    """A backend that has finished `finished` requests of `service_s`, with `kept` of them still listed."""
    times = (service_s,) * min(finished, kept)
    ages = (service_s / 2,) * serving
    return LaneObservation(
        available=True, running=finished > 0 or serving > 0, p95_s=service_s, recent_latencies_s=times,
        recent_services_s=times, in_flight_ages_s=ages, cpu_share=1.0, start_up_s=1.0, finished=finished,
    )  # fmt: skip


def observations(active: Backend, per_decision: int, queue: int) -> Iterator[Observation]:
    """What is seen at each decision, with `per_decision` new requests every time."""
    finished = 100
    while True:
        finished += per_decision
        here = lane(finished, 0.03, 500, serving=1)
        lanes = {active: here, active.other: lane(100, 0.2, 0)}
        yield Observation(active, None, lanes, (0.01,) * queue, arrival_rate=4.0 * per_decision)


def microseconds(active: Backend, per_decision: int, queue: int, rounds: int) -> float:
    """The best of five averages over `rounds` decisions."""
    best = float("inf")
    for _ in range(5):
        state, now = initial_state(SETTINGS), 0.0
        seen = observations(active, per_decision, queue)
        prepared = [next(seen) for _ in range(rounds)]
        begun = time.perf_counter()
        for observation in prepared:
            now += 0.25
            state, _ = decide(SETTINGS, state, observation, now)
        best = min(best, (time.perf_counter() - begun) / rounds * 1e6)
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, help="decisions in each average")
    rounds = parser.parse_args().rounds
    print(f"{'active':8} {'new requests':>12} {'queue':>6} {'us/decision':>12}")
    for active in Backend:
        for per_decision, queue in ((0, 0), (1, 0), (25, 0), (250, 0), (25, 100)):
            took = microseconds(active, per_decision, queue, rounds)
            print(f"{active:8} {per_decision:>12} {queue:>6} {took:>12.1f}")


if __name__ == "__main__":
    main()
