"""Try new universes on every core, and show what breaks a law: `python -m tests.universe --help`."""

import argparse
import itertools
import os
import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.universe.generator import make
from tests.universe.laws import LawBrokenError
from tests.universe.schedule import Schedule
from tests.universe.search import Found, search, shrunk
from tests.universe.world import World

_SHRINK_S = 30.0
_SHOWN_LINES = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.universe", description="Try new universes.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long in all (60)")
    parser.add_argument("--seed", type=int, help="the first seed; the next ones follow it")
    parser.add_argument("--only", type=int, metavar="SEED", help="let this seed happen alone, and show all of it")
    parser.add_argument("--schedule", help="let this schedule happen alone, as it was printed")
    options = parser.parse_args(arguments)
    if options.only is not None or options.schedule:
        return _show(Schedule.from_json(options.schedule) if options.schedule else make(options.only))
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    return _search_all(seed, options.seconds)


def _show(schedule: Schedule) -> int:
    world, law = World(schedule), ""
    try:
        world.run()
    except LawBrokenError as error:
        law = str(error)
    print("\n".join([*schedule.story(), *world.trace]))
    print(f"digest {world.digest}\n{f'broken: {law}' if law else 'all laws hold'}")
    return int(bool(law))


def _search_all(seed: int, seconds: float) -> int:
    """Share the seeds out among the cores."""
    cores = os.cpu_count() or 1
    print(
        f"seeds from {seed} on, {seconds:g} s on {cores} cores; the same again: make universe SEED={seed}", flush=True
    )
    begun_s = time.monotonic()
    with ProcessPoolExecutor(cores) as pool:
        parts = list(pool.map(partial(_search_part, seed=seed, step=cores, seconds=seconds), range(cores)))
    took_s, tried = time.monotonic() - begun_s, sum(count for count, _ in parts)
    print(f"{tried:,} universes in {took_s:.1f} s, {60 * tried / took_s:,.0f} a minute")
    broken = [found for _, found in parts if found is not None]
    for found in broken:
        _report(found)
    return int(bool(broken))


def _search_part(part: int, seed: int, step: int, seconds: float) -> tuple[int, Found | None]:
    until_s = time.monotonic() + seconds
    return search(itertools.count(seed + part, step), lambda: time.monotonic() < until_s)


def _report(found: Found) -> None:
    print(f"\nseed {found.schedule.seed}: {found.law}")
    print(f"  the same again: python -m tests.universe --only {found.schedule.seed}", flush=True)
    small = shrunk(found, _SHRINK_S)
    print("\n".join(["  made smaller:", *list(small.schedule.story())[:_SHOWN_LINES]]))
    print(f"  {small.law}\n  the same again: python -m tests.universe --schedule '{small.schedule.to_json()}'")


if __name__ == "__main__":
    sys.exit(main())
