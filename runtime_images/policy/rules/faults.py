"""A GPU that answers with errors does not serve, however fast it is; one that keeps vanishing hardly does.

A broken CUDA installation, a device out of memory or a model that only fails there looks healthy to NVML and quick to
a clock. So a GPU backend whose answers are mostly errors is left for the CPU, and tried again with growing pauses; so
is one that was lost twice within a short time. Errors on the CPU are no reason to promote: a bug is as wrong on a
GPU, and dearer.
"""

from runtime_images.policy.context import Context
from runtime_images.policy.model import Backend

ANSWERS_LEAST = 5
ERRORS_MOST = 0.5
"""The share of errors at which a GPU counts as failing where the SLO names none."""

FIRST_PAUSE_S = 10.0
SOUND_AFTER = 20


def answers_are_errors(context: Context) -> bool:
    """On the GPU: whether it must be left because of its answers."""
    gpu, asked = context.gpu, context.settings.slo.error_rate
    limit = ERRORS_MOST if asked is None else max(asked, 1 / ANSWERS_LEAST)
    return gpu.error_rate >= limit and gpu.answered >= ANSWERS_LEAST and context.usable(Backend.CPU)


def note_soundness(context: Context) -> None:
    """Forgive a GPU that serves well again."""
    state, gpu = context.state, context.gpu
    if state.gpu_failures and gpu.answered >= SOUND_AFTER and gpu.error_rate < ERRORS_MOST:
        state.gpu_failures = 0


def pause_left_s(context: Context) -> float:
    """On the CPU: how long the GPU must not be tried yet."""
    failures = context.state.gpu_failures
    if not failures:
        return 0.0
    pause_s = min(FIRST_PAUSE_S * 2.0 ** (failures - 1), context.settings.dwell_max_s)
    return max(context.state.gpu_failed_at + pause_s - context.now, 0.0)
