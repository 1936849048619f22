"""What a decision rests on: its reason in words, and the numbers behind it; made only when somebody reads them."""

from typing import NamedTuple

from runtime_images.policy.context import Context
from runtime_images.policy.model import CPU, GPU
from runtime_images.policy.rules.reasons import LONG_S, REASONS


class Rationale(NamedTuple):
    """The moment of a decision, put into words and numbers on demand."""

    context: Context

    def reason(self, rule: str) -> str:
        """Say in one sentence why `rule` decided as it did."""
        return REASONS[rule](self.context)

    def inputs(self) -> dict[str, float | str | None]:
        """Return the numbers behind the decision."""
        context = self.context
        cpu, gpu = context.level(CPU), context.level(GPU)
        seen, on_gpu = context.seen, context.seen.active is GPU
        return {
            "slo_ms": _ms(context.slo_s),
            "p95_ms": _ms(seen.lanes[seen.active].p95_s),
            "cpu_service_p95_ms": _ms(cpu.p95_s if cpu else None),
            "gpu_service_p95_ms": _ms(gpu.p95_s if gpu else None),
            "predicted_cpu_p95_ms": _ms(context.forecast.p95_s(context.certainty) if on_gpu else None),
            "certainty": round(context.certainty, 3) if on_gpu else None,
            "alarm": round(context.alarm, 3),
            "alarm_threshold": round(context.threshold, 3),
            "overdue": float(len(context.overdue_s)),
            "queue": float(len(seen.queue_ages_s)),
            "arrival_rate": round(seen.arrival_rate, 3),
            "utilization": round(context.utilization, 3),
            "cpu_share": context.state.cpu_share,
            "idle_s": round(seen.idle_s, 3),
            "dwell_s": context.state.dwell_s,
            "patience_s": _finite(context.patience_s) if on_gpu else None,
            "break_even_s": _finite(context.break_even_s),
        }


def _finite(seconds: float) -> float | None:
    return round(seconds, 3) if seconds < LONG_S else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None or seconds > LONG_S else round(1000 * seconds, 3)
