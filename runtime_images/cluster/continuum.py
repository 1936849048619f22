"""What a place of the continuum gives at a moment: a powered GPU or none, watts, and the latency that is left.

An edge node powers its GPU in a few windows of the day, a satellite has a power cap, a cloud is a network away. The
controller asks here with its clock and the simulator with the time of its trace, so both decide upon the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from runtime_images.cluster.function import FunctionSettings, Window
from runtime_images.policy.model import Accelerator, Slo

MINUTE_S = 60.0
DAY_MIN = 24 * 60
DAY_S = DAY_MIN * MINUTE_S

Span = tuple[float, float]
"""From when to when, in seconds."""


def gpu_left_s(settings: FunctionSettings, wall_s: float) -> float | None:
    """Return for how many seconds the GPU still has power, 0 where it has none now; None where it always has.

    `wall_s` are seconds since 1970, or since any midnight in UTC.
    """
    if settings.accelerator is Accelerator.NONE:
        return 0.0
    spans = _daily(settings.gpu_windows)
    if not spans or spans[0] == (0.0, DAY_S):
        return None
    now = wall_s % DAY_S
    for begin, end in spans:
        if begin <= now < end:
            goes_on = end == DAY_S and spans[0][0] == 0.0
            return end - now + (spans[0][1] if goes_on else 0.0)
    return 0.0


def powered(settings: FunctionSettings, wall_s: float, length_s: float) -> list[Span]:
    """Return the spans of the next `length_s` seconds from `wall_s` on in which the GPU has power, from 0 on."""
    if settings.accelerator is Accelerator.NONE:
        return []
    spans = _daily(settings.gpu_windows) or [(0.0, DAY_S)]
    into = wall_s % DAY_S
    days = range(ceil((into + length_s) / DAY_S))
    shifted = [(begin + day * DAY_S - into, end + day * DAY_S - into) for day in days for begin, end in spans]
    return _joined([(max(begin, 0.0), min(end, length_s)) for begin, end in shifted if end > 0.0 and begin < length_s])


def slo_on_site(settings: FunctionSettings) -> Slo:
    """Return the SLO as it is measured beside the function: what the way there takes is no longer to be spent.

    A latency that the way alone exceeds cannot be kept by any backend: it is left next to nothing.
    """
    asked = settings.slo.latency_p95_ms
    if asked is None or not settings.network_ms:
        return settings.slo
    return replace(settings.slo, latency_p95_ms=max(asked - settings.network_ms, _LEAST_MS))


_LEAST_MS = 1.0


def _daily(windows: Sequence[Window]) -> list[Span]:
    """Return the windows of a day as spans within it, in their order and apart; one over midnight becomes two."""
    spans: list[Span] = []
    for window in windows:
        begin, end = window.begin_min * MINUTE_S, window.end_min * MINUTE_S
        spans += [(begin, end)] if begin < end else [(begin, DAY_S), (0.0, end)]
    return _joined([span for span in spans if span[0] < span[1]])


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
