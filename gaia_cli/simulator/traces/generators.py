"""Traces made from nothing but a seed: one for each way in which load and hardware change under a function.

Each is half an hour to two hours of a made-up function whose GPU has a fixed overhead and then is several times
faster; service times vary by a few percent. The same seed always gives the same trace.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import cos, exp, pi
from random import Random

from gaia_cli.simulator.traces.trace import Outage, Row, Trace, trace_of
from runtime_images.node.stretch import Stretch

GPU_OVERHEAD_S = 0.06
SPEED_UP = 8.0

ORBIT_S, SUNLIGHT_S = 5700.0, 3600.0
"""A low orbit takes about 95 minutes, of which up to 35 are in the Earth's shadow."""

PASSES_S = 1900.0
"""How often an orbit comes over land."""


def _row(random: Random, arrival_s: float | None, cpu_s: float, think_s: float = 0.0) -> Row:
    """Make a request that computes for `cpu_s` on the CPU, give or take a few percent."""
    cpu_s *= exp(random.gauss(0.0, 0.05))
    gpu_s = (GPU_OVERHEAD_S + cpu_s / SPEED_UP) * exp(random.gauss(0.0, 0.05))
    return Row(arrival_s, cpu_s, gpu_s, cpu_time_s=cpu_s, think_s=think_s)


def arrivals(random: Random, rate_at: Callable[[float], float], most: float, until_s: float) -> Iterator[float]:
    """Yield Poisson arrivals in seconds up to `until_s`, at a rate a second that changes and is `most` at most.

    Those of the highest rate are thinned (Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by
    thinning", 1979).
    """
    now = random.expovariate(most)
    while now < until_s:
        if random.random() * most < rate_at(now):
            yield now
        now += random.expovariate(most)


def ramp(seed: int) -> Trace:
    """Grow one client's requests from nothing to far beyond the SLO, and shrink them again."""
    random = Random(seed)
    shares = [1 - abs(2 * step / 240 - 1) for step in range(241)]
    return trace_of("ramp", (_row(random, None, 0.08 + 8.0 * share**3, think_s=0.5) for share in shares))


def drift(seed: int) -> Trace:
    """Make a steady stream's requests slowly too slow for the CPU, and fast enough again."""
    random = Random(seed)
    times = arrivals(random, lambda _: 0.4, 0.4, 3600.0)
    return trace_of("drift", (_row(random, t, 0.2 + 0.8 * (1 - cos(2 * pi * t / 3600.0))) for t in times))


def burst(seed: int) -> Trace:
    """Send quick requests at a low rate, and every twenty minutes five minutes of more than any CPU could serve."""
    random = Random(seed)
    times = arrivals(random, lambda t: 5.0 if 600.0 <= t % 1200.0 < 900.0 else 0.5, 5.0, 3600.0)
    return trace_of("burst", (_row(random, t, 0.25) for t in times))


def diurnal(seed: int) -> Trace:
    """Pass two short days: nights that the CPU serves with ease, noons that it cannot."""
    random = Random(seed)
    times = arrivals(random, lambda t: 2.0 * (1 - cos(2 * pi * t / 3600.0)) + 0.05, 4.05, 7200.0)
    return trace_of("diurnal", (_row(random, t, 0.35) for t in times))


def square_wave(seed: int) -> Trace:
    """Alternate two minutes of small and two of large requests: what makes a hasty policy flap."""
    random = Random(seed)
    times = arrivals(random, lambda _: 0.8, 0.8, 3600.0)
    return trace_of("square-wave", (_row(random, t, 2.5 if t % 240.0 >= 120.0 else 0.1) for t in times))


def random_sizes(seed: int) -> Trace:
    """Send one client's requests of all sizes, in no order."""
    random = Random(seed)
    sizes = (min(0.35 * exp(random.gauss(0.0, 1.2)), 20.0) for _ in range(1500))
    return trace_of("random-sizes", [_row(random, None, size, think_s=0.2) for size in sizes])


def sleeper(seed: int) -> Trace:
    """Only wait for something else: late on every backend, and no GPU helps."""
    random = Random(seed)
    waits = [2.0 + random.expovariate(20.0) for _ in range(900)]
    return trace_of("sleeper", (Row(None, wait, wait, cpu_time_s=0.01 * wait) for wait in waits))


def outage(seed: int) -> Trace:
    """Take the GPU away twice from work for it, once for a minute and once for five."""
    random = Random(seed)
    times = arrivals(random, lambda _: 0.5, 0.5, 1800.0)
    away = (Outage(400.0, 460.0), Outage(900.0, 1200.0))
    return trace_of("outage", (_row(random, t, 1.4) for t in times), away)


def orbit(seed: int) -> Trace:
    """Fly two low orbits: work on every pass over land, power for a GPU only in the sunlight."""
    random = Random(seed)
    times = arrivals(random, lambda t: 1.2 if t % PASSES_S < PASSES_S / 2 else 0.1, 1.2, 2 * ORBIT_S)
    sun = Stretch(0.0, power_w=60.0, cpu_w=10.0, gpu_w=40.0, joule_price=2e-7)
    node = [replace(sun, from_s=begin_s) for begin_s in (0.0, ORBIT_S, 2 * ORBIT_S)]
    node += [replace(sun, from_s=begin_s + SUNLIGHT_S, power_w=25.0, joule_price=1e-6) for begin_s in (0.0, ORBIT_S)]
    rows = (_row(random, t, 0.55) for t in times)
    return trace_of("orbit", rows, node=sorted(node, key=lambda one: one.from_s))


def handover(seed: int) -> Trace:
    """Let satellites pass by, a GPU on each: every four minutes the next one takes over, at a price of its own."""
    random = Random(seed)
    times = arrivals(random, lambda t: 0.8 if t % 1200.0 < 700.0 else 0.05, 0.8, 3600.0)
    node = []
    for number in range(15):
        begin_s, price = 240.0 * number, random.choice((0.0001, 0.000133, 0.0002))
        node += [Stretch(begin_s, gpu_price=price), Stretch(begin_s + 220.0, gpu=False, gpu_price=price)]
    return trace_of("handover", (_row(random, t, 1.4) for t in times), node=[*node, Stretch(3600.0)])


GENERATORS: dict[str, Callable[[int], Trace]] = {
    make.__name__.replace("_", "-"): make
    for make in (ramp, drift, burst, diurnal, square_wave, random_sizes, sleeper, outage, orbit, handover)
}
