"""A GPU that answers with errors does not serve, however fast it is.

A broken CUDA installation, a device out of memory or a model that only fails there looks healthy to NVML and quick
to a clock. So a GPU backend whose answers are mostly errors is left for the CPU, and tried again with growing
pauses. Errors on the CPU are no reason to promote: a bug is as wrong on a GPU, and dearer.
"""

from dataclasses import replace

from runtime_images.policy.context import Context
from runtime_images.policy.model import Decision
from runtime_images.policy.sentences import span
from runtime_images.policy.state import PolicyState

ANSWERS_LEAST = 5
ERRORS_MOST = 0.5
"""The share of errors at which a GPU counts as failing where the SLO names none."""

FIRST_PAUSE_S = 10.0
SOUND_AFTER = 20


def leave_failing_gpu(context: Context) -> tuple[PolicyState, Decision | None]:
    """On the GPU: go back to the CPU if the answers are errors; the state that remembers it."""
    state, gpu = context.state, context.gpu
    asked = context.settings.slo.error_rate
    limit = ERRORS_MOST if asked is None else max(asked, 1 / ANSWERS_LEAST)
    if gpu.error_rate < limit:
        sound = gpu.answered >= SOUND_AFTER and state.gpu_failures
        return (replace(state, gpu_failures=0) if sound else state), None
    if gpu.answered < ANSWERS_LEAST or not context.cpu.available or context.seen.switching_to is not None:
        return state, None
    reason = f"{gpu.error_rate:.0%} of the last {gpu.answered} answers of the GPU are errors"
    state = replace(state, gpu_failures=state.gpu_failures + 1, gpu_failed_at=context.now)
    return state, context.move("errors", reason)


def gpu_is_failing(context: Context) -> str | None:
    """On the CPU: why the GPU must not be tried yet, as the second half of a sentence; None if it may."""
    if not context.state.gpu_failures:
        return None
    pause_s = min(FIRST_PAUSE_S * 2.0 ** (context.state.gpu_failures - 1), context.settings.dwell_max_s)
    left_s = context.state.gpu_failed_at + pause_s - context.now
    if left_s <= 0:
        return None
    return f"the GPU answered with errors when it was last used: it is tried again in {span(left_s)}"
