"""Which requests need a GPU: those that the CPU answers late, though a GPU would meet the SLO.

Each is given with the time of its arrival, since a GPU that was ready by then would have saved it.
"""

from runtime_images.policy import plans
from runtime_images.policy.context import Context
from runtime_images.policy.estimators import predict_cpu_s

Needed = tuple[tuple[float, int], ...]


def needed_on_cpu(context: Context, slo_s: float) -> Needed:
    """The new requests on the CPU that were late."""
    late = _late(context, slo_s, predict_cpu_s(context.state.points, slo_s))
    slow = sum([service_s > slo_s for service_s in context.fresh.services_s]) if late else 0
    _count(context, late, slow)
    return late


def needed_on_gpu(context: Context, slo_s: float) -> Needed:
    """The new requests on the GPU that would have been late on the CPU, or are, since they had to wait for the GPU."""
    services_s = context.fresh.services_s
    if not services_s:
        return ()
    late = _late(context, slo_s, slo_s)
    _count(context, late, None)
    blocked = plans.blocked(context.state.ledger)
    saved = context.outlook.late(services_s, slo_s, blocked) - sum([count for _, count in late])
    return (*late, (context.now - context.fresh.latencies_s[0], saved)) if saved > 0 else late


def _count(context: Context, late: Needed, slow: int | None) -> None:
    """Keep count of what was served and missed; on the CPU also of how many were slow themselves."""
    ledger, served = context.state.ledger, len(context.fresh.services_s)
    if not served:
        return
    missed = sum([count for _, count in late])
    ledger = ledger._replace(served=ledger.served + served, missed=ledger.missed + missed)
    if slow is not None and missed:
        ledger = ledger._replace(late=ledger.late + missed, slow=ledger.slow + slow)
    context.state = context.state._replace(ledger=ledger)


def _late(context: Context, slo_s: float, hopeless_s: float | None) -> Needed:
    """The requests over the SLO, without those that take longer than `hopeless_s`: no GPU would have saved them."""
    fresh = context.fresh
    if not fresh.latencies_s or max(fresh.latencies_s) <= slo_s:
        return ()
    late = [
        latency_s
        for service_s, latency_s in zip(fresh.services_s, fresh.latencies_s, strict=True)
        if latency_s > slo_s and (hopeless_s is None or service_s <= hopeless_s)
    ]
    return ((context.now - sum(late) / len(late), len(late)),) if late else ()
