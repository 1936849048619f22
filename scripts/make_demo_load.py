"""Write samples/02-matmul/load.jsonl, the load of `make demo`: small requests, large ones, small again.

    python scripts/make_demo_load.py > samples/02-matmul/load.jsonl

Nothing is random, so the file is the same every time. The large phase asks for more than one CPU core can
do within the sample's SLO on any machine of today, and for a fraction of what the GPU lane can do.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """`seconds` of requests at a steady `rate`, their size going from `first` to `last`."""

    seconds: float
    rate: float
    first: int
    last: int


PHASES = (
    Phase(seconds=8, rate=6, first=160, last=320),
    Phase(seconds=4, rate=4, first=400, last=2000),
    Phase(seconds=12, rate=4, first=2000, last=2000),
    Phase(seconds=2, rate=4, first=1600, last=320),
    Phase(seconds=18, rate=6, first=320, last=160),
)


def requests() -> Iterator[dict[str, object]]:
    """The requests in order, `at_s` counted from the start of the load."""
    begun = 0.0
    for phase in PHASES:
        count = round(phase.seconds * phase.rate)
        for number in range(count):
            size = round(phase.first + (phase.last - phase.first) * number / (count - 1))
            at_s = round(begun + number / phase.rate, 3)
            yield {"at_s": at_s, "method": "POST", "path": "/", "json": {"size": size}}
        begun += phase.seconds


if __name__ == "__main__":
    for request in requests():
        print(json.dumps(request))
