"""What a report draws of a replay: bands of time by backend, latencies in buckets, the cost so far. Pure.

A picture is a thousand points wide at most, however many requests it shows: a bucket shows the median and the
worst of its latencies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from gaia_cli.simulator.results.comparison import HELD_MORE
from gaia_cli.simulator.world.backends import Change
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.world import Replay
from runtime_images.policy.model import Backend

BUCKETS = 400


@dataclass(frozen=True, slots=True)
class Band:
    """A span of time in which `backend` took the traffic; with `starting`, in which it was starting."""

    backend: Backend
    begin_s: float
    end_s: float
    starting: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """The latencies of the requests that arrived around `at_s`, in milliseconds."""

    at_s: float
    median_ms: float
    worst_ms: float


def bands(timeline: Sequence[Change], ended_at: float) -> list[Band]:
    """Return who took the traffic when, and what was starting meanwhile, by their beginnings."""
    found: list[Band] = []
    active: Change | None = None
    ordered: dict[Backend, float] = {}
    for change in timeline:
        if change.event == "start":
            ordered[change.backend] = change.t
        elif change.event in ("active", "cancel") and change.backend in ordered:
            found.append(Band(change.backend, ordered.pop(change.backend), change.t, starting=True))
        if change.event == "active" or (change.event == "release" and active and change.backend is active.backend):
            if active is not None:
                found.append(Band(active.backend, active.t, change.t))
            active = change if change.event == "active" else None
    if active is not None:
        found.append(Band(active.backend, active.t, ended_at))
    return sorted((one for one in found if one.end_s > one.begin_s), key=lambda one: one.begin_s)


def buckets(replay: Replay) -> list[Bucket]:
    """Return the latencies over time."""
    width = max(replay.ended_at, 1e-9) / BUCKETS
    collected: dict[int, list[float]] = {}
    for arrived, finished in zip(replay.arrived, replay.finished, strict=True):
        collected.setdefault(int(arrived / width), []).append(1000 * (finished - arrived))
    return [
        Bucket((index + 0.5) * width, sorted(latencies)[(len(latencies) - 1) // 2], max(latencies))
        for index, latencies in sorted(collected.items())
    ]


def cost_so_far(timeline: Sequence[Change], supply: Supply) -> list[tuple[float, float]]:
    """Return the cost at every moment at which its slope may change: seconds, and money."""
    line = [(0.0, 0.0)]
    held, paid = dict.fromkeys(Backend, 0), dict.fromkeys(Backend, 0.0)
    ended_at = max((change.t for change in timeline), default=0.0)
    changes = [*((change.t, change) for change in timeline), *((at, None) for at in supply.edges if at < ended_at)]
    for t, change in sorted(changes, key=itemgetter(0)):
        line.append((t, sum(paid[backend] + held[backend] * supply.spent(backend, t) for backend in Backend)))
        if change is not None:
            more = HELD_MORE[change.event]
            held[change.backend] += more
            paid[change.backend] -= more * supply.spent(change.backend, t)
    return line
