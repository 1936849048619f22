"""How long a wrong answer takes beside a good one: each wrong type, order and value of a message, and all that raises.

    python -m benchmarks.wrong_answers [--rounds 20]

One real worker, one connection after the other; a good answer stands between two bad ones. What is printed is
the longest of each, and their ratio: times depend on the machine and its neighbours.
"""

import argparse
import contextlib
import http.client
import itertools
import statistics
import tempfile
import time
from pathlib import Path

from tests.support.serving import Serving, serving, write_function
from tests.support.wrong_messages import RAISED, SOURCE, WRONG, target

GOOD = target("start(), body()")
SHOWN = 5


def took_ms(running: Serving, what: str) -> float:
    """Return how long one request takes to its answer, or to the end of its connection."""
    begun_s = time.perf_counter()
    with contextlib.suppress(OSError, http.client.HTTPException):  # a connection that was cut is an answer, too
        running.request("GET", what)
    return 1000 * (time.perf_counter() - begun_s)


def main() -> None:
    """Print the longest and the median time of good and bad answers, and which were slowest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrong_answers", description="Time wrong answers.")
    parser.add_argument("--rounds", type=int, default=20, help="how often each is asked for (20)")
    options = parser.parse_args()
    bad = {what: target(what) for what in WRONG} | {what: f"/?{what}" for what in RAISED}
    good_ms: list[float] = []
    bad_ms: dict[str, list[float]] = {what: [] for what in bad}
    with tempfile.TemporaryDirectory() as directory:
        function = write_function(Path(directory), SOURCE)
        with serving(function, wait=True, GAIA_MODE="cpu") as running:
            for _, what in itertools.product(range(options.rounds), bad):
                bad_ms[what].append(took_ms(running, bad[what]))
                good_ms.append(took_ms(running, GOOD))
            exits = len(running.named("worker_exit"))
    report(good_ms, bad_ms)
    print(f"  workers that ended               {exits:8}")


def report(good_ms: list[float], bad_ms: dict[str, list[float]]) -> None:
    """Print it all."""
    all_ms = [one for several in bad_ms.values() for one in several]
    print(f"{len(all_ms)} wrong answers of {len(bad_ms)} kinds, and as many good ones between them")
    for name, several in (("good", good_ms), ("wrong", all_ms)):
        print(f"  {name:6} median {statistics.median(several):8.2f} ms, longest {max(several):8.2f} ms")
    ratio = statistics.median(all_ms) / statistics.median(good_ms)
    print(f"  wrong to good, median             {ratio:8.2f}")
    for what in sorted(bad_ms, key=lambda one: -statistics.median(bad_ms[one]))[:SHOWN]:
        print(f"  {statistics.median(bad_ms[what]):8.2f} ms, longest {max(bad_ms[what]):8.2f} ms: {what}")


if __name__ == "__main__":
    main()
