"""Loads for `benchmarks.policy`, made from nothing but a seed: fifteen families, and what the paper's functions serve.

A family is a way in which requests come and grow; hardware, prices, start-up times and the SLO are drawn at random for
each seed. The same family and seed always make the same load.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import exp, pi, sin
from random import Random
from typing import NamedTuple

from gaia_cli.simulator.traces.generators import arrivals
from gaia_cli.simulator.traces.trace import Row, Trace, trace_of
from gaia_cli.simulator.world.scenario import Scenario

CPU_PRICE = 0.000038
HOUR_S = 3600.0


class Load(NamedTuple):
    """A trace and the conditions under which it is served."""

    trace: Trace
    scenario: Scenario


@dataclass(frozen=True)
class Hardware:
    """How a GPU relates to the CPU: `overhead_s` that no request escapes, then `speed_up` times as fast."""

    random: Random
    overhead_s: float
    speed_up: float
    noise: float

    def row(self, arrival_s: float | None, cpu_s: float, think_s: float = 0.0) -> Row:
        """Return a request that takes about `cpu_s` on the CPU."""
        cpu_s *= exp(self.random.gauss(0.0, self.noise))
        gpu_s = (self.overhead_s + cpu_s / self.speed_up) * exp(self.random.gauss(0.0, self.noise))
        return Row(arrival_s, cpu_s, gpu_s, cpu_time_s=cpu_s, think_s=think_s)


Rows = Iterator[Row]
Family = Callable[[Random, Hardware], Rows]
"""Sizes are in seconds on the CPU where the SLO is one second."""


def steady(random: Random, on: Hardware) -> Rows:
    """A constant stream of requests of one size, under or over the SLO."""
    rate, size_s = 10 ** random.uniform(-1.5, 0.3), 10 ** random.uniform(-1.0, 0.5)
    return (on.row(t, size_s) for t in arrivals(random, lambda _: rate, rate, 2 * HOUR_S))


def square(random: Random, on: Hardware) -> Rows:
    """Small and large requests in turns of half a minute to half an hour."""
    rate, small_s, large_s = 10 ** random.uniform(-1, 0), random.uniform(0.05, 0.6), random.uniform(1.2, 4.0)
    half_s = 10 ** random.uniform(1.5, 3.2)
    at = arrivals(random, lambda _: rate, rate, 2 * HOUR_S)
    return (on.row(t, large_s if t // half_s % 2 else small_s) for t in at)


def ramp(random: Random, on: Hardware) -> Rows:
    """Requests that grow from small to large and fall back, a few times."""
    rate, large_s, times = 10 ** random.uniform(-1, 0), random.uniform(1.2, 5.0), random.randint(1, 8)
    at = arrivals(random, lambda _: rate, rate, 2 * HOUR_S)
    return (on.row(t, 0.05 + large_s * sin(pi * times * t / (2 * HOUR_S)) ** 2) for t in at)


def mixed(random: Random, on: Hardware) -> Rows:
    """Mostly small requests, some of them large, in no order."""
    rate, share = 10 ** random.uniform(-1, 0), random.uniform(0.02, 0.3)
    small_s, large_s = random.uniform(0.05, 0.5), random.uniform(1.2, 4.0)
    times = arrivals(random, lambda _: rate, rate, 2 * HOUR_S)
    return (on.row(t, large_s if random.random() < share else small_s) for t in times)


def markov(random: Random, on: Hardware) -> Rows:
    """A stream that is quiet or busy for times drawn at random; when busy, the CPU may not keep up."""
    size_s, busy, quiet = random.uniform(0.1, 1.5), random.uniform(0.5, 3.0), random.uniform(0.01, 0.1)
    stay_s = {True: 10 ** random.uniform(1.3, 3), False: 10 ** random.uniform(1.5, 3.3)}
    ends: list[float] = []
    while not ends or ends[-1] < 2 * HOUR_S:
        stays_s = stay_s[len(ends) % 2 == 1]
        ends.append((ends[-1] if ends else 0.0) + random.expovariate(1 / stays_s))
    times = arrivals(random, lambda t: busy if bisect_right(ends, t) % 2 else quiet, busy, 2 * HOUR_S)
    return (on.row(t, size_s) for t in times)


def batches(random: Random, on: Hardware) -> Rows:
    """One client that sends batches of calls one after the other, with long pauses between them."""
    size_s, count, pause_s = 10 ** random.uniform(-0.7, 0.5), random.randint(40, 200), 10 ** random.uniform(1.5, 3)
    for _ in range(random.randint(3, 15)):
        for call in range(count):
            yield on.row(None, size_s, think_s=pause_s if call == 0 else 0.0)


def thinking(random: Random, on: Hardware) -> Rows:
    """One client that thinks between its calls, whose sizes wander."""
    size_s, think_s, count = random.uniform(0.2, 1.5), 10 ** random.uniform(-0.5, 1.2), random.randint(400, 1500)
    for _ in range(count):
        size_s = min(max(size_s * exp(random.gauss(0.0, 0.08)), 0.05), 6.0)
        yield on.row(None, size_s, think_s=random.expovariate(1 / think_s))


def closed_near(random: Random, on: Hardware) -> Rows:
    """One client without pauses, whose lognormal requests miss the SLO by a little."""
    median_s, spread, count = random.uniform(0.55, 0.95), random.uniform(0.1, 0.35), random.randint(500, 3000)
    for _ in range(count):
        yield on.row(None, median_s * exp(random.gauss(0.0, spread)))


def heavy_tail(random: Random, on: Hardware) -> Rows:
    """Sparse requests with heavy-tailed pauses and sizes."""
    scale_s, size_s, now = 10 ** random.uniform(0.5, 1.8), random.uniform(0.1, 0.6), 0.0
    while now < 6 * HOUR_S:
        now += scale_s * min(random.paretovariate(1.3) - 1, 200.0)
        yield on.row(now, min(size_s * random.paretovariate(1.6), 8.0))


def growing(random: Random, on: Hardware) -> Rows:
    """Requests that grow by a little with every hour, as a chat's context does."""
    rate, begin_s, end_s = 10 ** random.uniform(-1, 0.2), random.uniform(0.1, 0.6), random.uniform(0.8, 4.0)
    times = arrivals(random, lambda _: rate, rate, 2 * HOUR_S)
    return (on.row(t, begin_s + (end_s - begin_s) * t / (2 * HOUR_S)) for t in times)


