"""Which requests need a GPU: those that the CPU answers late, though a GPU would meet the SLO.

Each is given with the time of its arrival, since a GPU that was ready by then would have saved it.
"""

from typing import NamedTuple

from runtime_images.policy.context import Context
from runtime_images.policy.learning.relation import predict_cpu_s

Needed = tuple[tuple[float, int], ...]


class Counts(NamedTuple):
    """How many requests were missed now; of those late on the CPU, all and the ones that were slow themselves."""

    missed: int = 0
    late: int = 0
    slow: int = 0


NOTHING = Counts()


def needed_on_cpu(context: Context, slo_s: float) -> tuple[Needed, Counts]:
    """The new requests on the CPU that were late; and the counts."""
    if context.fresh.slowest_s <= slo_s:
        return (), NOTHING
    late = _late(context, slo_s, predict_cpu_s(context.state.points, slo_s))
    slow = sum([service_s > slo_s for service_s in context.fresh.services_s]) if late else 0
    return late, Counts(_sum(late), _sum(late), slow)


def needed_on_gpu(context: Context, slo_s: float) -> tuple[Needed, Counts]:
    """The new requests on the GPU that would have been late on the CPU, or are, having waited; and the counts."""
    if not context.fresh.services_s:
        return (), NOTHING
    late = _late(context, slo_s, slo_s)
    counts = Counts(_sum(late)) if late else NOTHING
    saved = context.forecast.late(context.fresh, slo_s, context.state.account) - counts.missed
    needed = (*late, (context.now - context.fresh.latencies_s[0], saved)) if saved > 0 else late
    return needed, counts


def _sum(needed: Needed) -> int:
    return sum([count for _, count in needed])


def _late(context: Context, slo_s: float, hopeless_s: float | None) -> Needed:
    """The requests over the SLO, without those that take longer than `hopeless_s`: no GPU would have saved them."""
    fresh = context.fresh
    if fresh.slowest_s <= slo_s:
        return ()
    late = [
        latency_s
        for service_s, latency_s in zip(fresh.services_s, fresh.latencies_s, strict=True)
        if latency_s > slo_s and (hopeless_s is None or service_s <= hopeless_s)
    ]
    return ((context.now - sum(late) / len(late), len(late)),) if late else ()
