"""Run the fuzzers one after the other, print what fails and a table: `python -m tests.fuzz --help`."""

import argparse
import ast
import secrets
import sys
from collections.abc import Sequence

from tests.fuzz.apart import interruptible, run_apart
from tests.fuzz.catalogue import FUZZERS
from tests.fuzz.fuzzer import Failure, Outcome, fault


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Try hostile input of every kind.")
    parser.add_argument("names", nargs="*", metavar="FUZZER", help=f"one of {', '.join(FUZZERS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long in all (60)")
    parser.add_argument("--seed", type=int, help="a number that was printed: makes the same cases again")
    parser.add_argument("--case", help="check this case alone, bytes as they were printed, with one FUZZER")
    options = parser.parse_args(arguments)
    names = options.names or list(FUZZERS)
    if unknown := [name for name in names if name not in FUZZERS]:
        parser.error(f"there is no fuzzer {unknown[0]}; there are {', '.join(FUZZERS)}")
    if options.case is not None:
        return _check_one(names[0], ast.literal_eval(options.case))
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    return _run_all(names, seed, options.seconds)


def _check_one(name: str, case: bytes) -> int:
    """Check one case."""
    with FUZZERS[name]() as fuzzer:
        failure = fault(fuzzer, case)
    if failure is not None:
        _show(name, failure)
    return int(failure is not None)


def _run_all(names: list[str], seed: int, seconds: float) -> int:
    print(f"seed {seed}; the same again: make fuzz SEED={seed}", flush=True)
    outcomes: list[Outcome] = []
    with interruptible() as interrupt:
        for name in names:
            if interrupt.seen:
                break
            outcomes.append(outcome := run_apart(FUZZERS[name], seed, seconds / len(names), interrupt))
            for failure in outcome.failures:
                _show(name, failure)
    _summarize(outcomes)
    if interrupt.seen:
        print("interrupted")
    return int(any(outcome.failures for outcome in outcomes))


def _show(name: str, failure: Failure) -> None:
    times = f", {failure.count} times" if failure.count > 1 else ""
    print(f"\n{name}, case {failure.number}{times}: {_seen(failure.what)}")
    if failure.place:
        print(f"  at {failure.place}")
    print(f"  check it: python -m tests.fuzz {name} --case CASE, with this case:\n{failure.case!r}", flush=True)


def _seen(text: str) -> str:
    """Return the lines of `text` without anything that would steer the terminal."""
    return "\n".join(ascii(line)[1:-1] for line in text.split("\n"))


def _summarize(outcomes: list[Outcome]) -> None:
    print(f"\n{'fuzzer':10} {'cases':>9} {'seconds':>8} {'peak MiB':>9} {'failures':>9}")
    for one in outcomes:
        peak = f"{one.peak_bytes / 2**20:.0f}" if one.peak_bytes else ""
        failures = sum(failure.count for failure in one.failures)
        print(f"{one.name:10} {one.cases:9,} {one.seconds:8.1f} {peak:>9} {failures:9,}")


if __name__ == "__main__":
    sys.exit(main())