def diurnal(random: Random, on: Hardware) -> Rows:
    """Nights that the CPU serves with ease, noons that it cannot."""
    most, size_s, days = 10 ** random.uniform(-0.3, 0.6), random.uniform(0.15, 1.2), random.randint(1, 4)
    rate_at = lambda t: most * (0.01 + sin(pi * days * t / (4 * HOUR_S)) ** 4)  # noqa: E731
    return (on.row(t, size_s) for t in arrivals(random, rate_at, 1.01 * most, 4 * HOUR_S))


def jobs(random: Random, on: Hardware) -> Rows:
    """Jobs by the clock: every few minutes some dozens of requests at once."""
    every_s, count, size_s = 10 ** random.uniform(1.8, 3), random.randint(5, 60), random.uniform(0.1, 1.5)
    for number in range(int(4 * HOUR_S / every_s)):
        for one in range(count):
            yield on.row((number + 0.5) * every_s + 0.01 * one, size_s)


def sparse_long(random: Random, on: Hardware) -> Rows:
    """Long requests, each late on the CPU, minutes apart; busy hours and quiet ones."""
    most, size_s = 1 / random.uniform(20.0, 120.0), random.uniform(1.5, 8.0)
    rate_at = lambda t: most * (0.05 + sin(pi * t / (8 * HOUR_S)) ** 2)  # noqa: E731
    return (on.row(t, size_s * exp(random.gauss(0, 0.4))) for t in arrivals(random, rate_at, 1.05 * most, 16 * HOUR_S))


def storms(random: Random, on: Hardware) -> Rows:
    """A quiet stream with sudden storms of many times the rate."""
    rate, size_s, every_s = random.uniform(0.02, 0.3), random.uniform(0.1, 0.8), 10 ** random.uniform(2.3, 3.3)
    long_s, most = 10 ** random.uniform(1, 2.3), random.uniform(2.0, 6.0)
    rate_at = lambda t: most if t % every_s < long_s else rate  # noqa: E731
    return (on.row(t, size_s) for t in arrivals(random, rate_at, most, 2 * HOUR_S))


def waiting(random: Random, on: Hardware) -> Rows:
    """A function that mostly waits for something else: no GPU helps, late or not."""
    rate, wait_s = 10 ** random.uniform(-1.5, -0.3), random.uniform(0.3, 3.0)
    for t in arrivals(random, lambda _: rate, rate, 2 * HOUR_S):
        took_s = wait_s * exp(random.gauss(0.0, on.noise))
        yield Row(t, took_s, took_s, cpu_time_s=0.03 * took_s)


FAMILIES: dict[str, Family] = {
    make.__name__.replace("_", "-"): make
    for make in (
        steady, square, ramp, mixed, markov, batches, thinking, closed_near, heavy_tail, growing, diurnal, jobs,
        sparse_long, storms, waiting,
    )
}  # fmt: skip


def random_load(family: str, seed: int) -> Load:
    """Return the load of a family and a seed; the scale of its times is drawn, too."""
    random = Random(f"{family}-{seed}")  # noqa: S311 -- a load, not a secret
    scale = 10 ** random.uniform(-0.7, 0.5)  # the SLO, in seconds
    hardware = Hardware(
        random, random.uniform(0.0, 0.1), 10 ** random.uniform(0.1, 1.3), random.choice((0.02, 0.05, 0.15))
    )
    start_gpu_s = 10 ** random.uniform(0, 1.6)
    scenario = Scenario(
        slo_p95_s=scale,
        start_gpu_s=start_gpu_s,
        start_cpu_s=start_gpu_s * random.uniform(0.1, 0.8),
        cpu_price=CPU_PRICE,
        gpu_price=CPU_PRICE * 10 ** random.uniform(0.1, 1.2),
        slots=random.choice((1, 1, 1, 2, 4)),
    )
    rows = [
        Row(row.arrival_s, row.cpu_s * scale, row.gpu_s * scale, row.cpu_time_s * scale, row.think_s)
        for row in FAMILIES[family](random, hardware)
    ]
    rows = thin(random, rows, scenario.slots)
    return Load(trace_of(f"{family}-{seed}", rows), scenario)


def thin(random: Random, rows: list[Row], slots: int) -> list[Row]:
    """Return so many of the requests that a GPU is busy for at most four fifths of every minute."""
    busy_s = defaultdict[int, float](float)
    for row in rows:
        if row.arrival_s is not None:
            busy_s[int(row.arrival_s // 60)] += row.gpu_s
    most = max(busy_s.values(), default=0.0) / 60 / slots
    share = min(0.8 / most, 1.0) if most else 1.0
    return [row for row in rows if random.random() < share]


class Function(NamedTuple):
    """One of the paper's kinds of functions: its times on the CPU, one after the other, its GPU, and its SLO."""

    times_s: Callable[[Random, int], float]
    overhead_s: float
    speed_up: float
    slo_s: float
    requests: int
    waits: bool = False


FUNCTIONS = {
    "matmul": Function(lambda _, i: 0.004 + 1.6 * ((i % 200) / 200) ** 3, 0.008, 15.0, 0.3, 3000),
    "image": Function(lambda r, _: 0.15 * exp(r.gauss(0, 0.15)), 0.0, 5.0, 0.5, 4000),
    "llm-simple": Function(lambda r, _: 0.75 * exp(r.gauss(0, 0.25)), 0.02, 9.0, 1.0, 1500),
    "llm-complex": Function(lambda r, _: 12.0 * exp(r.gauss(0, 0.3)), 0.1, 8.0, 3.0, 300),
    "sentiment": Function(lambda r, _: 0.02 + 0.1 * r.random() ** 2 * exp(r.gauss(0, 0.3)), 0.004, 8.0, 0.1, 6000),
    "idle": Function(lambda r, _: 2.08 * exp(r.gauss(0, 0.002)), 0.0, 1.0, 1.0, 300, waits=True),
}


def recording(name: str, clients: str) -> Load:
    """Return a function's load: one client without pauses, one that thinks, or a stream of half what the CPU can do."""
    random, function = Random(f"{name}-{clients}"), FUNCTIONS[name]  # noqa: S311 -- a load, not a secret
    rows, now = [], 0.0
    for number in range(function.requests):
        cpu_s = function.times_s(random, number)
        gpu_s, used_s = (function.overhead_s + cpu_s / function.speed_up) * exp(random.gauss(0, 0.1)), cpu_s
        if function.waits:
            gpu_s, used_s = cpu_s, 0.02 * cpu_s
        now += random.expovariate(0.5 / cpu_s)
        think_s = random.expovariate(0.5 / cpu_s) if clients == "think" else 0.0
        rows.append(Row(now if clients == "open" else None, cpu_s, gpu_s, used_s, think_s))
    return Load(trace_of(f"{name}-{clients}", rows), Scenario(slo_p95_s=function.slo_s))


RECORDINGS: dict[str, Callable[[], Load]] = {
    f"{name}-{clients}": partial(recording, name, clients)
    for name in FUNCTIONS
    for clients in ("closed", "think", "open")
}


def families(seeds: range) -> Iterator[tuple[str, int, Iterator[Load]]]:
    """Yield each family's name, how many loads follow, and the loads; the recordings last."""
    for name in FAMILIES:
        yield name, len(seeds), (random_load(name, seed) for seed in seeds)
    yield "recordings", len(RECORDINGS), (make() for make in RECORDINGS.values())
